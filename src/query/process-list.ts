/** Every task in a line: the answer to `ps`. */

import type { VirtAddr } from '../base/addr.ts';
import { available, type Available } from '../base/available.ts';
import { attempt } from '../base/errors.ts';
import { checkCancelled } from '../base/cancel.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { residentPages } from '../kernel/mm.ts';
import { readMemorySize } from '../kernel/system.ts';
import { stateLetters } from '../kernel/task-state.ts';
import type { Task } from '../kernel/tasks.ts';
import { currentTask, readCpus } from '../kernel/cpus.ts';

export interface ProcessRow {
  readonly pid: number;
  readonly parentPid: Available<number>;
  readonly cpu: Available<number>;
  readonly task: VirtAddr;
  readonly state: string;
  /** Share of memory that is resident, in percent. */
  readonly memoryPercent: number;
  readonly virtualKiB: Available<number>;
  readonly residentKiB: Available<number>;
  readonly command: string;
  readonly kernelThread: boolean;
  /** Whether it was on a CPU when the dump was taken. */
  readonly active: boolean;
}

export interface ProcessList {
  readonly type: 'processes';
  readonly rows: readonly ProcessRow[];
  readonly warnings: readonly string[];
}

const PAGE_KIB = 4;

export function processList(
  kernel: Kernel,
  all: readonly Task[],
  wanted: readonly Task[],
  warnings: readonly string[],
): ProcessList {
  const memoryKiB = (attempt(() => readMemorySize(kernel)) ?? 0) / 1024;
  const active = new Set(readCpus(kernel).present.map((cpu) => currentTask(kernel, cpu)));
  const threads = groupByProcess(all);
  const parents = new Map(all.map((task) => [task.address, task]));
  const rows = wanted.map((task): ProcessRow => {
    checkCancelled();
    const mm = attempt(() => task.mm) ?? 0n;
    const own = threads.get(attempt(() => task.tgid)) ?? [];
    const residentKiB = mm === 0n ? 0 : available(() => residentPages(kernel, task, own) * PAGE_KIB);
    const virtualKiB =
      mm === 0n ? 0 : available(() => kernel.struct('mm_struct', task.mm).number('total_vm') * PAGE_KIB);
    return {
      pid: task.pid,
      // An idle task was forked by whoever brought its CPU up, which means nothing.
      parentPid:
        task.pid === 0
          ? 0
          : available(() => parents.get(task.parent)?.pid ?? kernel.struct('task_struct', task.parent).number('pid')),
      cpu: available(() => task.cpu),
      task: task.address,
      state: attempt(() => stateLetters(task)) ?? '??',
      memoryPercent: typeof residentKiB === 'number' && memoryKiB > 0 ? (residentKiB * 100) / memoryKiB : 0,
      virtualKiB,
      residentKiB,
      command: attempt(() => task.comm) ?? '?',
      kernelThread: attempt(() => task.isKernelThread) ?? mm === 0n,
      active: active.has(task.address),
    };
  });
  return { type: 'processes', rows, warnings };
}

function groupByProcess(tasks: readonly Task[]): Map<number | undefined, Task[]> {
  const groups = new Map<number | undefined, Task[]>();
  for (const task of tasks) {
    const tgid = attempt(() => task.tgid);
    const group = groups.get(tgid);
    if (group === undefined) groups.set(tgid, [task]);
    else group.push(task);
  }
  return groups;
}
