/** `bt -t` and `-T` in crash's layout: the addresses of code on a stack. */

import { hex } from '../../base/addr.ts';
import type { StackText, TextPlace, TextWord } from '../../query/stack-text.ts';
import { headerLine } from './backtrace.ts';
import { escapeLine } from './escape.ts';
import { renderInterrupted, renderRegisters } from './registers.ts';
import { nameAndOffset } from './words.ts';

export function* renderStackText(text: StackText): Generator<string> {
  const place = (at: TextPlace): string => {
    const offset = text.offsets === 'none' ? 0 : at.offset;
    const name =
      at.symbol === undefined ? '(unknown)' : nameAndOffset(at.symbol, offset, text.offsets === 'hex' ? 16 : 10);
    return `${name} at ${hex(at.address, 16)}${at.module === undefined ? '' : ` [${escapeLine(at.module)}]`}`;
  };
  const line = (word: TextWord): string => `  [${hex(word.slot, 16)}] ${place(word)}`;
  yield headerLine(text.header);
  if (text.start !== undefined) yield `              START: ${place(text.start)}`;
  let previous: string | undefined;
  for (const { stack, interrupted, before, words, unavailable } of text.parts) {
    if (previous !== undefined) yield `--- <${previous === '' ? 'process' : previous} stack> ---`;
    previous = stack;
    yield* before.map(line);
    if (interrupted !== undefined) yield* renderInterrupted(interrupted.at, interrupted.registers);
    yield* words.map(line);
    for (const why of unavailable) yield `    (${why})`;
  }
  if (text.userRegisters !== undefined) yield* renderRegisters(text.userRegisters);
  if (text.incomplete !== undefined) yield `    (nothing to search: ${text.incomplete})`;
}
