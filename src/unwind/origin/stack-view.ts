/** A stack that was walked, as memory: whose word an address is, where registers were saved, what memory holds. */

import { addVirt, virtAddr } from '../../base/addr.ts';
import { attempt } from '../../base/errors.ts';
import { ptRegsOrder, PT_REGS_SIZE } from '../../arch/x86-64/registers.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Frame, SavedRegisters } from '../frame.ts';

export interface WalkedStack {
  readonly frames: readonly Frame[];
  /** The registers of user mode, where the stack was entered from it. */
  readonly user: SavedRegisters | undefined;
  /** The CPU that it is on, or was on last. */
  readonly cpu: number | undefined;
}

export class StackView {
  readonly frames: readonly Frame[];
  /** The registers of user mode, where the stack was entered from it. */
  readonly user: SavedRegisters | undefined;
  readonly #kernel: Kernel;
  readonly #cpu: number | undefined;

  constructor(kernel: Kernel, { frames, user, cpu }: WalkedStack) {
    this.frames = frames;
    this.user = user;
    this.#kernel = kernel;
    this.#cpu = cpu;
  }

  /** Where the per-CPU area of the stack's CPU is; undefined where that is not known. */
  perCpuOffset(): bigint | undefined {
    const cpu = this.#cpu;
    return cpu === undefined ? undefined : attempt(() => this.#kernel.perCpu.offset(cpu));
  }

  /** The frame whose registers, or none, of user mode, an exception saved at an address, and which of them lies there. */
  savedAt(address: bigint): { readonly frame: number | undefined; readonly register: string } | undefined {
    for (const [frame, { saved }] of this.frames.entries())
      if (saved !== undefined && frame > 0 && holds(saved, address)) return { frame, register: nameAt(saved, address) };
    const user = this.user;
    return user !== undefined && holds(user, address)
      ? { frame: undefined, register: nameAt(user, address) }
      : undefined;
  }

  /** What memory holds now, as an unsigned number. */
  word(address: bigint, size: number): bigint | undefined {
    return attempt(() => {
      const bytes = this.#kernel.memory.bytes(virtAddr(address), size);
      let value = 0n;
      for (const [index, byte] of bytes.entries()) value |= BigInt(byte) << BigInt(8 * index);
      return value;
    });
  }

  /** The frame, a given one or an outer one, whose words of the stack an address is among. */
  ownerOf(frame: number, address: bigint): number | undefined {
    for (let number = frame; number < this.frames.length; number++) {
      const { sp, stack } = this.frames[number] ?? {};
      if (sp === undefined || stack === undefined || address < sp) continue;
      if (address >= addVirt(stack.base, stack.size)) continue;
      const next = this.frames[number + 1];
      if (next === undefined || next.stack !== stack || address < next.sp) return number;
    }
    return undefined;
  }

  /** Whether a value is an address that was made at run time: no code has it as a constant. */
  isMade(value: bigint): boolean {
    return !this.#kernel.symbols.isImage(virtAddr(value)) && this.word(value, 1) !== undefined;
  }
}

function holds({ address }: SavedRegisters, word: bigint): boolean {
  return word >= address && word < addVirt(address, PT_REGS_SIZE);
}

function nameAt({ address }: SavedRegisters, word: bigint): string {
  return ptRegsOrder[Number(word - address) >> 3] ?? '';
}
