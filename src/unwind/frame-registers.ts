/**
 * The registers in every frame of a stack, each with where its value comes from. A caller's register is known where its
 * callee saved it, or is described as leaving it alone (call frame information); after an exception all are, from
 * struct pt_regs. What a call may destroy is not known in the caller: it is never shown as known.
 *
 * Invariant: call frame information is believed only where it leads to the stack pointer that the walk found.
 */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { FrameRow, RegisterRule } from '../debuginfo/dwarf/frame-program.ts';
import { ptRegsOrder } from '../arch/x86-64/registers.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { behindStackSwitch, cfiStep } from './cfi-step.ts';
import { codeObjectAt } from './code-lookup.ts';
import type { Frame } from './frame.ts';
import { registersByPrologue } from './prologue.ts';

export type RegisterSource =
  /** In the CPU when the dump was taken, or saved when the task was switched away from. */
  | { readonly kind: 'cpu' }
  /** Saved on the stack. */
  | { readonly kind: 'slot'; readonly address: VirtAddr }
  /** Computed by the walk: the stack pointer. */
  | { readonly kind: 'walk' }
  /** Left alone by the callee, whose value has this source. */
  | { readonly kind: 'same'; readonly as: RegisterSource };

export interface KnownRegister {
  readonly value: bigint;
  readonly source: RegisterSource;
  /** How it was inferred; undefined where it is known. */
  readonly inferred: string | undefined;
}

export type FrameRegisters = ReadonlyMap<string, KnownRegister>;

/** Registers a function hands back as it found them: System V ABI, AMD64 supplement, figure 3.4. */
export const calleeSavedRegisters: readonly string[] = ['rbx', 'rbp', 'r12', 'r13', 'r14', 'r15'];

/**
 * In the order of the frames.
 * @param infer whether values that only the code itself tells are wanted, too
 */
export function frameRegisters(kernel: Kernel, frames: readonly Frame[], infer: boolean): FrameRegisters[] {
  const all: FrameRegisters[] = [];
  for (const [index, frame] of frames.entries()) {
    const below = frames[index - 1];
    const known = all[index - 1];
    if (frame.saved !== undefined && index > 0) all.push(savedByException(frame));
    else if (below === undefined || known === undefined) all.push(ofFirstFrame(frame));
    else all.push(ofCaller(kernel, below, known, frame, infer));
  }
  return all;
}

/** What the stack pointer was before the call that a frame is in; undefined where the frame was interrupted into. */
export function canonicalFrameAddress(kernel: Kernel, frames: readonly Frame[], index: number): bigint | undefined {
  const frame = frames[index];
  const caller = frames[index + 1];
  if (frame === undefined) return undefined;
  if (caller !== undefined && caller.saved === undefined) return caller.sp;
  const row = attempt(() => rowOf(kernel, frame));
  if (row?.cfa.kind !== 'register') return undefined;
  const base = frame.registers[kernel.target.architecture.dwarfRegisters[row.cfa.register] ?? ''];
  return base === undefined ? undefined : addVirt(base as VirtAddr, row.cfa.offset);
}

function ofFirstFrame(frame: Frame): FrameRegisters {
  return new Map(
    Object.entries(frame.registers).flatMap(([name, value]): [string, KnownRegister][] =>
      value === undefined ? [] : [[name, { value, source: { kind: 'cpu' }, inferred: undefined }]],
    ),
  );
}

/** Each word of struct pt_regs. */
function savedByException(frame: Frame): FrameRegisters {
  const { saved } = frame;
  const found = new Map<string, KnownRegister>();
  for (const [index, name] of ptRegsOrder.entries()) {
    const value = saved?.registers[name] ?? frame.registers[name];
    if (value === undefined || saved === undefined) continue;
    const address = addVirt(saved.address, index * 8);
    found.set(name, { value, source: { kind: 'slot', address }, inferred: undefined });
  }
  return found;
}

function ofCaller(kernel: Kernel, below: Frame, known: FrameRegisters, frame: Frame, infer: boolean): FrameRegisters {
  const found = new Map<string, KnownRegister>();
  found.set('rip', { value: frame.ip, source: { kind: 'slot', address: frame.slot }, inferred: undefined });
  found.set('rsp', { value: frame.sp, source: { kind: 'walk' }, inferred: undefined });
  const described = attempt(() => byCallFrame(kernel, below, known, frame));
  const others = described ?? (infer ? attempt(() => registersByPrologue(kernel, below, known, frame)) : undefined);
  for (const [name, register] of others ?? []) found.set(name, register);
  const { rbp } = frame.registers;
  // ORC follows rbp alone.
  if (!found.has('rbp') && rbp !== undefined)
    found.set('rbp', { value: rbp, source: { kind: 'walk' }, inferred: undefined });
  return found;
}

/** The rules of the callee, applied to what is known in it. Undefined where they lead elsewhere than the walk. */
function byCallFrame(
  kernel: Kernel,
  below: Frame,
  known: FrameRegisters,
  frame: Frame,
): Map<string, KnownRegister> | undefined {
  const row = rowOf(kernel, below);
  if (row === undefined) return undefined;
  const { dwarfRegisters } = kernel.target.architecture;
  const values = Object.fromEntries([...known].map(([name, { value }]) => [name, value]));
  const state = behindStackSwitch(kernel.memory, { ...below, registers: { ...values, rsp: below.sp } });
  const step = cfiStep(kernel.memory, state, row, dwarfRegisters);
  if (step?.kind !== 'call' || step.registers['rsp'] !== frame.sp) return undefined;
  const found = new Map<string, KnownRegister>();
  for (const name of calleeSavedRegisters) {
    const value = step.registers[name];
    if (value === undefined) continue;
    const rule = row.registers.get(dwarfRegisters.indexOf(name));
    const before = known.get(name);
    found.set(name, {
      value,
      source: sourceBy(rule, frame.sp, before?.source),
      inferred: rule?.kind === 'offset' ? undefined : before?.inferred,
    });
  }
  return found;
}

function sourceBy(rule: RegisterRule | undefined, cfa: VirtAddr, before: RegisterSource | undefined): RegisterSource {
  if (rule?.kind === 'offset') return { kind: 'slot', address: addVirt(cfa, rule.offset) };
  if ((rule === undefined || rule.kind === 'same') && before !== undefined)
    return { kind: 'same', as: before.kind === 'same' ? before.as : before };
  return { kind: 'walk' };
}

/** The call itself is looked up where the frame called; the instruction where it was interrupted. */
function rowOf(kernel: Kernel, frame: Frame): FrameRow | undefined {
  const at = frame.exact ? frame.ip : addVirt(frame.ip, -1);
  const code = codeObjectAt(kernel, at);
  return code?.dwarf()?.callFrames.rowAt(code.toTable(at));
}
