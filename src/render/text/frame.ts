/** The chosen frame, and its registers. */

import { hex } from '../../base/addr.ts';
import type { FrameReport, RegisterReport, RegisterRow } from '../../query/chosen-frame.ts';
import type { RegisterSource } from '../../unwind/frame-registers.ts';
import { frameLine, inlinedLine, lineOf } from './backtrace.ts';
import { escapeLine } from './escape.ts';
import { wordText } from './words.ts';

export function* renderFrameReport({ frame, inlined }: FrameReport): Generator<string> {
  const call = frame.inlined.find(({ number }) => number === inlined);
  yield frameLine(frame, 'none');
  if (call !== undefined) yield inlinedLine(frame.number, call, true);
  else yield* lineOf(frame.source, 4);
}

export function* renderRegisterReport({ frame, registers }: RegisterReport): Generator<string> {
  yield frameLine(frame, 'none');
  for (const row of registers) yield registerLine(row);
}

function registerLine({ name, known, target }: RegisterRow): string {
  const label = `${name.toUpperCase().padStart(6)}: `;
  if (known === undefined) return `${label}${'(unknown)'.padEnd(17)} a call may have changed it`;
  const value = `${known.inferred === undefined ? ' ' : '~'}${hex(known.value, 16)}`;
  const leads = target === undefined ? '' : `  ${wordText(target, 2).trimEnd()}`;
  const how = known.inferred === undefined ? '' : `  (~ ${escapeLine(known.inferred)})`;
  return `${label}${value} ${sourceText(known.source)}${leads}${how}`;
}

function sourceText(source: RegisterSource): string {
  switch (source.kind) {
    case 'cpu':
      return 'as the CPU had it';
    case 'slot':
      return `[${hex(source.address, 16)}]`;
    case 'walk':
      return 'computed';
    case 'same':
      return `same as below: ${sourceText(source.as)}`;
  }
}
