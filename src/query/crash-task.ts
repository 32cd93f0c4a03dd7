/**
 * Which task the dump is about, from evidence: what the kernel keeps of the panic, what its log says, and which task
 * was running on that CPU. A dump in which nothing panicked says so.
 */

import { available, isUnavailable, type Available } from '../base/available.ts';
import { attempt } from '../base/errors.ts';
import { once } from '../base/search.ts';
import { currentTask, readCpus } from '../kernel/cpus.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { readPanicCpus, type PanicCpus } from '../kernel/panic.ts';
import { readLog } from '../kernel/printk.ts';
import { readTasks, Task } from '../kernel/tasks.ts';
import { findCause, type Cause } from './cause.ts';

export interface CrashTask {
  readonly task: Task;
  /** False where the task that crashed cannot be read: `task` is then only somewhere to begin. */
  readonly taskKnown: boolean;
  readonly cpu: number;
  /** False for a dump taken from a running or hung machine. */
  readonly panicked: boolean;
  /** Why this task: for people, the strongest first. */
  readonly evidence: () => readonly string[];
  /** Where `panicked` is false: that nothing did, or that this is not known, and why. */
  readonly whyNotPanicked: () => string;
  /** The first cause the log names; undefined where it names none. */
  readonly cause: () => Available<Cause | undefined>;
}

/** The log is read only where the kernel's own variables do not tell the CPU, or when somebody asks for the cause. */
export function findCrashTask(kernel: Kernel): CrashTask {
  const cause = once(() => available(() => findCause(readLog(kernel).records)));
  const known = (): Cause | undefined => {
    const found = cause();
    return isUnavailable(found) ? undefined : found;
  };
  const cpus = readPanicCpus(kernel);
  const cpu = cpus.panicCpu ?? cpus.crashingCpu ?? (known()?.panicked === true ? known()?.cpu : undefined);
  const chosen = cpu ?? readCpus(kernel).present[0] ?? 0;
  const panicked = cpu !== undefined || known()?.panicked === true;
  const found = taskOn(kernel, chosen) ?? (panicked ? taskWithPid(kernel, known()?.pid) : undefined);
  const task = found ?? new Task(kernel, kernel.symbol('init_task'));
  const evidence = once(() => evidenceFor(cpus, cause(), task, chosen, panicked, found !== undefined));
  const whyNotPanicked = once(() => verdict(cpus, cause()));
  return { task, taskKnown: found !== undefined, cpu: chosen, panicked, evidence, whyNotPanicked, cause };
}

function taskOn(kernel: Kernel, cpu: number): Task | undefined {
  const address = currentTask(kernel, cpu);
  const task = address === undefined ? undefined : new Task(kernel, address);
  return task !== undefined && attempt(() => task.pid) !== undefined ? task : undefined;
}

function taskWithPid(kernel: Kernel, pid: number | undefined): Task | undefined {
  return pid === undefined || pid === 0
    ? undefined
    : attempt(() => readTasks(kernel).tasks)?.find((task) => attempt(() => task.pid) === pid);
}

function verdict({ known }: PanicCpus, logged: Available<Cause | undefined>): string {
  const kernelSays = known ? 'panic_cpu is unset' : 'panic_cpu cannot be read';
  const logSays = isUnavailable(logged) ? 'the log cannot be read' : 'the log has no panic';
  const nothing = known && !isUnavailable(logged) ? 'nothing panicked' : 'whether anything panicked is not known';
  return `${nothing}: ${kernelSays} and ${logSays}`;
}

function evidenceFor(
  cpus: PanicCpus,
  logged: Available<Cause | undefined>,
  task: Task,
  cpu: number,
  panicked: boolean,
  taskKnown: boolean,
): string[] {
  const cause = isUnavailable(logged) ? undefined : logged;
  if (!panicked) {
    return [`${verdict(cpus, logged)}; the task of the first CPU is shown`];
  }
  const { panicCpu, crashingCpu } = cpus;
  const evidence: string[] = [];
  if (panicCpu !== undefined) evidence.push(`panic_cpu is ${panicCpu}`);
  if (crashingCpu !== undefined) evidence.push(`crashing_cpu is ${crashingCpu}`);
  if (cause?.cpu !== undefined)
    evidence.push(`the log names CPU ${cause.cpu}${cause.pid === undefined ? '' : `, PID ${cause.pid}`}`);
  if (cause?.pid !== undefined && attempt(() => task.pid) === cause.pid) {
    evidence.push(`PID ${cause.pid} was the current task of CPU ${cpu}`);
  }
  if (!taskKnown) evidence.push(`the task that ran on CPU ${cpu} cannot be read; init_task is shown in its place`);
  return evidence;
}
