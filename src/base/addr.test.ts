/** Address arithmetic at its borders. */

import { test as propertyTest, expect, describe, it } from 'vitest';
import fc from 'fast-check';
import { addVirt, alignDown, hex, hex0x, hi32, join64, lo32, pfn, physAddr, virtAddr } from './addr.ts';
import { InternalError } from './errors.ts';

const word = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });

describe('virtual addresses', () => {
  it('wrap as unsigned long does', () => {
    expect(virtAddr(-1n)).toBe(0xffff_ffff_ffff_ffffn);
    expect(virtAddr(1n << 64n)).toBe(0n);
    expect(addVirt(virtAddr(0xffff_ffff_ffff_fff8n), 16)).toBe(8n);
    expect(addVirt(virtAddr(8n), -16n)).toBe(0xffff_ffff_ffff_fff8n);
  });

  it('align downwards, also at the top of the address space', () => {
    expect(alignDown(virtAddr(0xffff_ffff_ffff_ffffn), 4096)).toBe(0xffff_ffff_ffff_f000n);
    expect(alignDown(virtAddr(4095n), 4096)).toBe(0n);
  });

  propertyTest('halves join to the same address', () => {
    fc.assert(fc.property(word, (value) => join64(hi32(value), lo32(value)) === value));
  });

  propertyTest('adding and taking away meet again', () => {
    fc.assert(fc.property(word, word, (a, b) => addVirt(addVirt(virtAddr(a), b), -b) === virtAddr(a)));
  });
});

describe('physical addresses', () => {
  it('are exact integers', () => {
    expect(physAddr(2 ** 52 - 1)).toBe(2 ** 52 - 1);
    expect(() => physAddr(2 ** 53)).toThrow(InternalError);
    expect(() => pfn(0.5)).toThrow(InternalError);
  });
});

describe('hex', () => {
  it('pads and is lower case', () => {
    expect(hex(0xabn, 4)).toBe('00ab');
    expect(hex(255)).toBe('ff');
    expect(hex0x(0xffff_ffff_ffff_ffffn)).toBe('0xffffffffffffffff');
    expect(hex0x(-1n)).toBe('-0x1');
  });
});
