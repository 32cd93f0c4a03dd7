/**
 * The registers in every frame of a stack, each with where its value comes from. A caller's register is known where its
 * callee saved it, or is described as leaving it alone (call frame information); after an exception all are, from
 * struct pt_regs. What a call may destroy is not known in the caller: it is never shown as known.
 *
 * Where nothing describes a callee, its code tells what it did with them. That is inferred, and said to be.
 *
 * Invariant: call frame information is believed only where it leads to the stack pointer that the walk found.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { RegisterRule } from '../debuginfo/dwarf/frame-program.ts';
import { calleeSavedRegisters, ptRegsOrder } from '../arch/x86-64/registers.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { callFrameRow } from './canonical-frame.ts';
import { behindStackSwitch, cfiStep } from './cfi-step.ts';
import { FollowedValues } from './followed-values.ts';
import type { Frame } from './frame.ts';

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

/**
 * In the order of the frames.
 * @param infer whether values that only the code itself tells are wanted, too
 */
export function frameRegisters(kernel: Kernel, frames: readonly Frame[], infer: boolean): FrameRegisters[] {
  const all: FrameRegisters[] = [];
  let byCode: FollowedValues | undefined;
  const keptBy = (index: number): Map<string, KnownRegister> | undefined => {
    byCode ??= new FollowedValues(kernel, frames, (number) => all[number]);
    return registersByCode(byCode, index, all[index]);
  };
  for (const [index, frame] of frames.entries()) {
    const below = frames[index - 1];
    const known = all[index - 1];
    if (frame.saved !== undefined && index > 0) all.push(savedByException(frame));
    else if (below === undefined || known === undefined) all.push(ofFirstFrame(frame));
    else all.push(ofCaller(kernel, below, known, frame, () => (infer ? keptBy(index - 1) : undefined)));
  }
  return all;
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

/** @param byCode what the code of the callee tells, where nothing describes it */
function ofCaller(
  kernel: Kernel,
  below: Frame,
  known: FrameRegisters,
  frame: Frame,
  byCode: () => Map<string, KnownRegister> | undefined,
): FrameRegisters {
  const found = new Map<string, KnownRegister>();
  found.set('rip', { value: frame.ip, source: { kind: 'slot', address: frame.slot }, inferred: undefined });
  found.set('rsp', { value: frame.sp, source: { kind: 'walk' }, inferred: undefined });
  const described = attempt(() => byCallFrame(kernel, below, known, frame));
  const others = described ?? attempt(byCode);
  for (const [name, register] of others ?? []) found.set(name, register);
  const { rbp } = frame.registers;
  // ORC follows rbp alone.
  if (!found.has('rbp') && rbp !== undefined)
    found.set('rbp', { value: rbp, source: { kind: 'walk' }, inferred: undefined });
  return found;
}

/** What a function kept of the registers that it hands back: in words of its stack, or untouched. */
function registersByCode(
  code: FollowedValues,
  callee: number,
  known: FrameRegisters | undefined,
): Map<string, KnownRegister> {
  const found = new Map<string, KnownRegister>();
  for (const name of calleeSavedRegisters) {
    const kept = code.kept(callee, name);
    if (kept === undefined) continue;
    const before = known?.get(name)?.source;
    const inferred = kept.notes.length === 0 ? 'no instruction of the function below writes it' : kept.notes.join('; ');
    const source = sourceOfKept(kept.slot, before);
    found.set(name, { value: kept.value, source, inferred });
  }
  return found;
}

function sourceOfKept(slot: bigint | undefined, before: RegisterSource | undefined): RegisterSource {
  if (slot !== undefined) return { kind: 'slot', address: virtAddr(slot) };
  return before === undefined ? { kind: 'walk' } : sameAs(before);
}

/** The rules of the callee, applied to what is known in it. Undefined where they lead elsewhere than the walk. */
function byCallFrame(
  kernel: Kernel,
  below: Frame,
  known: FrameRegisters,
  frame: Frame,
): Map<string, KnownRegister> | undefined {
  const row = callFrameRow(kernel, below);
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
  if ((rule === undefined || rule.kind === 'same') && before !== undefined) return sameAs(before);
  return { kind: 'walk' };
}

function sameAs(before: RegisterSource): RegisterSource {
  return before.kind === 'same' ? before : { kind: 'same', as: before };
}
