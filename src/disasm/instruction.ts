/**
 * A decoded machine instruction: what it does as data. Text is one product of it, made by whoever decoded it; the
 * search for a value's origin reads the same operands.
 */

import type { VirtAddr } from '../base/addr.ts';

/**
 * How control goes on: `call`, `jump` (always), `branch` (perhaps), `return`, `trap` (ud2, int3: to the kernel's
 * handler, not back), `invalid` (no instruction), `other` (to the next one).
 */
export type InstructionKind = 'call' | 'jump' | 'branch' | 'return' | 'trap' | 'invalid' | 'other';

export interface RegisterOperand {
  readonly kind: 'register';
  /** As written: "eax". */
  readonly name: string;
  /** The register it is a part of: "rax". */
  readonly whole: string;
  /** In bytes. */
  readonly size: number;
}

export interface ImmediateOperand {
  readonly kind: 'immediate';
  /** Sign-extended to 64 bits as the instruction does. */
  readonly value: bigint;
}

export interface MemoryOperand {
  readonly kind: 'memory';
  /** In bytes; zero where nothing is accessed (lea) or the size is no fixed one. */
  readonly size: number;
  /** An override that moves the address: on x86-64 "fs" or "gs", by which per-CPU variables are reached. */
  readonly segment: string | undefined;
  /** Undefined where there is none, and for an address relative to the instruction's own. */
  readonly base: string | undefined;
  readonly index: string | undefined;
  readonly scale: number;
  /** Signed; for an address relative to the instruction's own, from the end of the instruction. */
  readonly displacement: bigint;
  /** The address before the segment's base is added, where no register but the instruction's own address is in it. */
  readonly address: VirtAddr | undefined;
}

/** Where a direct call or jump leads. */
export interface TargetOperand {
  readonly kind: 'target';
  readonly address: VirtAddr;
}

export type Operand = RegisterOperand | ImmediateOperand | MemoryOperand | TargetOperand;

export interface Instruction {
  readonly address: VirtAddr;
  readonly bytes: Uint8Array;
  /** What the processor's manual calls it, in lower case and without a suffix of size: "mov", "call". */
  readonly name: string;
  readonly kind: InstructionKind;
  /** Where a direct call, jump or branch leads; undefined for an indirect one. */
  readonly target: VirtAddr | undefined;
  /** Those that are written out, in the order of the manual: the destination first. */
  readonly operands: readonly Operand[];
}

/** How an operand is used; "maybe" where it depends on a condition. */
export type Access = 'none' | 'read' | 'write' | 'read-write' | 'maybe-read' | 'maybe-write' | 'read-maybe-write';

/** What an instruction does to registers, those included that are not written out (push: rsp). */
export interface Effects {
  /** By the position of the operand. */
  readonly operands: readonly Access[];
  /** Whole registers ("rax") whose value matters. */
  readonly reads: readonly string[];
  /** Whole registers that are changed, or may be. */
  readonly writes: readonly string[];
}

/** The memory operand, of which no instruction has two that are written out but the string instructions. */
export function memoryOperandOf(instruction: Instruction): MemoryOperand | undefined {
  return instruction.operands.find((operand) => operand.kind === 'memory');
}
