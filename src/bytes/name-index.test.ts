/** The index of names against a search through all of them. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NameIndex, NO_NAME } from './name-index.ts';

function tableOf(names: readonly string[]): { offsets: Uint32Array; strings: Uint8Array } {
  const parts = names.map((name) => new TextEncoder().encode(`${name}\0`));
  const offsets = new Uint32Array(names.length);
  let length = 0;
  for (const [index, part] of parts.entries()) {
    offsets[index] = length;
    length += part.length;
  }
  const strings = new Uint8Array(length);
  for (const [index, part] of parts.entries()) strings.set(part, offsets[index]);
  return { offsets, strings };
}

describe('NameIndex', () => {
  it('finds what a search through all names finds, in their order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme-ascii', maxLength: 12 })),
        fc.string({ maxLength: 12 }),
        (names, other) => {
          const clean = names.map((name) => name.replaceAll('\0', ''));
          const { offsets, strings } = tableOf(clean);
          const index = new NameIndex(offsets, strings);
          for (const name of [...clean, other.replaceAll('\0', '')]) {
            expect(index.find(name)).toEqual(clean.flatMap((candidate, at) => (candidate === name ? [at] : [])));
          }
        },
      ),
    );
  });

  it('leaves out what has no name, and names beyond the strings', () => {
    const { strings } = tableOf(['one', 'two']);
    const index = new NameIndex(Uint32Array.of(NO_NAME, 4, 999), strings);
    expect(index.find('two')).toEqual([1]);
    expect(index.find('one')).toEqual([]);
    expect(new NameIndex(new Uint32Array(0), strings).find('one')).toEqual([]);
  });

  it('takes a name that no zero ends as ended by the table', () => {
    const index = new NameIndex(Uint32Array.of(0), new TextEncoder().encode('abc'));
    expect(index.find('abc')).toEqual([]);
    expect(index.find('ab')).toEqual([]);
  });
});
