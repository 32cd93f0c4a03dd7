/**
 * Which task the dump is about, from evidence: what the kernel keeps of the panic, what its log says, and which task
 * was running on that CPU. A dump in which nothing panicked says so.
 */

import { attempt } from '../base/errors.ts';
import { currentTask, readCpus } from '../kernel/cpus.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { readPanicCpus } from '../kernel/panic.ts';
import { readLog } from '../kernel/printk.ts';
import { Task } from '../kernel/tasks.ts';
import { findCause, type Cause } from './cause.ts';

export interface CrashTask {
  readonly task: Task;
  readonly cpu: number;
  /** False for a dump taken from a running or hung machine. */
  readonly panicked: boolean;
  /** Why this task: for people, the strongest first. */
  readonly evidence: readonly string[];
  /** The first cause the log names. */
  readonly cause: Cause | undefined;
}

export function findCrashTask(kernel: Kernel): CrashTask {
  const log = attempt(() => readLog(kernel)) ?? [];
  const cause = findCause(log);
  const evidence: string[] = [];
  const { panicCpu, crashingCpu } = readPanicCpus(kernel);
  let cpu = panicCpu;
  if (panicCpu !== undefined) evidence.push(`panic_cpu is ${panicCpu}`);
  if (crashingCpu !== undefined) {
    evidence.push(`crashing_cpu is ${crashingCpu}`);
    cpu ??= crashingCpu;
  }
  if (cause?.cpu !== undefined) {
    evidence.push(`the log names CPU ${cause.cpu}${cause.pid === undefined ? '' : `, PID ${cause.pid}`}`);
    if (cause.panicked) cpu ??= cause.cpu;
  }
  const panicked = cpu !== undefined;
  const chosen = cpu ?? readCpus(kernel).present[0] ?? 0;
  const address = currentTask(kernel, chosen) ?? kernel.symbol('init_task');
  const task = new Task(kernel, address);
  if (panicked && cause?.pid !== undefined && attempt(() => task.pid) === cause.pid) {
    evidence.push(`PID ${cause.pid} was the current task of CPU ${chosen}`);
  }
  if (!panicked) evidence.push('nothing panicked: panic_cpu is unset and the log has no panic; the task of the first CPU is shown');
  return { task, cpu: chosen, panicked, evidence, cause };
}
