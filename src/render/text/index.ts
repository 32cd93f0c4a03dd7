/** Any result as lines of text. */

import { assertNever } from '../../base/errors.ts';
import type { Result } from '../../query/result.ts';
import { renderBacktrace } from './backtrace.ts';
import { escapeControl, escapeLine } from './escape.ts';
import { renderFrameReport, renderRegisterReport } from './frame.ts';
import { renderVariables } from './variables.ts';
import { renderExceptionFrames } from './exception-frames.ts';
import { renderDeclaration, renderDefinition, renderEnum, renderTypeList } from './definition.ts';
import { renderExpression, renderPerCpuAddresses } from './expression.ts';
import { renderStructure, renderUnreadObjects } from './structure.ts';
import { renderAddress, renderSlabCaches } from './kmem.ts';
import { renderList } from './list.ts';
import { renderDisassembly, renderSourceListing } from './disassembly.ts';
import { renderFunctionLines } from './function-lines.ts';
import { renderLog } from './log.ts';
import { renderMemory, renderRawMemory } from './memory.ts';
import { renderOrigin } from './origin.ts';
import { renderProcesses, renderRunTimes } from './processes.ts';
import { renderStackOverflows } from './stack-overflow.ts';
import { renderStackText } from './stack-text.ts';
import { renderRawStack } from './stack-words.ts';
import { renderSlabObjects } from './slab-objects.ts';
import { renderSearch } from './search.ts';
import { renderSystem, renderTask } from './system.ts';
import { renderModules, renderTaints } from './modules.ts';
import { renderSymbols } from './symbols.ts';
import { renderTranslation } from './translation.ts';

/** The results of one command, one after the other; a free line stands between stacks, and between objects of an array, as crash leaves one. */
export function* renderAll(results: Iterable<Result>): Generator<string> {
  let previous: Result | undefined;
  for (const result of results) {
    if (previous !== undefined) yield* lineBetween(previous, result);
    yield* renderText(result);
    previous = result;
  }
}

/** What stands between two results of one command. */
export function lineBetween(previous: Result, result: Result): readonly string[] {
  const nextObject = (result.type === 'structure' || result.type === 'unread-objects') && result.index > 0;
  return nextObject || (isStack(previous) && isStack(result)) ? [''] : [];
}

function isStack(result: Result): boolean {
  const { type } = result;
  if (type === 'exception-frames') return result.of.kind === 'task';
  return type === 'backtrace' || type === 'raw-stack' || type === 'stack-text';
}

/**
 * The lines of a result. Whatever is in them came from a dump or a file of a stranger; renderers escape names where a
 * line break would break their lines, and nothing passes here that a terminal would obey.
 */
export function* renderText(result: Result): Generator<string> {
  for (const line of linesOf(result)) yield escapeControl(line);
}

function linesOf(result: Result): Iterable<string> {
  switch (result.type) {
    case 'address':
      return renderAddress(result);
    case 'backtrace':
      return renderBacktrace(result);
    case 'exception-frames':
      return renderExceptionFrames(result);
    case 'declaration':
      return renderDeclaration(result);
    case 'enum-definition':
      return renderEnum(result);
    case 'list':
      return renderList(result);
    case 'disassembly':
      return renderDisassembly(result);
    case 'frame':
      return renderFrameReport(result);
    case 'function-lines':
      return renderFunctionLines(result);
    case 'log':
      return renderLog(result);
    case 'memory':
      return renderMemory(result);
    case 'modules':
      return renderModules(result);
    case 'module-taints':
      return renderTaints(result);
    case 'note':
      return [`(${escapeLine(result.message)})`];
    case 'origin':
      return renderOrigin(result);
    case 'per-cpu':
      return renderPerCpuAddresses(result);
    case 'processes':
      return renderProcesses(result);
    case 'raw-stack':
      return renderRawStack(result);
    case 'registers':
      return renderRegisterReport(result);
    case 'run-times':
      return renderRunTimes(result);
    case 'stack-overflows':
      return renderStackOverflows(result);
    case 'stack-text':
      return renderStackText(result);
    case 'structure':
      return renderStructure(result);
    case 'raw-memory':
      return [renderRawMemory(result)];
    case 'search':
      return renderSearch(result);
    case 'slab-caches':
      return renderSlabCaches(result);
    case 'slab-objects':
      return renderSlabObjects(result);
    case 'source-listing':
      return renderSourceListing(result);
    case 'symbols':
      return renderSymbols(result);
    case 'system':
      return renderSystem(result);
    case 'task':
      return renderTask(result);
    case 'text':
      return result.lines;
    case 'translation':
      return renderTranslation(result);
    case 'type-definition':
      return renderDefinition(result);
    case 'type-list':
      return renderTypeList(result);
    case 'value':
      return renderExpression(result);
    case 'unread-objects':
      return [renderUnreadObjects(result)];
    case 'variables':
      return renderVariables(result);
    default:
      return assertNever(result);
  }
}
