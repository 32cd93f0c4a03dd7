/**
 * Where a task's stack begins to be walked: for a task that was running, the registers its CPU had when the dump was
 * taken; for any other, what __switch_to_asm left on its stack (struct inactive_task_frame, 0100301bfdf5, v4.9).
 */

import { addVirt, virtAddr } from '../base/addr.ts';
import { attempt, LookupError } from '../base/errors.ts';
import { currentTask, readCpus } from '../kernel/cpus.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { readThreadSize } from '../kernel/stacks.ts';
import type { Task } from '../kernel/tasks.ts';
import { cpuRegisters, kdumpRegisters } from './cpu-registers.ts';
import { isUserMode } from './orc-step.ts';
import type { StartState } from './unwinder.ts';

/**
 * The CPU a task was running on when the dump was taken; undefined where it was not running. Where per-CPU memory is
 * lost, the CPU whose stack pointer is on the task's stack.
 */
export function cpuRunning(kernel: Kernel, task: Task): number | undefined {
  const { present } = readCpus(kernel);
  const named = present.find((cpu) => currentTask(kernel, cpu) === task.address);
  if (named !== undefined || present.every((cpu) => currentTask(kernel, cpu) !== undefined)) return named;
  const base = attempt(() => task.stack);
  if (base === undefined) return undefined;
  const threadSize = readThreadSize(kernel);
  return present.find((cpu) => {
    const sp = cpuRegisters(kernel, cpu)?.['rsp'];
    return currentTask(kernel, cpu) === undefined && sp !== undefined && sp >= base && sp < base + BigInt(threadSize);
  });
}

/**
 * Where the walk of a task's stack begins.
 * @throws LookupError where the task was running and the dump has no registers of its CPU
 * @throws FaultError where its stack is not in the dump
 */
export function startState(kernel: Kernel, task: Task): StartState {
  const cpu = cpuRunning(kernel, task);
  if (cpu !== undefined) return cpuState(kernel, cpu);
  if (task.view.has('on_cpu') && task.view.number('on_cpu') !== 0) {
    throw new LookupError('registers', `PID ${task.pid} was running, but which CPU it was on cannot be read`);
  }
  return switchedAway(kernel, task);
}

/** Where a CPU was, whatever task it ran. Throws LookupError where the dump has no registers of it. */
export function cpuState(kernel: Kernel, cpu: number): StartState {
  const byKdump = kdumpRegisters(kernel, cpu);
  const registers = byKdump ?? cpuRegisters(kernel, cpu);
  if (registers === undefined) throw new LookupError('registers in the dump', `those of CPU ${cpu}`);
  const saved = { address: virtAddr(0), registers, user: isUserMode(registers) };
  const state: StartState = { registers, slot: undefined, exact: true, saved };
  return byKdump === undefined ? state : { ...state, kdumpOf: cpu };
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
