/** Scalars of every width, signed and not, and of widths that no scalar has. */

import { expect, it } from 'vitest';
import { FormatError } from '../base/errors.ts';
import type { IntType } from '../debuginfo/types/type.ts';
import { decodeScalar, encodeInteger, scalarSize } from './scalar.ts';

const int = (size: number, signed: boolean): IntType => ({ kind: 'int', name: 'x', size, signed, encoding: 'integer' });

it('are what was written, from -2^(n-1) to 2^n - 1', () => {
  for (const size of [1, 2, 4, 8, 16]) {
    for (const value of [0n, 1n, -1n, (1n << BigInt(size * 8 - 1)) - 1n, -(1n << BigInt(size * 8 - 1))]) {
      const bytes = encodeInteger(value, size);
      expect(decodeScalar(bytes, int(size, true), undefined)).toBe(value);
      expect(decodeScalar(bytes, int(size, false), undefined)).toBe(BigInt.asUintN(size * 8, value));
    }
  }
});

it('of bit-fields begin and end within bytes', () => {
  const bytes = encodeInteger(0b1011_0110_1101n, 2);
  expect(decodeScalar(bytes, int(4, false), { bitOffset: 3, bitSize: 6 })).toBe(0b101101n);
  expect(decodeScalar(bytes, int(4, true), { bitOffset: 3, bitSize: 6 })).toBe(-19n);
  expect(scalarSize(int(4, true), { bitOffset: 3, bitSize: 6 })).toBe(2);
  expect(decodeScalar(bytes, int(1, true), { bitOffset: 2, bitSize: 1 })).toBe(-1n);
});

it('of a size that none has are damage', () => {
  for (const size of [17, 2 ** 32 - 1, 2 ** 53, -1, Number.NaN])
    expect(() => scalarSize(int(size, true), undefined)).toThrow(FormatError);
  expect(() => scalarSize(int(4, true), { bitOffset: 7, bitSize: 2 ** 32 })).toThrow(FormatError);
  expect(() => scalarSize(int(4, true), { bitOffset: 0, bitSize: -1 })).toThrow(FormatError);
  expect(() => scalarSize({ kind: 'float', name: 'float', size: 4 }, undefined)).toThrow('a float is no integer');
});
