/** Words that name CPUs and addresses. */

import { describe, expect, it } from 'vitest';
import { UsageError } from '../base/errors.ts';
import { hexAndOffset, parseCpus, parseHex } from './session.ts';

describe('parseCpus', () => {
  const cpus = [0, 1, 2, 3, 5];

  it('takes lists, ranges and all', () => {
    expect(parseCpus('0,2-3,5', cpus)).toEqual([0, 2, 3, 5]);
    expect(parseCpus('1,1,0-1', cpus)).toEqual([1, 0]);
    expect(parseCpus('a', cpus)).toEqual(cpus);
    expect(parseCpus('all', cpus)).toEqual(cpus);
  });

  it('refuses what is no list, what is not there, and what is nothing at all', () => {
    for (const text of ['', 'x', '1,', '-1', '1-', '0x1', '4', '0-4', '9000', '0-99999999999', '3-1']) {
      expect(() => parseCpus(text, cpus), text).toThrow(UsageError);
    }
  });
});

describe('parseHex', () => {
  it('takes 64 bits with or without a prefix', () => {
    expect(parseHex('ffffffff81000000')).toBe(0xffff_ffff_8100_0000n);
    expect(parseHex('0XFF')).toBe(0xffn);
    for (const word of ['', '0x', 'xyz', '1ffffffffffffffff', '-1', 'ff '])
      expect(parseHex(word), word).toBeUndefined();
  });
});

describe('hexAndOffset', () => {
  it('takes a hex address and an offset, which is decimal unless it has 0x', () => {
    expect(hexAndOffset('ffffffff9271ffe0')).toBe(0xffff_ffff_9271_ffe0n);
    expect(hexAndOffset('ffffffff9271ffe0+10')).toBe(0xffff_ffff_9271_ffean);
    expect(hexAndOffset('0xffffffff9271ffe0+0x10')).toBe(0xffff_ffff_9271_fff0n);
    for (const word of ['', '10+ff', '10+', '10+1+1', '+10', 'x+1']) expect(hexAndOffset(word), word).toBeUndefined();
  });
});
