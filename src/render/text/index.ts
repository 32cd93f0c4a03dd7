/** Any result as lines of text. */

import { assertNever } from '../../base/errors.ts';
import type { Result } from '../../query/result.ts';
import { renderBacktrace } from './backtrace.ts';
import { renderLog } from './log.ts';
import { renderMemory } from './memory.ts';
import { renderProcesses, renderRunTimes } from './processes.ts';
import { renderSystem, renderTask } from './system.ts';
import { renderModules, renderSymbols } from './tables.ts';
import { renderTranslation } from './translation.ts';

export function renderText(result: Result): Iterable<string> {
  switch (result.type) {
    case 'backtrace':
      return renderBacktrace(result);
    case 'log':
      return renderLog(result);
    case 'memory':
      return renderMemory(result);
    case 'modules':
      return renderModules(result);
    case 'note':
      return [`(${result.message})`];
    case 'processes':
      return renderProcesses(result);
    case 'run-times':
      return renderRunTimes(result);
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
    default:
      return assertNever(result);
  }
}
