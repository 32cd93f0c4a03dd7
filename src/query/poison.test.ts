import { expect, it } from 'vitest';
import { poisonOf } from './poison.ts';

it('is known with the offset of a member added, and nothing else is taken for it', () => {
  expect(poisonOf(0x6b6b_6b6b_6b6b_6b6bn)).toMatch(/freed/);
  expect(poisonOf(0x6b6b_6b6b_6b6b_6b83n)).toMatch(/freed/);
  expect(poisonOf(0x5a5a_5a5a_5a5a_5a5an)).toMatch(/not initialized/);
  expect(poisonOf(0xdead_0000_0000_0100n)).toMatch(/deleted/);
  expect(poisonOf(0xdead_0000_0000_0122n)).toMatch(/deleted/);
  for (const value of [0n, 0xdead0000n, 0x6b6bn, 0xff6b_6b6b_6b6b_6b6bn, 0xdead_0000_0001_0000n])
    expect(poisonOf(value)).toBeUndefined();
});
