/**
 * Where a task's stack begins to be walked: for a task that was running, the registers its CPU had when the dump was
 * taken; for any other, what __switch_to_asm left on its stack (struct inactive_task_frame, 0100301bfdf5, v4.9).
 */

import { addVirt, virtAddr } from '../base/addr.ts';
import { LookupError } from '../base/errors.ts';
import { currentTask, readCpus } from '../kernel/cpus.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Task } from '../kernel/tasks.ts';
import { isUserMode } from './orc-step.ts';
import type { StartState } from './unwinder.ts';

/** The CPU a task was running on when the dump was taken; undefined where it was not running. */
export function cpuRunning(kernel: Kernel, task: Task): number | undefined {
  return readCpus(kernel).present.find((cpu) => currentTask(kernel, cpu) === task.address);
}

/**
 * @throws LookupError where the task was running and the dump has no registers of its CPU
 * @throws FaultError where its stack is not in the dump
 */
export function startState(kernel: Kernel, task: Task): StartState {
  const cpu = cpuRunning(kernel, task);
  if (cpu !== undefined) return running(kernel, cpu);
  if (task.view.has('on_cpu') && task.view.number('on_cpu') !== 0) {
    throw new LookupError(
      'the CPU that was running it',
      `PID ${task.pid} says it was on one, but no CPU's current task is it`,
    );
  }
  return switchedAway(kernel, task);
}

function running(kernel: Kernel, cpu: number): StartState {
  const note = kernel.target.image.cpus[cpu];
  const registers = note?.registers ?? note?.qemu?.registers;
  if (registers === undefined) throw new LookupError('registers in the dump', `CPU ${cpu}`);
  const saved = { address: virtAddr(0), registers, user: isUserMode(registers) };
  return { registers, slot: undefined, exact: true, saved };
}

function switchedAway(kernel: Kernel, task: Task): StartState {
  const frame = kernel.struct('inactive_task_frame', task.savedStackPointer);
  const slot = frame.at('ret_addr');
  const registers: Record<string, bigint> = { rip: frame.integer('ret_addr'), rsp: addVirt(slot, 8) };
  for (const [register, member] of savedMembers) if (frame.has(member)) registers[register] = frame.integer(member);
  return { registers, slot, exact: false, saved: undefined };
}

const savedMembers: readonly (readonly [string, string])[] = [
  ['rbp', 'bp'],
  ['rbx', 'bx'],
  ['r12', 'r12'],
  ['r13', 'r13'],
  ['r14', 'r14'],
  ['r15', 'r15'],
];
