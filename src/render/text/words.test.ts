/** Words and what they point at. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder, TEXT } from '../../../test/builders/kernel.ts';
import { virtAddr } from '../../base/addr.ts';
import { wordText } from './words.ts';
import { describeWord } from '../../query/word-label.ts';

const slide = 0x200_0000n;
const kernel = new KernelBuilder({ slide }).symbol('vfs_write', TEXT + 0x100n).build();
const at = (address: bigint): string =>
  [1, 2, 3].map((detail) => wordText(describeWord(kernel, virtAddr(address), 1), detail as 1 | 2 | 3)).join('|');

describe('a word', () => {
  it('is a symbol and an offset where it is an address of the kernel, wherever that was loaded', () => {
    const word = describeWord(kernel, virtAddr(TEXT + slide + 0x110n), 1);
    expect(word).toEqual({
      kind: 'symbol',
      value: TEXT + slide + 0x110n,
      symbol: 'vfs_write',
      offset: 16,
      module: undefined,
    });
    expect(wordText(word, 1)).toBe('vfs_write+16    ');
    expect(wordText(word, 1, 16)).toBe('vfs_write+0x10  ');
    expect(wordText(describeWord(kernel, virtAddr(TEXT + slide + 0x100n), 1), 1)).toBe('vfs_write       ');
  });

  it('is a number otherwise', () => {
    expect(at(0x42n)).toBe('0000000000000042|0000000000000042|0000000000000042');
    expect(at(TEXT)).toBe('ffffffff81000000|ffffffff81000000|ffffffff81000000');
    expect(at((1n << 64n) - 1n)).toBe('ffffffffffffffff|ffffffffffffffff|ffffffffffffffff');
  });

  it('shows an object by its cache, with its address from the second level on, and no control character', () => {
    const slab = {
      kind: 'slab',
      value: virtAddr(0xffff_8880_0000_1008n),
      cache: 'fi\u001blp',
      object: virtAddr(0xffff_8880_0000_1000n),
      offset: 8,
      place: undefined,
    } as const;
    expect(wordText(slab, 1)).toBe('[fi\\x1blp]      ');
    expect(wordText(slab, 2)).toBe('[ffff888000001008:fi\\x1blp]');
    expect(wordText(slab, 3)).toBe(wordText(slab, 2));
    const place = { type: 'file', offset: 8, member: '.f_path', provenance: { kind: 'inferred', how: 'x' } } as const;
    expect(wordText({ ...slab, place }, 3)).toBe('[ffff888000001008:fi\\x1blp] ~file+0x8 (.f_path)');
    const known = { ...place, offset: 0, member: undefined, provenance: { kind: 'known' } } as const;
    expect(wordText({ ...slab, place: known }, 3)).toBe('[ffff888000001008:fi\\x1blp] file');
  });
});
