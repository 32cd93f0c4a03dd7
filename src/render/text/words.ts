/** Words of memory in crash's form: sixteen digits, or what they point at, padded to as many. */

import { hex } from '../../base/addr.ts';
import type { TypedPlace, WordDetail, WordLabel } from '../../query/word-label.ts';
import { escapeLine } from './escape.ts';

/** Columns of a word. */
export const WORD_WIDTH = 16;

/** `name+off`, `[cache]` or `[addr:cache]`, or the number; at detail 3 what stands there, a guess behind ~. */
export function wordText(word: WordLabel, detail: WordDetail, radix: 10 | 16 = 10): string {
  switch (word.kind) {
    case 'number':
      return hex(word.value, WORD_WIDTH);
    case 'symbol':
      return `${nameAndOffset(word.symbol, word.offset, radix)}${placeText(word.place)}`.padEnd(WORD_WIDTH);
    case 'slab': {
      const cache = escapeLine(word.cache);
      const label = detail === 1 ? `[${cache}]` : `[${hex(word.value)}:${cache}]`;
      return `${label}${placeText(word.place)}`.padEnd(WORD_WIDTH);
    }
    case 'page':
      return `${hex(word.value, WORD_WIDTH)} page (of ${hex(word.physical)})`;
  }
}

/** ` ~nfs_inode+0x1d8 (.vfs_inode)`. */
export function placeText(place: TypedPlace | undefined): string {
  if (place === undefined) return '';
  const { type, offset, member, provenance } = place;
  const mark = provenance.kind === 'known' ? '' : '~';
  return ` ${mark}${type}${offset === 0 ? '' : `+0x${hex(offset)}`}${member === undefined ? '' : ` (${member})`}`;
}

/** `name`, `name+16`, `name+0x10`. */
export function nameAndOffset(name: string, offset: number, radix: 10 | 16 = 10): string {
  if (offset === 0) return name;
  return `${name}+${radix === 16 ? `0x${hex(offset)}` : offset}`;
}
