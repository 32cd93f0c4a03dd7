/**
 * Saved registers on a stack: those the walk along it came by, which are certain, and whatever else looks like some,
 * which may be left from earlier.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt, FaultError } from '../base/errors.ts';
import type { Registers } from '../arch/architecture.ts';
import type { SourceLine } from '../debuginfo/dwarf/dwarf-info.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { holds, type Stack, type Stacks } from '../kernel/stacks.ts';
import type { SavedRegisters } from '../unwind/frame.ts';
import { mayBeCode } from '../unwind/code-lookup.ts';
import type { Unwinder } from '../unwind/unwinder.ts';
import { sourceAt } from './source-at.ts';
import { walkStack, type StackSubject, type StackWalk, type TaskHeader } from './stack-walk.ts';
import { WORD, wordRuns } from './stack-words.ts';

export interface ExceptionFrame {
  readonly address: VirtAddr;
  readonly mode: 'kernel' | 'user';
  /** Whether the walk along the stack led to it; else it only looks like one. */
  readonly certain: boolean;
  readonly registers: Registers;
  /** Of the instruction that was interrupted; undefined in user mode and where none is known. */
  readonly symbol: string | undefined;
  readonly offset: number;
  readonly module: string | undefined;
  /** Its file and line, where they were asked for. */
  readonly source: SourceLine | undefined;
}

export interface ExceptionFrames {
  readonly type: 'exception-frames';
  /** A task, on whose own stack they are; or a CPU and the name of its stack. */
  readonly of:
    | { readonly kind: 'task'; readonly header: TaskHeader }
    | { readonly kind: 'cpu'; readonly cpu: number; readonly stack: string };
  readonly frames: readonly ExceptionFrame[];
  /** Why all or some of the stack could not be searched, each reason once. */
  readonly unavailable: readonly string[];
  /** Why lines that were asked for are not there, each reason once. */
  readonly missing: readonly string[];
}

/** On a task's own stack. */
export function taskExceptionFrames(
  kernel: Kernel,
  unwinder: Unwinder,
  subject: StackSubject,
  lines: boolean,
): ExceptionFrames {
  const { header, task } = subject;
  const of = { kind: 'task', header } as const;
  const stack = task && attempt(() => unwinder.stacks.ofTask(task));
  if (stack === undefined || stack.base === 0n) {
    const why = stack === undefined ? 'where its stack is cannot be read' : 'it has given up its stack';
    return { type: 'exception-frames', of, frames: [], unavailable: [why], missing: [] };
  }
  return {
    type: 'exception-frames',
    of,
    ...searchStack(kernel, unwinder.stacks, stack, walkStack(unwinder, subject), lines),
  };
}

/** On one of a CPU's IRQ and exception stacks. @param walk the way along the stacks of what the CPU ran */
export function cpuExceptionFrames(
  kernel: Kernel,
  stacks: Stacks,
  stack: Stack,
  cpu: number,
  walk: StackWalk,
): ExceptionFrames {
  const of = { kind: 'cpu', cpu, stack: stack.name } as const;
  return { type: 'exception-frames', of, ...searchStack(kernel, stacks, stack, walk, false) };
}

/** A CPU's IRQ and exception stacks. Those of AMD's SEV-ES are mapped only where it is in use. */
export function interruptStacks(kernel: Kernel, stacks: Stacks, cpu: number): Stack[] {
  return stacks.interruptStacksOf(cpu).filter(({ base }) => isMapped(kernel, base));
}

function isMapped(kernel: Kernel, address: VirtAddr): boolean {
  try {
    kernel.memory.translate(address);
    return true;
  } catch (error) {
    if (error instanceof FaultError) return error.why !== 'not-mapped';
    throw error;
  }
}

/** The registers that a walk found saved on stacks. */
function savedOnWay({ frames, user, inUserMode }: StackWalk): SavedRegisters[] {
  const saved = frames.slice(1).flatMap((frame) => frame.saved ?? []);
  return user === undefined || inUserMode ? saved : [...saved, user];
}

function searchStack(
  kernel: Kernel,
  stacks: Stacks,
  stack: Stack,
  walk: StackWalk,
  lines: boolean,
): Pick<ExceptionFrames, 'frames' | 'unavailable' | 'missing'> {
  const { frames, unavailable } = candidates(kernel, stacks, stack, walk.subject);
  const found = new Map<bigint, FoundRegisters>();
  for (const saved of frames) found.set(saved.address, { ...saved, certain: false });
  for (const saved of savedOnWay(walk))
    if (holds(stack, saved.address)) found.set(saved.address, { ...saved, certain: true });
  const sorted = [...found.values()].sort((one, other) => (one.address < other.address ? -1 : 1));
  const missing = new Set<string>();
  return { frames: sorted.map((saved) => describe(kernel, saved, lines, missing)), unavailable, missing: [...missing] };
}

interface FoundRegisters extends SavedRegisters {
  readonly certain: boolean;
}

/** Every place of a stack where saved registers may lie, by what stands there. */
function candidates(
  kernel: Kernel,
  stacks: Stacks,
  stack: Stack,
  { task }: StackSubject,
): { frames: SavedRegisters[]; unavailable: string[] } {
  const { size, modeOf, read } = kernel.target.architecture.savedRegisters;
  const { instructionPointer, stackPointer } = kernel.target.architecture;
  const top = addVirt(stack.base, stack.size);
  const bytes = new Uint8Array(stack.size);
  const readable = new Uint8Array(stack.size / WORD);
  const unavailable = new Set<string>();
  for (const { address, count, view, why } of wordRuns(kernel.memory, stack.base, top)) {
    const at = Number(address - stack.base);
    if (view === undefined) unavailable.add(why);
    else {
      bytes.set(new Uint8Array(view.buffer, view.byteOffset, count * WORD), at);
      readable.fill(1, at / WORD, at / WORD + count);
    }
  }
  const words = new DataView(bytes.buffer);
  const frames: SavedRegisters[] = [];
  for (let at = 0; at + size <= bytes.length; at += WORD) {
    const mode = modeOf(words, at);
    if (mode === undefined || readable.subarray(at / WORD, (at + size) / WORD).includes(0)) continue;
    const registers = read(bytes.subarray(at, at + size));
    if (registers === undefined) continue;
    const ip = virtAddr(registers[instructionPointer] ?? 0n);
    const sp = virtAddr(registers[stackPointer] ?? 0n);
    const onStack =
      sp === top || stacks.at(sp, task) !== undefined || (stack.kind !== 'task' && isReadable(kernel, sp));
    if (mode === 'user' || (onStack && mayBeCode(kernel, ip)))
      frames.push({ address: addVirt(stack.base, at), registers, user: mode === 'user' });
  }
  return { frames, unavailable: [...unavailable] };
}

/** A stack pointer of any task's: what a CPU's stack was taken from. */
function isReadable(kernel: Kernel, sp: VirtAddr): boolean {
  return attempt(() => kernel.memory.u64(addVirt(sp, -WORD))) !== undefined;
}

function describe(
  kernel: Kernel,
  { address, registers, user, certain }: FoundRegisters,
  lines: boolean,
  missing: Set<string>,
): ExceptionFrame {
  const ip = virtAddr(registers[kernel.target.architecture.instructionPointer] ?? 0n);
  const found = user ? undefined : kernel.symbols.at(ip);
  const source = lines && !user ? sourceAt(kernel, ip) : undefined;
  if (source?.missing !== undefined) missing.add(source.missing);
  return {
    address,
    mode: user ? 'user' : 'kernel',
    certain,
    registers,
    symbol: found?.symbol.name,
    offset: found?.offset ?? 0,
    module: found?.symbol.module,
    source: source?.frames[0]?.source ?? source?.line,
  };
}
