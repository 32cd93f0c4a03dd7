/**
 * Signs that a task's stack grew over its end. The lowest word of a stack is STACK_END_MAGIC
 * (include/uapi/linux/magic.h; set_task_stack_end_magic(), kernel/fork.c). Where thread_info lies at the low end of
 * the stack (without CONFIG_THREAD_INFO_IN_TASK; x86 until 15f4eae70d36, v4.9), the word is behind it, and its own
 * pointer to the task and its CPU tell as well.
 *
 * With CONFIG_VMAP_STACK a page that is not mapped lies below the stack: whoever comes to it has overwritten nothing,
 * and only the stack pointer tells (handle_stack_overflow(), arch/x86/kernel/traps.c).
 */

import { addVirt, PAGE_SIZE, type VirtAddr } from '../base/addr.ts';
import { checkCancelled } from '../base/cancel.ts';
import { attempt, isExpected } from '../base/errors.ts';
import { readCpus } from '../kernel/cpus.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Task } from '../kernel/tasks.ts';
import { cpuRunning } from '../unwind/start-state.ts';
import type { Unwinder } from '../unwind/unwinder.ts';
import { memberOf } from '../values/struct-view.ts';
import { stackOfTask, taskHeader, walkStack, type TaskHeader } from './stack-walk.ts';

/** A word that is not what it must be. */
export interface OverflowSign {
  readonly what: 'STACK_END_MAGIC' | 'thread_info.task' | 'thread_info.cpu' | 'stack pointer';
  /** Where it is; undefined for a stack pointer, which may be in a register. */
  readonly address: VirtAddr | undefined;
  readonly found: bigint;
  /** What it must be; for a CPU, be below; for a stack pointer, not be below. */
  readonly wanted: bigint;
}

export interface OverflowedStack {
  readonly header: TaskHeader;
  readonly signs: readonly OverflowSign[];
}

export interface StackOverflows {
  readonly type: 'stack-overflows';
  /** How many stacks were looked at. */
  readonly checked: number;
  readonly stacks: readonly OverflowedStack[];
  /** Stacks that could not be looked at, and why. Tasks that have given theirs up are not among them. */
  readonly unreadable: readonly { readonly header: TaskHeader; readonly why: string }[];
}

const STACK_END_MAGIC = 0x57ac_6e9dn;

export function stackOverflows(kernel: Kernel, unwinder: Unwinder, tasks: readonly Task[]): StackOverflows {
  const stacks: OverflowedStack[] = [];
  const unreadable: { header: TaskHeader; why: string }[] = [];
  let checked = 0;
  for (const task of tasks) {
    checkCancelled();
    try {
      const { stack } = task;
      if (stack === 0n) continue;
      const signs = [...wordsOn(kernel, task, stack), ...pointersOf(kernel, unwinder, task, stack)];
      checked++;
      if (signs.length > 0) stacks.push({ header: taskHeader(task), signs });
    } catch (error) {
      if (!isExpected(error)) throw error;
      unreadable.push({ header: taskHeader(task), why: error.message });
    }
  }
  return { type: 'stack-overflows', checked, stacks, unreadable };
}

/** Stack pointers in the page below the stack: of a running task in any of its frames, else the one that was saved. */
function pointersOf(kernel: Kernel, unwinder: Unwinder, task: Task, stack: VirtAddr): OverflowSign[] {
  const running = cpuRunning(kernel, task) !== undefined;
  const pointers = running
    ? walkStack(unwinder, stackOfTask(kernel, task)).frames.map(({ sp }) => sp)
    : [attempt(() => task.savedStackPointer)];
  const below = pointers.find((sp) => sp !== undefined && sp < stack && sp >= stack - BigInt(PAGE_SIZE));
  return below === undefined ? [] : [{ what: 'stack pointer', address: undefined, found: below, wanted: stack }];
}

function wordsOn(kernel: Kernel, task: Task, stack: VirtAddr): OverflowSign[] {
  const signs: OverflowSign[] = [];
  const type = task.view.has('thread_info') ? undefined : kernel.types.compound('struct', 'thread_info');
  if (type !== undefined) {
    const info = kernel.struct('thread_info', stack);
    if (memberOf(type, 'task') !== undefined) {
      const found = info.pointer('task');
      if (found !== task.address)
        signs.push({ what: 'thread_info.task', address: info.at('task'), found, wanted: task.address });
    }
    if (memberOf(type, 'cpu') !== undefined) {
      const found = info.integer('cpu');
      const wanted = BigInt(Math.max(0, ...readCpus(kernel).possible) + 1);
      if (found < 0n || found >= wanted)
        signs.push({ what: 'thread_info.cpu', address: info.at('cpu'), found, wanted });
    }
  }
  const address = addVirt(stack, type?.size ?? 0);
  const found = kernel.memory.u64(address);
  if (found !== STACK_END_MAGIC) signs.push({ what: 'STACK_END_MAGIC', address, found, wanted: STACK_END_MAGIC });
  return signs;
}
