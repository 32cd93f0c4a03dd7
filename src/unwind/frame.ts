/** What a kernel stack is made of, as the unwinder finds it: physical frames, in terms of registers and addresses. */

import type { VirtAddr } from '../base/addr.ts';
import type { Registers } from '../arch/architecture.ts';
import type { Stack } from '../kernel/stacks.ts';

/**
 * How a frame was found. `empty-call`: a call or jump to where no code is has pushed the return address and nothing
 * since, so it lies at the stack pointer. `code`: by what the function below does with its stack pointer, which is
 * inferred. `frame-pointer` and `scan` frames are guesses.
 */
export type FrameOrigin = 'registers' | 'orc' | 'cfi' | 'code' | 'empty-call' | 'frame-pointer' | 'scan';

/** Registers that an exception, interrupt or system call saved on the stack (struct pt_regs). */
export interface SavedRegisters {
  readonly address: VirtAddr;
  readonly registers: Registers;
  /** Whether they were saved on the way from user mode. */
  readonly user: boolean;
}

export interface Frame {
  /** The instruction pointer: a return address, or, where `exact`, the instruction itself. */
  readonly ip: VirtAddr;
  /** The stack pointer in this frame. */
  readonly sp: VirtAddr;
  /** The word that holds `ip`: crash's bracketed address; where ip was in a register, the stack pointer. */
  readonly slot: VirtAddr;
  /** The frame was interrupted (or is where the CPU was): `ip` is no return address. */
  readonly exact: boolean;
  readonly origin: FrameOrigin;
  /** Registers known to hold in this frame: those the way here has kept. */
  readonly registers: Registers;
  readonly stack: Stack | undefined;
  /** For an interrupted frame, where its registers were saved. */
  readonly saved: SavedRegisters | undefined;
  /** What replaced the return address, where it was recovered: "kretprobe", "function graph". */
  readonly recovered: string | undefined;
}

/** What must be known of a frame to find its caller. */
export interface FrameState {
  readonly ip: VirtAddr;
  readonly sp: VirtAddr;
  readonly registers: Registers;
}

/** From a frame to its caller, by whatever means. */
export type Step =
  /** A call: the caller's registers as far as they are known, and the stack word of the return address. */
  | { readonly kind: 'call'; readonly registers: Registers; readonly slot: VirtAddr }
  /** The caller was interrupted, and its registers saved. */
  | {
      readonly kind: 'interrupted';
      readonly saved: SavedRegisters;
      /** False where the saved ip is a return address after all. */
      readonly exact?: boolean;
      /** All registers known of the caller, where more are than were saved. */
      readonly registers?: Registers;
    }
  | { readonly kind: 'end' }
  | { readonly kind: 'broken'; readonly why: string };

/** Why the walk ended. `end`: nothing is left; anything else is a reason for the user. */
export type StackEnd =
  | { readonly kind: 'end' }
  | { readonly kind: 'user' }
  | { readonly kind: 'broken'; readonly why: string };

export interface UnwoundStack {
  readonly frames: readonly Frame[];
  /** The registers of user mode, where the stack was entered from it. */
  readonly userRegisters: SavedRegisters | undefined;
  readonly end: StackEnd;
}
