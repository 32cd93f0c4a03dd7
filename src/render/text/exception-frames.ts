/** `bt -e` and `-E` in crash's layout: the saved registers that lie on a stack. */

import { hex } from '../../base/addr.ts';
import type { ExceptionFrame, ExceptionFrames } from '../../query/exception-frames.ts';
import { headerLine, lineOf } from './backtrace.ts';
import { renderInterrupted, renderRegisters } from './registers.ts';

/** A frame that only looks like one bears a "?". */
export function* renderExceptionFrames({ of, frames, unavailable, missing }: ExceptionFrames): Generator<string> {
  yield of.kind === 'task' ? headerLine(of.header) : `CPU ${of.cpu} ${of.stack.toUpperCase()} STACK:`;
  for (const frame of frames) yield* renderFrame(frame);
  for (const why of [...unavailable, ...missing]) yield `(${why})`;
  if (of.kind === 'task') return;
  if (frames.length === 0 && unavailable.length === 0) yield '(none found)';
  yield '';
}

function* renderFrame({ address, mode, certain, registers, source, ...at }: ExceptionFrame): Generator<string> {
  yield '';
  yield `  ${mode.toUpperCase()}-MODE EXCEPTION FRAME AT: ${hex(address, 16)}${certain ? '' : ' ?'}`;
  if (mode === 'kernel') yield* renderInterrupted({ ...at, address: registers['rip'] ?? 0n }, registers);
  else yield* renderRegisters(registers);
  yield* lineOf(source, 4);
}
