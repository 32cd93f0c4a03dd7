/**
 * Walks a kernel stack from a known register state to user mode or to the end.
 *
 * It never guesses where it can know: ORC first, then DWARF call frame information, which also describes functions that
 * the kernel's build keeps out of ORC (STACK_FRAME_NON_STANDARD: __crash_kexec); then, marked, the function's own
 * instructions; then the frame pointer, as the kernel's own unwinder takes code without ORC (a BPF program, a
 * trampoline); then saved registers or a return address found by looking up the stack, whose frames are marked. The caller of a call frame is looked up at its return
 * address − 1, that of an interrupted frame at the address itself.
 *
 * Invariants: no state is visited twice; no stack is longer than MOST_FRAMES.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { isExpected } from '../base/errors.ts';
import type { Registers } from '../arch/architecture.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { stacksOf, type Stacks } from '../kernel/stacks.ts';
import type { Task } from '../kernel/tasks.ts';
import { behindStackSwitch, cfiStep } from './cfi-step.ts';
import { codeObjectAt, mayBeCode } from './code-lookup.ts';
import { codeStep } from './code-step.ts';
import type { Frame, FrameOrigin, SavedRegisters, StackEnd, Step, UnwoundStack } from './frame.ts';
import { emptyCallStep, framePointerStep, savedRegistersStep, scanStep, type StackSearch } from './guess-step.ts';
import { orcStep } from './orc-step.ts';
import { Trampolines } from './trampolines.ts';

const MOST_FRAMES = 1024;

/** Where a walk begins. */
export interface StartState {
  readonly registers: Registers;
  /** The address of the stack word that ip was read from; undefined where it was in the register itself. */
  readonly slot: VirtAddr | undefined;
  readonly exact: boolean;
  readonly saved: SavedRegisters | undefined;
  /** The CPU whose registers these are, where kdump saved them: it went on from there. */
  readonly kdumpOf?: number;
}

interface FoundFrame {
  readonly registers: Registers;
  readonly slot?: VirtAddr | undefined;
  readonly exact: boolean;
  readonly origin: FrameOrigin;
  readonly saved?: SavedRegisters | undefined;
  readonly recovered?: string | undefined;
}

type Next =
  | { readonly kind: 'frame'; readonly frame: Frame }
  | { readonly kind: 'user'; readonly saved: SavedRegisters }
  | StackEnd;

export class Unwinder {
  readonly kernel: Kernel;
  readonly stacks: Stacks;
  readonly #trampolines: Trampolines;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.stacks = stacksOf(kernel);
    this.#trampolines = new Trampolines(kernel);
  }

  /** @param task whose stack it is; undefined where only a CPU's registers are known */
  unwind(task: Task | undefined, start: StartState): UnwoundStack {
    const ip = virtAddr(start.registers['rip'] ?? 0n);
    const startsInCode = start.exact || mayBeCode(this.kernel, ip);
    const first = startsInCode
      ? this.#frame(task, { ...start, origin: 'registers' })
      : broken(`its saved return address is no code: ${ip.toString(16)}`);
    const frames: Frame[] = [];
    const seen = new Set<string>();
    for (let next: Next = first; ;) {
      if (next.kind === 'user' && 'saved' in next) return { frames, userRegisters: next.saved, end: { kind: 'user' } };
      if (next.kind !== 'frame') return { frames, userRegisters: undefined, end: next };
      frames.push(next.frame);
      const state = `${next.frame.ip} ${next.frame.sp}`;
      if (seen.has(state)) return { frames, userRegisters: undefined, end: broken('the stack leads back to itself') };
      if (frames.length >= MOST_FRAMES)
        return { frames, userRegisters: undefined, end: broken(`more than ${MOST_FRAMES} frames`) };
      seen.add(state);
      next = this.#caller(task, next.frame);
    }
  }

  /** The frame that called or was interrupted, the user registers it came from, or why there is neither. */
  #caller(task: Task | undefined, frame: Frame): Next {
    try {
      const { step, origin } = this.#step(task, frame);
      switch (step.kind) {
        case 'end':
          return step;
        case 'broken':
          return broken(step.why);
        case 'interrupted':
          return this.#interrupted(task, step, origin);
        case 'call':
          return this.#called(task, step, origin);
      }
    } catch (error) {
      if (isExpected(error)) return broken(error.message);
      throw error;
    }
  }

  /** By the first means that there is for the code a frame is in. */
  #step(task: Task | undefined, frame: Frame): { step: Step; origin: FrameOrigin } {
    const at = frame.exact ? frame.ip : addVirt(frame.ip, -1);
    const code = codeObjectAt(this.kernel, at);
    const { memory } = this.kernel;
    const entry = code?.orc()?.lookup(code.toTable(at));
    if (entry !== undefined && entry.type !== 'undefined')
      return { step: orcStep(memory, frame, entry), origin: 'orc' };

    const row = code?.dwarf()?.callFrames.rowAt(code.toTable(at));
    const state = row && behindStackSwitch(memory, frame);
    const byCfi = state && cfiStep(memory, state, row, this.kernel.target.architecture.dwarfRegisters);
    if (byCfi !== undefined) return { step: byCfi, origin: 'cfi' };
    const byCode = code === undefined ? undefined : codeStep(this.kernel, frame);
    if (byCode !== undefined) return { step: byCode, origin: 'code' };
    if (entry !== undefined) return { step: orcStep(memory, frame, entry), origin: 'orc' };

    const search = this.#search(task, frame);
    if (frame.exact && !mayBeCode(this.kernel, frame.ip)) {
      const byCall = emptyCallStep(search, frame);
      if (byCall !== undefined) return { step: byCall, origin: 'empty-call' };
      if (frame.ip === 0n) return { step: { kind: 'end' }, origin: 'scan' };
    }
    const byPointer = framePointerStep(search, frame);
    if (byPointer !== undefined) return { step: byPointer, origin: 'frame-pointer' };
    return { step: savedRegistersStep(search, frame) ?? scanStep(search, frame), origin: 'scan' };
  }

  #called(task: Task | undefined, step: Extract<Step, { kind: 'call' }>, origin: FrameOrigin): Next {
    const found = virtAddr(step.registers['rip'] ?? 0n);
    if (found === 0n) return { kind: 'end' };
    const real = task && this.#trampolines.resolve(found, step.slot, task);
    const lost =
      real === undefined && task !== undefined ? this.#trampolines.whyLost(found, step.slot, task) : undefined;
    if (lost !== undefined) return broken(lost);
    const ip = real?.ip ?? found;
    if (!mayBeCode(this.kernel, ip)) {
      return broken(`the return address at ${step.slot.toString(16)} is no code: ${ip.toString(16)}`);
    }
    const registers = { ...step.registers, rip: ip };
    return this.#frame(task, { registers, slot: step.slot, exact: false, origin, recovered: real?.by });
  }

  #interrupted(task: Task | undefined, step: Extract<Step, { kind: 'interrupted' }>, origin: FrameOrigin): Next {
    const { saved, registers = saved.registers, exact = true } = step;
    if (saved.user) return { kind: 'user', saved };
    return this.#frame(task, { registers, exact, origin, saved });
  }

  #frame(task: Task | undefined, { registers, slot, exact, origin, saved, recovered }: FoundFrame): Next {
    const { rip, rsp } = registers;
    if (rip === undefined || rsp === undefined) return broken('the registers to go on with are not known');
    const sp = virtAddr(rsp);
    const at = slot ?? sp;
    const stack = this.stacks.at(at, task);
    return {
      kind: 'frame',
      frame: { ip: virtAddr(rip), sp, slot: at, exact, origin, registers, stack, saved, recovered },
    };
  }

  #search(task: Task | undefined, frame: Frame): StackSearch {
    return {
      memory: this.kernel.memory,
      stack: frame.stack ?? this.stacks.at(frame.sp, task),
      isText: (address) => this.kernel.symbols.isText(address),
    };
  }
}

function broken(why: string): StackEnd {
  return { kind: 'broken', why };
}
