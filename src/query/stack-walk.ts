/** Whose stack is asked about, and the walk along it that every answer about a stack begins with. */

import type { VirtAddr } from '../base/addr.ts';
import { attempt, isExpected, messageOf } from '../base/errors.ts';
import type { Registers } from '../arch/architecture.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Task } from '../kernel/tasks.ts';
import type { Frame, SavedRegisters } from '../unwind/frame.ts';
import { deepestState } from '../unwind/kdump-stack.ts';
import { cpuState, startState } from '../unwind/start-state.ts';
import type { StartState, Unwinder } from '../unwind/unwinder.ts';

/** Undefined is what cannot be read. */
export interface TaskHeader {
  readonly pid: number | undefined;
  readonly task: VirtAddr | undefined;
  readonly cpu: number | undefined;
  readonly command: string | undefined;
}

/** A stack to ask about: of a task, or of what a CPU ran where its task cannot be read. */
export interface StackSubject {
  readonly header: TaskHeader;
  readonly task: Task | undefined;
  /** Where the walk begins. Throws where nothing tells. */
  readonly start: () => StartState;
}

/** A stack as it was walked. */
export interface StackWalk {
  readonly subject: StackSubject;
  /** Undefined where nothing tells where to begin, and in user mode. */
  readonly start: StartState | undefined;
  readonly frames: readonly Frame[];
  /** The registers of user mode; `inUserMode` tells whether they were saved on the stack or are the CPU's own. */
  readonly user: SavedRegisters | undefined;
  readonly inUserMode: boolean;
  /** Why the walk does not begin where its CPU came to its end; undefined where it does. */
  readonly beginning: string | undefined;
  /** Why the walk is not whole; undefined where it is. */
  readonly incomplete: string | undefined;
}

export function taskHeader(task: Task): TaskHeader {
  return {
    pid: attempt(() => task.pid),
    task: task.address,
    cpu: attempt(() => task.cpu),
    command: attempt(() => task.comm),
  };
}

export function stackOfTask(kernel: Kernel, task: Task): StackSubject {
  return { header: taskHeader(task), task, start: () => startState(kernel, task) };
}

/** What a CPU was doing, where the task it ran cannot be read. */
export function stackOfCpu(kernel: Kernel, cpu: number): StackSubject {
  const header = { pid: undefined, task: undefined, cpu, command: undefined };
  return { header, task: undefined, start: () => cpuState(kernel, cpu) };
}

export function walkStack(unwinder: Unwinder, subject: StackSubject): StackWalk {
  const nothing: StackWalk = {
    subject,
    start: undefined,
    frames: [],
    user: undefined,
    inUserMode: false,
    beginning: undefined,
    incomplete: undefined,
  };
  try {
    const { start, beginning } = beginningOf(unwinder, subject);
    if (start.saved?.user === true) return { ...nothing, user: start.saved, inUserMode: true, beginning };
    const { frames, userRegisters, end } = unwinder.unwind(subject.task, start);
    const incomplete = end.kind === 'broken' ? end.why : undefined;
    return { ...nothing, start, frames, user: userRegisters, beginning, incomplete };
  } catch (error) {
    if (!isExpected(error)) throw error;
    return { ...nothing, incomplete: messageOf(error) };
  }
}

/** Where a CPU came to its end; where that cannot be told, the registers that kdump saved of it before. */
function beginningOf(
  unwinder: Unwinder,
  { task, start }: StackSubject,
): Pick<StackWalk, 'beginning'> & { start: StartState } {
  const saved = start();
  if (saved.kdumpOf === undefined) return { start: saved, beginning: undefined };
  const deepest = deepestState(unwinder, task, saved, saved.kdumpOf);
  if (deepest !== undefined) return { start: deepest, beginning: undefined };
  const beginning = `what CPU ${saved.kdumpOf} did after kdump had saved these registers is not known: nothing on its stacks leads to them`;
  return { start: saved, beginning };
}

/** The registers that an exception saved in the middle of a stack; undefined for any other frame. */
export function interruptedRegisters(frame: Frame, number: number): Registers | undefined {
  return number > 0 ? frame.saved?.registers : undefined;
}
