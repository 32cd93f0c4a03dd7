import { describe, expect, it } from 'vitest';
import { attempt, FaultError, type FaultReason } from './errors.ts';
import { beginLosses } from './losses.ts';
import { once } from './search.ts';

const lose = (address: bigint, why: FaultReason = 'not-in-dump'): undefined =>
  attempt(() => {
    throw new FaultError('kernel virtual', address, why);
  });

describe('memory that an answer passed over', () => {
  it('is tallied, each page once; what is not mapped is none', () => {
    const losses = beginLosses();
    for (const address of [0x1000n, 0x1008n, 0x2000n]) lose(address);
    lose(0x3000n, 'not-mapped');
    lose(0x4000n, 'excluded');
    expect(losses.faults.map(({ address }) => address)).toEqual([0x1000n, 0x2000n, 0x4000n]);
  });

  it('counts for everyone who uses what was made without it', () => {
    const value = once(() => lose(0x1000n) ?? 5);
    const outer = once(() => value() + 1);
    const first = beginLosses();
    expect(outer()).toBe(6);
    const second = beginLosses();
    expect(outer()).toBe(6);
    const third = beginLosses();
    expect([first, second, third].map(({ faults }) => faults.length)).toEqual([1, 1, 0]);
  });
});
