/** What the dump is of: the answer to `sys`. */

import { available, isUnavailable, type Available } from '../base/available.ts';
import { attempt } from '../base/errors.ts';
import type { DumpMark } from '../formats/dump-image.ts';
import { readCpus } from '../kernel/cpus.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { readLoadAverage, readMemorySize, readNames, readProcessorSpeed, readTaint } from '../kernel/system.ts';
import type { TaskList } from '../kernel/tasks.ts';
import { readTime } from '../kernel/timekeeping.ts';
import type { CrashTask } from './crash-task.ts';

export interface SystemReport {
  readonly type: 'system';
  readonly kernel: string;
  readonly tainted: Available<boolean>;
  readonly dumpfile: string;
  /** Where the dump is split, every part. */
  readonly dumpfiles: readonly string[];
  /** What of the memory is not in it. */
  readonly dumpMarks: readonly DumpMark[];
  readonly format: string;
  readonly cpus: number;
  readonly offline: number;
  /** Seconds since 1970, UTC. */
  readonly date: Available<number>;
  readonly uptimeSeconds: Available<number>;
  readonly loadAverage: Available<readonly number[]>;
  readonly tasks: Available<number>;
  readonly nodename: Available<string>;
  readonly release: Available<string>;
  readonly version: Available<string>;
  readonly machine: Available<string>;
  readonly megahertz: Available<number>;
  readonly memoryBytes: Available<number>;
  /** The first cause of the panic; undefined where nothing panicked. */
  readonly panic: Available<string> | undefined;
  /** What of these answers is not whole, and why. */
  readonly warnings: readonly string[];
  /** Why this task is taken to be the one that crashed. */
  readonly evidence: readonly string[];
}

export function systemReport(kernel: Kernel, crash: CrashTask, listTasks: () => TaskList): SystemReport {
  const cpus = readCpus(kernel);
  const names = available(() => readNames(kernel));
  const time = available(() => readTime(kernel));
  return {
    type: 'system',
    kernel: kernel.target.vmlinux.name,
    tainted: available(() => readTaint(kernel) !== 0n),
    dumpfile: kernel.target.image.path,
    dumpfiles: kernel.target.image.paths,
    dumpMarks: kernel.target.image.marks,
    format: kernel.target.image.format,
    cpus: cpus.present.length,
    offline: cpus.online.length === 0 ? 0 : cpus.present.filter((cpu) => !cpus.online.includes(cpu)).length,
    date: 'unavailable' in time ? time : time.wallSeconds,
    uptimeSeconds: 'unavailable' in time ? time : time.uptimeSeconds,
    loadAverage: available(() => readLoadAverage(kernel)),
    tasks: available(() => listTasks().tasks.length),
    nodename: 'unavailable' in names ? names : names.nodename,
    release: 'unavailable' in names ? (kernel.target.vmcoreinfo()?.release ?? names) : names.release,
    version: 'unavailable' in names ? names : names.version,
    machine: 'unavailable' in names ? names : names.machine,
    megahertz: available(() => readProcessorSpeed(kernel)),
    memoryBytes: available(() => readMemorySize(kernel)),
    panic: crash.panicked ? panicText(crash) : undefined,
    warnings: [...(attempt(() => listTasks().warnings) ?? []), ...(crash.taskKnown ? [] : crash.evidence().slice(-1))],
    evidence: crash.evidence(),
  };
}

function panicText(crash: CrashTask): Available<string> {
  const cause = crash.cause();
  if (isUnavailable(cause)) return { unavailable: `the log cannot be read: ${cause.unavailable}` };
  return cause?.text ?? { unavailable: 'the log, as far as it is in the dump, names no cause' };
}
