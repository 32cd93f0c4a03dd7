/**
 * Steps for code that nothing describes: no ORC, no call frame information. What they find is marked in the stack.
 *
 * With CONFIG_FRAME_POINTER rbp is a chain, and entry code leaves in it the address of its saved registers with the
 * lowest bit set (ENCODE_FRAME_POINTER, arch/x86/include/asm/frame.h).
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { PT_REGS_SIZE } from '../arch/x86-64/registers.ts';
import type { Stack } from '../kernel/stacks.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { FrameState, SavedRegisters, Step } from './frame.ts';
import { readPtRegs } from './orc-step.ts';

export interface StackSearch {
  readonly memory: AddressSpace;
  readonly stack: Stack | undefined;
  readonly isText: (address: VirtAddr) => boolean;
}

const MOST_WORDS = 2048;
/** __KERNEL_CS, __USER_CS: arch/x86/include/asm/segment.h. */
const KERNEL_CS = 0x10n;
const USER_CS = 0x33n;
const USER_SS = 0x2bn;

/** The caller of a function that is not there (a NULL function pointer): what the kernel's null_orc_entry says. */
export function emptyCallStep({ memory, isText }: StackSearch, frame: FrameState): Step | undefined {
  const ip = memory.pointer(frame.sp);
  const { rbp } = frame.registers;
  return isText(ip)
    ? { kind: 'call', registers: { rip: ip, rsp: addVirt(frame.sp, 8), rbp }, slot: frame.sp }
    : undefined;
}

/** By the chain of frame pointers, where rbp fits one on this stack. */
export function framePointerStep({ memory, stack, isText }: StackSearch, frame: FrameState): Step | undefined {
  const bp = frame.registers['rbp'];
  if (bp === undefined || stack === undefined) return undefined;
  const top = addVirt(stack.base, stack.size);
  const encoded = (bp & 1n) === 1n;
  const base = virtAddr(encoded ? bp - 1n : bp);
  if (base < frame.sp || addVirt(base, encoded ? PT_REGS_SIZE : 16) > top || (base & 7n) !== 0n) return undefined;
  if (encoded) return { kind: 'interrupted', saved: readPtRegs(memory, base) };
  const slot = addVirt(base, 8);
  const ip = memory.pointer(slot);
  if (!isText(ip)) return undefined;
  return { kind: 'call', registers: { rip: ip, rsp: addVirt(base, 16), rbp: memory.u64(base) }, slot };
}

/** Saved registers at the stack pointer itself: entry code has pushed them, and nothing since. */
export function savedRegistersStep({ memory, stack, isText }: StackSearch, frame: FrameState): Step | undefined {
  if (stack === undefined || addVirt(frame.sp, PT_REGS_SIZE) > addVirt(stack.base, stack.size)) return undefined;
  const saved = readPtRegs(memory, frame.sp);
  return isPlausible(saved, isText) ? { kind: 'interrupted', saved } : undefined;
}

function isPlausible({ registers }: SavedRegisters, isText: (address: VirtAddr) => boolean): boolean {
  const { cs, ss, rip } = registers;
  if (cs === USER_CS) return ss === USER_SS;
  return cs === KERNEL_CS && rip !== undefined && isText(virtAddr(rip));
}

/** The next word up the stack that is an address in code. */
export function scanStep({ memory, stack, isText }: StackSearch, frame: FrameState): Step {
  const top = stack === undefined ? addVirt(frame.sp, MOST_WORDS * 8) : addVirt(stack.base, stack.size);
  for (let slot = frame.sp; slot < top; slot = addVirt(slot, 8)) {
    const ip = memory.pointer(slot);
    if (isText(ip)) return { kind: 'call', registers: { rip: ip, rsp: addVirt(slot, 8) }, slot };
  }
  return { kind: 'end' };
}
