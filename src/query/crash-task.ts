/**
 * Which task the dump is about, from evidence: what the kernel keeps of the panic, what its log says, and which task
 * was running on that CPU. A dump in which nothing panicked says so.
 */

import { attempt } from '../base/errors.ts';
import { once } from '../base/search.ts';
import { currentTask, readCpus } from '../kernel/cpus.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { readPanicCpus, type PanicCpus } from '../kernel/panic.ts';
import { readLog } from '../kernel/printk.ts';
import { Task } from '../kernel/tasks.ts';
import { findCause, type Cause } from './cause.ts';

export interface CrashTask {
  readonly task: Task;
  readonly cpu: number;
  /** False for a dump taken from a running or hung machine. */
  readonly panicked: boolean;
  /** Why this task: for people, the strongest first. */
  readonly evidence: () => readonly string[];
  /** The first cause the log names. */
  readonly cause: () => Cause | undefined;
}

/** The log is read only where the kernel's own variables do not tell the CPU, or when somebody asks for the cause. */
export function findCrashTask(kernel: Kernel): CrashTask {
  const cause = once(() => findCause(attempt(() => readLog(kernel)) ?? []));
  const cpus = readPanicCpus(kernel);
  const cpu = cpus.panicCpu ?? cpus.crashingCpu ?? (cause()?.panicked === true ? cause()?.cpu : undefined);
  const chosen = cpu ?? readCpus(kernel).present[0] ?? 0;
  const task = new Task(kernel, currentTask(kernel, chosen) ?? kernel.symbol('init_task'));
  const panicked = cpu !== undefined;
  return { task, cpu: chosen, panicked, evidence: once(() => evidenceFor(cpus, cause(), task, chosen, panicked)), cause };
}

function evidenceFor({ panicCpu, crashingCpu }: PanicCpus, cause: Cause | undefined, task: Task, cpu: number, panicked: boolean): string[] {
  if (!panicked) return ['nothing panicked: panic_cpu is unset and the log has no panic; the task of the first CPU is shown'];
  const evidence: string[] = [];
  if (panicCpu !== undefined) evidence.push(`panic_cpu is ${panicCpu}`);
  if (crashingCpu !== undefined) evidence.push(`crashing_cpu is ${crashingCpu}`);
  if (cause?.cpu !== undefined) evidence.push(`the log names CPU ${cause.cpu}${cause.pid === undefined ? '' : `, PID ${cause.pid}`}`);
  if (cause?.pid !== undefined && attempt(() => task.pid) === cause.pid) {
    evidence.push(`PID ${cause.pid} was the current task of CPU ${cpu}`);
  }
  return evidence;
}
