/** Words of memory in crash's form: sixteen digits, or what they point at, padded to as many. */

import { hex } from '../../base/addr.ts';
import type { WordDetail, WordLabel } from '../../query/word-label.ts';
import { escapeLine } from './escape.ts';

/** Columns of a word. */
export const WORD_WIDTH = 16;

/** `name+off`, `[cache]` or `[addr:cache]`, or the number. */
export function wordText(word: WordLabel, detail: WordDetail, radix: 10 | 16 = 10): string {
  switch (word.kind) {
    case 'number':
      return hex(word.value, WORD_WIDTH);
    case 'symbol':
      return nameAndOffset(word.symbol, word.offset, radix).padEnd(WORD_WIDTH);
    case 'slab': {
      const cache = escapeLine(word.cache);
      return (detail === 1 ? `[${cache}]` : `[${hex(word.value)}:${cache}]`).padEnd(WORD_WIDTH);
    }
  }
}

/** `name`, `name+16`, `name+0x10`. */
export function nameAndOffset(name: string, offset: number, radix: 10 | 16 = 10): string {
  if (offset === 0) return name;
  return `${name}+${radix === 16 ? `0x${hex(offset)}` : offset}`;
}
