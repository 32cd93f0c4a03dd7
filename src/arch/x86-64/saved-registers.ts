/**
 * struct pt_regs as a pattern in memory: which words the processor and the entry code can have saved, told by the
 * selectors, flags and canonical addresses. Intel SDM volume 1, section 3.4.3 (RFLAGS); kernel
 * arch/x86/include/asm/segment.h (selectors), ptrace.h (struct fred_cs, fred_ss: what FRED puts above them).
 */

import type { SavedRegistersLayout } from '../architecture.ts';
import { KERNEL_SPACE } from './layout.ts';
import { PT_REGS_SIZE, registersOfPtRegs } from './registers.ts';

const RIP = 128;
const CS = 136;
const RFLAGS = 144;
const RSP = 152;
const SS = 160;

/** Bit 1 is always set; 3, 5, 15 and those from 22 on never are. */
const FLAGS_ALWAYS = 1 << 1;
const FLAGS_NEVER = 0xffc0_8028;

/** Code and stack selectors that go together; the processor loads SS with 0 on its way from user mode. */
const KERNEL_SELECTORS: readonly (readonly [number, number])[] = [
  [0x10, 0x18],
  [0x10, 0],
  [0xe030, 0xe02b],
];
const USER_SELECTORS: readonly (readonly [number, number])[] = [
  [0x33, 0x2b],
  [0x23, 0x2b],
  [0xe033, 0xe02b],
];

/** Above the 16 bits of a selector, what no event sets: reserved bits of struct fred_cs and struct fred_ss. */
const CS_RESERVED = { high: 0xffff_ffff, low: 0xfff8_0000 };
const SS_RESERVED = { high: 0x08f0_ff00, low: 0xfff8_0000 };

/** Where user space ends with 5 levels of page tables; with 4 it ends below. */
const USER_END = 1n << 56n;
const VSYSCALL = 0xffff_ffff_ff60_0000n;
const VSYSCALL_SIZE = 4096n;

export const savedRegisters: SavedRegistersLayout = {
  size: PT_REGS_SIZE,
  read: registersOfPtRegs,
  modeOf(words, at) {
    if (words.getUint32(at + RFLAGS + 4, true) !== 0) return undefined;
    const flags = words.getUint32(at + RFLAGS, true);
    if ((flags & FLAGS_ALWAYS) === 0 || (flags & FLAGS_NEVER) !== 0) return undefined;
    if (hasBits(words, at + CS, CS_RESERVED) || hasBits(words, at + SS, SS_RESERVED)) return undefined;
    const cs = words.getUint16(at + CS, true);
    const ss = words.getUint16(at + SS, true);
    const rip = words.getBigUint64(at + RIP, true);
    const rsp = words.getBigUint64(at + RSP, true);
    if (isPair(KERNEL_SELECTORS, cs, ss)) return rip >= KERNEL_SPACE && rsp >= KERNEL_SPACE ? 'kernel' : undefined;
    if (!isPair(USER_SELECTORS, cs, ss)) return undefined;
    const inVsyscall = rip >= VSYSCALL && rip < VSYSCALL + VSYSCALL_SIZE;
    return (rip < USER_END || inVsyscall) && rsp < USER_END ? 'user' : undefined;
  },
};

function hasBits(words: DataView, at: number, { high, low }: { high: number; low: number }): boolean {
  return (words.getUint32(at, true) & low) !== 0 || (words.getUint32(at + 4, true) & high) !== 0;
}

function isPair(pairs: readonly (readonly [number, number])[], cs: number, ss: number): boolean {
  return pairs.some(([code, stack]) => code === cs && stack === ss);
}
