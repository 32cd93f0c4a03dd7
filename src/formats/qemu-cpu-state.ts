/**
 * QEMU's "QEMU" note, one per CPU: `struct QEMUCPUState` of QEMU's target/i386/arch_dump.c, version 1.
 * It has what NT_PRSTATUS lacks: control registers, descriptor tables, segment bases.
 */

import type { Registers } from '../arch/architecture.ts';
import { Cursor } from '../bytes/cursor.ts';

export interface QemuCpuState {
  readonly registers: Registers;
  readonly cr3: bigint;
  readonly cr4: bigint;
  /** Base of the interrupt descriptor table. */
  readonly idtBase: bigint;
  readonly gsBase: bigint;
  /** MSR_KERNEL_GS_BASE; undefined in notes of older QEMU. */
  readonly kernelGsBase: bigint | undefined;
}

const generalOrder = [
  'rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rsp', 'rbp',
  'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'rip', 'rflags',
]; // prettier-ignore
const SEGMENT_SIZE = 24;
const segmentOrder = ['cs', 'ds', 'es', 'fs', 'gs', 'ss', 'ldt', 'tr', 'gdt', 'idt'];
const SIZE_WITHOUT_KERNEL_GS = 432;
const SIZE = 440;

/** Undefined where the note is too short or of another version. */
export function parseQemuCpuState(note: Uint8Array): QemuCpuState | undefined {
  if (note.length < SIZE_WITHOUT_KERNEL_GS) return undefined;
  const cursor = new Cursor(note, 'QEMU note');
  if (cursor.u32() !== 1) return undefined;
  cursor.skip(4);
  const registers: Record<string, bigint> = {};
  for (const name of generalOrder) registers[name] = cursor.u64();
  const bases: Record<string, bigint> = {};
  for (const name of segmentOrder) {
    const selector = cursor.u32();
    if (name === 'cs' || name === 'ss') registers[name] = BigInt(selector);
    cursor.skip(SEGMENT_SIZE - 12);
    bases[name] = cursor.u64();
  }
  cursor.skip(24);
  const cr3 = cursor.u64();
  const cr4 = cursor.u64();
  return {
    registers,
    cr3,
    cr4,
    idtBase: bases['idt'] ?? 0n,
    gsBase: bases['gs'] ?? 0n,
    kernelGsBase: note.length >= SIZE ? cursor.u64() : undefined,
  };
}
