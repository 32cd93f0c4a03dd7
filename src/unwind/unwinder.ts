/**
 * Walks a kernel stack from a known register state to user mode or to the end.
 *
 * It never guesses where it can know: ORC first; where code has none (a BPF program, a trampoline), the frame pointer,
 * as the kernel's own unwinder does; then a scan for a return address, whose frame is marked. The caller of a call
 * frame is looked up at its return address − 1, that of an interrupted frame at the address itself.
 *
 * Invariants: no state is visited twice; no stack is longer than MOST_FRAMES.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { FaultError, FormatError, LookupError, messageOf } from '../base/errors.ts';
import type { Registers } from '../arch/architecture.ts';
import { KERNEL_SPACE } from '../arch/x86-64/layout.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { Stacks } from '../kernel/stacks.ts';
import type { Task } from '../kernel/tasks.ts';
import { codeObjectAt } from './code-lookup.ts';
import type { Frame, FrameOrigin, SavedRegisters, StackEnd, UnwoundStack } from './frame.ts';
import { orcStep, readPtRegs, type OrcStep } from './orc-step.ts';
import { Trampolines } from './trampolines.ts';

const MOST_FRAMES = 1024;
const SCAN_WORDS = 512;

/** Where a walk begins. */
export interface StartState {
  readonly registers: Registers;
  /** The address of the stack word that ip was read from; undefined where it was in the register itself. */
  readonly slot: VirtAddr | undefined;
  readonly exact: boolean;
  readonly saved: SavedRegisters | undefined;
}

interface Next {
  readonly frame: Frame;
}

export class Unwinder {
  readonly kernel: Kernel;
  readonly stacks: Stacks;
  readonly #trampolines: Trampolines;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.stacks = new Stacks(kernel);
    this.#trampolines = new Trampolines(kernel);
  }

  unwind(task: Task, start: StartState): UnwoundStack {
    const first = this.#frame(task, start.registers, start.slot, start.exact, 'registers', start.saved, undefined);
    if (first === undefined) return { frames: [], userRegisters: undefined, end: { kind: 'broken', why: 'no registers are known' } };
    const frames: Frame[] = [first];
    const seen = new Set<string>();
    let userRegisters: SavedRegisters | undefined;
    for (;;) {
      const frame = frames.at(-1) ?? first;
      const state = `${frame.ip} ${frame.sp}`;
      if (seen.has(state)) return { frames, userRegisters, end: { kind: 'broken', why: 'the stack leads back to itself' } };
      seen.add(state);
      if (frames.length >= MOST_FRAMES) return { frames, userRegisters, end: { kind: 'broken', why: `more than ${MOST_FRAMES} frames` } };
      const next = this.#caller(task, frame);
      if ('kind' in next) return { frames, userRegisters, end: next };
      if (!('frame' in next)) {
        userRegisters = next;
        return { frames, userRegisters, end: { kind: 'user' } };
      }
      frames.push(next.frame);
    }
  }

  /** The frame that called or was interrupted, the user registers it came from, or why there is neither. */
  #caller(task: Task, frame: Frame): Next | SavedRegisters | StackEnd {
    let step: OrcStep | undefined;
    let origin: FrameOrigin = 'orc';
    try {
      const at = frame.exact ? frame.ip : addVirt(frame.ip, -1);
      const code = codeObjectAt(this.kernel, at);
      const entry = code?.orc()?.lookup(code.toTable(at));
      if (entry === undefined) origin = 'frame-pointer';
      step = entry === undefined ? this.#framePointerStep(frame) : orcStep(this.kernel.memory, frame, entry);
      if (step === undefined) {
        origin = 'scan';
        step = this.#scanStep(task, frame);
      }
    } catch (error) {
      if (error instanceof FaultError || error instanceof FormatError || error instanceof LookupError) {
        return { kind: 'broken', why: messageOf(error) };
      }
      throw error;
    }
    switch (step.kind) {
      case 'end':
        return { kind: 'end' };
      case 'broken':
        return { kind: 'broken', why: step.why };
      case 'interrupted':
        return this.#interrupted(task, step.saved, origin);
      case 'call': {
        if (step.ip === 0n) return { kind: 'end' };
        return this.#called(task, step, origin);
      }
    }
  }

  #called(task: Task, step: Extract<OrcStep, { kind: 'call' }>, origin: FrameOrigin): Next | StackEnd {
    const real = this.#trampolines.resolve(step.ip, step.slot, task);
    const ip = real?.ip ?? step.ip;
    if (!this.#mayBeCode(ip)) {
      return { kind: 'broken', why: `the return address at ${step.slot.toString(16)} is no code: ${ip.toString(16)}` };
    }
    const registers: Record<string, bigint | undefined> = { rip: ip, rsp: step.sp, rbp: step.bp };
    const next = this.#frame(task, registers, step.slot, false, origin, undefined, real?.by);
    return next === undefined ? { kind: 'end' } : { frame: next };
  }

  #interrupted(task: Task, saved: SavedRegisters, origin: FrameOrigin): Next | SavedRegisters | StackEnd {
    if (saved.user) return saved;
    const ip = saved.registers['rip'] ?? 0n;
    if (ip === 0n) return { kind: 'end' };
    const next = this.#frame(task, saved.registers, undefined, true, origin, saved, undefined);
    return next === undefined ? { kind: 'end' } : { frame: next };
  }

  #frame(
    task: Task,
    registers: Registers,
    slot: VirtAddr | undefined,
    exact: boolean,
    origin: FrameOrigin,
    saved: SavedRegisters | undefined,
    recovered: string | undefined,
  ): Frame | undefined {
    const { rip, rsp } = registers;
    if (rip === undefined || rsp === undefined) return undefined;
    const sp = virtAddr(rsp);
    const at = slot ?? sp;
    return { ip: virtAddr(rip), sp, slot: at, exact, origin, registers, stack: this.stacks.at(at, task), saved, recovered };
  }

  /** Code without ORC is taken to have a frame pointer, as the kernel's unwinder takes it. */
  #framePointerStep(frame: Frame): OrcStep | undefined {
    const bp = frame.registers['rbp'];
    if (bp === undefined || frame.stack === undefined) return undefined;
    // With frame pointers the entry code leaves the address of its pt_regs, with the lowest bit set, in rbp.
    if ((bp & 1n) === 1n) return { kind: 'interrupted', saved: readPtRegs(this.kernel.memory, virtAddr(bp - 1n)), partial: false };
    const base = virtAddr(bp);
    const top = addVirt(frame.stack.base, frame.stack.size);
    if (base < frame.sp || addVirt(base, 16) > top || (base & 7n) !== 0n) return undefined;
    const slot = addVirt(base, 8);
    const ip = this.kernel.memory.pointer(slot);
    if (!this.kernel.symbols.isText(ip)) return undefined;
    return { kind: 'call', ip, slot, sp: addVirt(base, 16), bp: this.kernel.memory.u64(base) };
  }

  /** The next word up the stack that is an address in code. */
  #scanStep(task: Task, frame: Frame): OrcStep {
    const stack = frame.stack ?? this.stacks.at(frame.sp, task);
    const top = stack === undefined ? addVirt(frame.sp, SCAN_WORDS * 8) : addVirt(stack.base, stack.size);
    for (let slot = frame.sp; slot < top; slot = addVirt(slot, 8)) {
      const ip = this.kernel.memory.pointer(slot);
      if (this.kernel.symbols.isText(ip)) return { kind: 'call', ip, slot, sp: addVirt(slot, 8), bp: undefined };
    }
    return { kind: 'end' };
  }

  /** Known code, or kernel memory that nothing known lies in: BPF programs and trampolines are made at run time. */
  #mayBeCode(ip: VirtAddr): boolean {
    if (this.kernel.symbols.isText(ip)) return true;
    return ip >= KERNEL_SPACE && this.kernel.modules().at(ip) === undefined;
  }
}
