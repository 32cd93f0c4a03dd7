/** Stacks in crash's line form, with inlined calls on lines of their own: see DESIGN.md, "Exactness". */

import { hex } from '../../base/addr.ts';
import { scopeLines } from './variables.ts';
import type { SourceLine } from '../../debuginfo/dwarf/dwarf-info.ts';
import type { Backtrace, BacktraceColumns, BacktraceFrame, InlinedFrame } from '../../query/backtrace.ts';
import type { TaskHeader } from '../../query/stack-walk.ts';
import { escapeLine } from './escape.ts';
import { renderInterrupted, renderRegisters } from './registers.ts';
import { renderFrameWords } from './stack-words.ts';

export function headerLine({ pid, task, cpu, command }: TaskHeader): string {
  const address = task === undefined ? '?'.padEnd(16) : hex(task, 16);
  const name = command === undefined ? '?' : `"${escapeLine(command)}"`;
  return `PID: ${String(pid ?? '?').padEnd(7)}  TASK: ${address}  CPU: ${String(cpu ?? '?').padEnd(3)}  COMMAND: ${name}`;
}

export function* renderBacktrace(trace: Backtrace): Generator<string> {
  yield headerLine(trace.header);
  if (trace.beginning !== undefined) yield `    (${trace.beginning})`;
  let stack: string | undefined;
  for (const frame of trace.frames) {
    if (stack !== undefined && stack !== '' && frame.stack !== stack) yield `--- <${stack} stack> ---`;
    stack = frame.stack;
    yield* renderFrame(frame, trace.show);
  }
  if (trace.userRegisters !== undefined) yield* renderRegisters(trace.userRegisters);
  if (trace.incomplete !== undefined) yield `    (the stack ends here: ${trace.incomplete})`;
  for (const { type, how } of trace.inferences) yield `    (~${type}: ${escapeLine(how)})`;
}

function* renderFrame(frame: BacktraceFrame, show: BacktraceColumns): Generator<string> {
  yield frameLine(frame, show.offsets);
  if (frame.exception !== undefined) yield* renderInterrupted(frame, frame.exception);
  yield* variablesOf(frame, 0, show.radix, 8);
  for (const inlined of frame.inlined) {
    yield inlinedLine(frame.number, inlined, !show.lines);
    if (show.lines) yield* lineOf(inlined.source, 8);
    yield* variablesOf(frame, inlined.number, show.radix, 12);
  }
  if (show.lines) yield* lineOf(frame.source, 4);
  if (frame.words !== undefined && show.words !== 'none') yield* renderFrameWords(frame.words, show.words, show.radix);
}

/** `#3 [slot] name+offset at address [module]`. */
export function frameLine(frame: BacktraceFrame, offsets: BacktraceColumns['offsets']): string {
  const number = `#${frame.number}`.padStart(3);
  const offset = offsets === 'none' ? '' : `+${offsets === 'hex' ? `0x${hex(frame.offset)}` : frame.offset}`;
  const name = frame.symbol === undefined ? '(unknown)' : `${frame.symbol}${offset}`;
  const guess = frame.origin === 'scan' || frame.origin === 'frame-pointer' ? ' ?' : '';
  const inferred = frame.origin === 'code' ? ' (~by the code of the function below)' : '';
  const module = frame.module === undefined ? '' : ` [${escapeLine(frame.module)}]`;
  const recovered = frame.recovered === undefined ? '' : ` (return address recovered from ${frame.recovered})`;
  return `${number} [${hex(frame.slot, 16)}] ${name} at ${hex(frame.address, 16)}${module}${guess}${inferred}${recovered}`;
}

export function inlinedLine(number: number, call: InlinedFrame, source: boolean): string {
  return `    #${number}.${call.number} ${call.name} (inlined)${source ? at(call.source) : ''}`;
}

function variablesOf(frame: BacktraceFrame, inlined: number, radix: 10 | 16, indent: number): Iterable<string> {
  const scope = frame.variables?.find((candidate) => candidate.inlined === inlined);
  return scope === undefined ? [] : scopeLines(scope, radix, indent);
}

function at(source: SourceLine | undefined): string {
  return source === undefined ? '' : ` at ${source.file}: ${source.line}`;
}

export function* lineOf(source: SourceLine | undefined, indent: number): Generator<string> {
  if (source !== undefined) yield `${' '.repeat(indent)}${source.file}: ${source.line}`;
}
