/**
 * x86-64 registers and the layouts they are saved in.
 * DWARF numbers: System V ABI, AMD64 supplement, section 3.6.2 (figure 3.36).
 * user_regs_struct and elf_prstatus: Linux arch/x86/include/asm/user_64.h, include/linux/elfcore.h.
 */

import type { Registers } from '../architecture.ts';

/** By DWARF number; 16 is the return address column. */
export const dwarfRegisters: readonly string[] = [
  'rax', 'rdx', 'rcx', 'rbx', 'rsi', 'rdi', 'rbp', 'rsp',
  'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'rip',
]; // prettier-ignore

/** Registers a function hands back as it found them: System V ABI, AMD64 supplement, figure 3.4. */
export const calleeSavedRegisters: readonly string[] = ['rbx', 'rbp', 'r12', 'r13', 'r14', 'r15'];

/** Those that it may change: the ABI's others, but for the stack pointer. */
export const callerSavedRegisters: readonly string[] = ['rax', 'rcx', 'rdx', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11'];

/** The order of `struct pt_regs`, and of the first 21 words of `user_regs_struct`. */
export const ptRegsOrder: readonly string[] = [
  'r15', 'r14', 'r13', 'r12', 'rbp', 'rbx', 'r11', 'r10', 'r9', 'r8', 'rax', 'rcx', 'rdx', 'rsi', 'rdi',
  'orig_rax', 'rip', 'cs', 'rflags', 'rsp', 'ss',
]; // prettier-ignore

/** sizeof(struct pt_regs). */
export const PT_REGS_SIZE = 168;

const userRegsOrder = [...ptRegsOrder, 'fs_base', 'gs_base', 'ds', 'es', 'fs', 'gs'];
const PR_REG_OFFSET = 112;

/** The registers of 64-bit words in the given order; undefined where the bytes do not reach. */
function registersFrom(bytes: Uint8Array, offset: number, order: readonly string[]): Registers | undefined {
  if (offset + order.length * 8 > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset);
  const registers: Record<string, bigint> = {};
  for (const [index, name] of order.entries()) registers[name] = view.getBigUint64(index * 8, true);
  return registers;
}

/** The registers of a `struct elf_prstatus`; undefined where the note is too short. */
export function registersOfPrstatus(note: Uint8Array): Registers | undefined {
  return registersFrom(note, PR_REG_OFFSET, userRegsOrder);
}

/** The registers of the 168 bytes of a `struct pt_regs`. */
export function registersOfPtRegs(bytes: Uint8Array): Registers | undefined {
  const registers = registersFrom(bytes, 0, ptRegsOrder);
  // On FRED kernels the words of cs and ss hold event information above their 16 bits.
  return registers && { ...registers, cs: (registers['cs'] ?? 0n) & 0xffffn, ss: (registers['ss'] ?? 0n) & 0xffffn };
}
