/** Which words may be saved registers, and of which mode. */

import { describe, expect, it } from 'vitest';
import { PT_REGS_SIZE } from './registers.ts';
import { savedRegisters } from './saved-registers.ts';

interface Pushed {
  readonly rip: bigint;
  readonly cs: bigint;
  readonly flags: bigint;
  readonly rsp: bigint;
  readonly ss: bigint;
}

function modeOf({ rip, cs, flags, rsp, ss }: Pushed): 'kernel' | 'user' | undefined {
  const words = new DataView(new ArrayBuffer(8 + PT_REGS_SIZE));
  for (const [index, value] of [rip, cs, flags, rsp, ss].entries())
    words.setBigUint64(8 + 128 + index * 8, value, true);
  return savedRegisters.modeOf(words, 8);
}

const kernel: Pushed = {
  rip: 0xffff_ffff_8100_0000n,
  cs: 0x10n,
  flags: 0x246n,
  rsp: 0xffff_c900_0000_3f00n,
  ss: 0x18n,
};
const user: Pushed = { rip: 0x40_1000n, cs: 0x33n, flags: 0x202n, rsp: 0x7ffd_0000_0000n, ss: 0x2bn };

describe('words that may be saved registers', () => {
  it.each<[string, Pushed, 'kernel' | 'user']>([
    ['kernel mode', kernel, 'kernel'],
    ['kernel mode after an interrupt of user mode', { ...kernel, ss: 0n }, 'kernel'],
    ['with what FRED says of the event', { ...kernel, cs: 0x1_0010n, ss: 0x1200_0021_0001_0018n }, 'kernel'],
    ['user mode', user, 'user'],
    ['32-bit code', { ...user, cs: 0x23n }, 'user'],
    ['vsyscall', { ...user, rip: 0xffff_ffff_ff60_0400n }, 'user'],
    ['user mode of 5 levels', { ...user, rip: 0x00ff_ffff_ffff_0000n }, 'user'],
  ])('%s', (_, pushed, mode) => {
    expect(modeOf(pushed)).toBe(mode);
  });

  it.each<[string, Pushed]>([
    ['nothing', { rip: 0n, cs: 0n, flags: 0n, rsp: 0n, ss: 0n }],
    ['flags without the bit that is always set', { ...kernel, flags: 0x244n }],
    ['reserved flags', { ...kernel, flags: 0x8246n }],
    ['flags of 64 bits', { ...user, flags: 0x1_0000_0202n }],
    ['an address above a selector', { ...kernel, cs: 0xffff_ffff_8100_0010n }],
    ['an address above the other selector', { ...kernel, ss: 0xffff_8880_0000_0018n }],
    ['selectors that do not go together', { ...kernel, ss: 0x2bn }],
    ['an instruction of user space in kernel mode', { ...kernel, rip: 0x1000n }],
    ['a stack of the kernel in user mode', { ...user, rsp: kernel.rsp }],
    ['an instruction of the kernel in user mode', { ...user, rip: kernel.rip }],
  ])('not %s', (_, pushed) => {
    expect(modeOf(pushed)).toBeUndefined();
  });
});
