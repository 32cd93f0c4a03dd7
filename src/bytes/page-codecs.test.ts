/** LZO1X and snappy: round trips, every instruction, damage. */

import fc from 'fast-check';
import { describe, expect, it, test as propertyTest } from 'vitest';
import { mutationRun, randomFrom } from '../../test/builders/mutate.ts';
import { packLzo1x, packSnappy } from '../../test/builders/pack.ts';
import { FormatError } from '../base/errors.ts';
import { unpackLzo1x } from './lzo1x.ts';
import { unpackSnappy } from './snappy.ts';

/** Bytes with repetitions near and far, as memory has them. */
function repetitive(seed: number, size: number): Uint8Array {
  const random = randomFrom(seed);
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const length = Math.min(size - at, 1 + Math.floor(random() ** 4 * 300));
    const from = Math.floor(random() * at);
    if (at > 0 && random() < 0.7)
      for (let index = 0; index < length; index++) bytes[at + index] = bytes[from + index] ?? 0;
    else for (let index = 0; index < length; index++) bytes[at + index] = Math.floor(random() * 256);
    at += length;
  }
  return bytes;
}

const codecs = [
  ['LZO1X', packLzo1x, unpackLzo1x],
  ['snappy', packSnappy, unpackSnappy],
] as const;

describe.each(codecs)('%s', (_, pack, unpack) => {
  const roundTrip = (bytes: Uint8Array): Uint8Array => {
    const target = new Uint8Array(bytes.length);
    unpack(pack(bytes), target);
    return target;
  };

  propertyTest('unpacks what was packed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 700 }), (bytes) => {
        expect(roundTrip(bytes)).toEqual(bytes);
      }),
    );
  });

  it.each([1, 2, 3, 4])('unpacks pages of memory, small and large, seed %d', (seed) => {
    for (const size of [4096, 65_536]) {
      const bytes = repetitive(seed, size);
      expect(roundTrip(bytes)).toEqual(bytes);
    }
  });

  it('unpacks a page of one byte', () => {
    expect(roundTrip(new Uint8Array(4096))).toEqual(new Uint8Array(4096));
  });

  it('refuses another size, and an end that is missing', () => {
    const bytes = repetitive(9, 512);
    const packed = pack(bytes);
    for (const size of [0, 511, 513]) expect(() => unpack(packed, new Uint8Array(size))).toThrow(FormatError);
    for (let length = 0; length < packed.length; length++)
      expect(() => unpack(packed.subarray(0, length), new Uint8Array(512))).toThrow(FormatError);
  });

  it('whatever the bytes, fills the page or throws FormatError', () => {
    const target = new Uint8Array(512);
    mutationRun(pack(repetitive(5, 512)), 2000, (bytes) => unpack(bytes, target));
  });
});

describe('LZO1X, byte by byte', () => {
  const unpacked = (size: number, ...bytes: number[]): string => {
    const target = new Uint8Array(size);
    unpackLzo1x(Uint8Array.from(bytes), target);
    return String.fromCharCode(...target);
  };
  const [a, b, c, d] = [97, 98, 99, 100];

  it('begins with up to three literals or with a run', () => {
    expect(unpacked(2, 19, a, b, 0x11, 0, 0)).toBe('ab');
    expect(unpacked(4, 1, a, b, c, d, 0x11, 0, 0)).toBe('abcd');
  });

  it('copies two bytes from near behind literals, three from farther behind a run', () => {
    expect(unpacked(4, 19, a, b, 0x04, 0, 0x11, 0, 0)).toBe('abab');
    const run = Array.from({ length: 2049 }, (_, index) => a + (index % 26));
    const long = [0, ...Array.from({ length: 7 }, () => 0), 2049 - 18 - 7 * 255];
    expect(unpacked(2052, ...long, ...run, 0, 0, 0x11, 0, 0).slice(-3)).toBe('abc');
  });

  it('copies what it writes', () => {
    expect(unpacked(10, 18, a, 0x20 | 7, 0, 0, 0x11, 0, 0)).toBe('aaaaaaaaaa');
  });
});
