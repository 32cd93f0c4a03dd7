/** Reads at positions: LEB128 there and back, ends of data, signs. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../test/builders/byte-writer.ts';
import { FormatError } from '../base/errors.ts';
import {
  decodeText,
  fixedString,
  lebBigAt,
  lebLength,
  s64At,
  slebAt,
  stringAt,
  u16At,
  u32At,
  u53At,
  u64At,
  ulebAt,
} from './read.ts';

const small = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const signed = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
const wide = fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n });

describe('LEB128', () => {
  it('reads what was written, wherever it stands', () => {
    fc.assert(
      fc.property(small, signed, wide, fc.nat(5), (unsigned, number, big, before) => {
        const bytes = new ByteWriter().zeros(before).uleb(unsigned).sleb(number).sleb(big).build();
        const second = before + lebLength(bytes, before);
        const third = second + lebLength(bytes, second);
        expect(ulebAt(bytes, before)).toBe(unsigned);
        expect(slebAt(bytes, second)).toBe(number);
        expect(lebBigAt(bytes, third, true)).toBe(big);
        expect(third + lebLength(bytes, third)).toBe(bytes.length);
      }),
    );
  });

  it('takes padded numbers', () => {
    expect(ulebAt(Uint8Array.of(0x85, 0x80, 0x80, 0), 0)).toBe(5);
    expect(slebAt(Uint8Array.of(0xff, 0xff, 0x7f), 0)).toBe(-1);
    expect(lebBigAt(Uint8Array.of(0xff, 0x80, 0), 0, false)).toBe(127n);
  });

  it('has signs at the borders of a byte', () => {
    expect(slebAt(Uint8Array.of(0x3f), 0)).toBe(63);
    expect(slebAt(Uint8Array.of(0x40), 0)).toBe(-64);
    expect(slebAt(Uint8Array.of(0xc0, 0), 0)).toBe(64);
    expect(slebAt(Uint8Array.of(0x80, 0x7f), 0)).toBe(-128);
  });

  it('is refused where the data ends within it', () => {
    for (const read of [ulebAt, slebAt, lebLength])
      expect(() => read(Uint8Array.of(0x80, 0x80), 0)).toThrow(FormatError);
    expect(() => lebBigAt(Uint8Array.of(0x80), 0, true)).toThrow(FormatError);
  });

  it('is refused, and never no number, where it is absurdly long', () => {
    const bytes = new Uint8Array(100_000).fill(0x80);
    bytes[bytes.length - 1] = 0;
    expect(() => ulebAt(bytes, 0)).toThrow(FormatError);
    expect(() => slebAt(bytes, 0)).toThrow(FormatError);
    expect(() => lebBigAt(bytes, 0, false)).toThrow(FormatError);
  });
});

describe('fixed-size reads', () => {
  const bytes = Uint8Array.of(0x01, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);

  it('are little-endian, unsigned or signed as named', () => {
    expect(u16At(bytes, 0)).toBe(0x8001);
    expect(u32At(bytes, 1)).toBe(0xffff_ff80);
    expect(u64At(bytes, 1)).toBe(0xffff_ffff_ffff_ff80n);
    expect(s64At(bytes, 1)).toBe(-128);
  });

  it('are exact for every kernel address', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0xffe0_0000_0000_0000n, max: 0xffff_ffff_ffff_ffffn }), (address) => {
        const word = new ByteWriter().u64(address).build();
        expect(BigInt.asUintN(64, BigInt(s64At(word, 0)))).toBe(address);
      }),
    );
  });

  it('refuse sizes above 2^53 and positions outside', () => {
    expect(u53At(new ByteWriter().u64(Number.MAX_SAFE_INTEGER).build(), 0)).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => u53At(new ByteWriter().u64(2n ** 53n).build(), 0)).toThrow(FormatError);
    expect(() => u32At(bytes, 6)).toThrow(FormatError);
    expect(() => u16At(bytes, -1)).toThrow(FormatError);
  });
});

describe('strings', () => {
  it('end at a zero, and are refused without one', () => {
    const bytes = new TextEncoder().encode('ab\0größe\0open');
    expect(stringAt(bytes, 0)).toBe('ab');
    expect(stringAt(bytes, 3)).toBe('größe');
    expect(() => stringAt(bytes, 11)).toThrow(FormatError);
    expect(() => stringAt(bytes, -3)).toThrow(FormatError);
    expect(() => stringAt(bytes, 1000)).toThrow(FormatError);
  });

  it('of fixed size may have no zero', () => {
    expect(fixedString(new TextEncoder().encode('abcd'))).toBe('abcd');
    expect(fixedString(Uint8Array.of(0x61, 0, 0x62))).toBe('a');
  });

  it('decode alike whether short or long', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        (text) => decodeText(new TextEncoder().encode(text)) === text,
      ),
    );
  });
});
