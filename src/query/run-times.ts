/** When each task last ran, the latest first: the answer to `ps -m`. */

import { attempt } from '../base/errors.ts';
import { addVirt } from '../base/addr.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { stateLetters } from '../kernel/task-state.ts';
import type { Task } from '../kernel/tasks.ts';
import { taskHeader, type TaskHeader } from './stack-walk.ts';

export interface RunTime {
  readonly header: TaskHeader;
  readonly state: string;
  /** Nanoseconds since the task was put on its CPU; undefined where the clock or the time is not known. */
  readonly sinceLastRun: bigint | undefined;
}

export interface RunTimes {
  readonly type: 'run-times';
  readonly tasks: readonly RunTime[];
  /** What kept the list of tasks from being whole. */
  readonly warnings: readonly string[];
}

export function runTimes(kernel: Kernel, tasks: readonly Task[], warnings: readonly string[]): RunTimes {
  const clocks = new Map<number, bigint | undefined>();
  const clockOf = (cpu: number): bigint | undefined => {
    if (!clocks.has(cpu))
      clocks.set(
        cpu,
        attempt(() => runQueueClock(kernel, cpu)),
      );
    return clocks.get(cpu);
  };
  const rows = tasks.map((task) => {
    const lastRun = attempt(() => task.lastRun);
    const clock = attempt(() => clockOf(task.cpu));
    const since = clock === undefined || lastRun === undefined ? undefined : clock > lastRun ? clock - lastRun : 0n;
    return {
      lastRun,
      row: { header: taskHeader(task), state: attempt(() => stateLetters(task)) ?? '??', sinceLastRun: since },
    };
  });
  rows.sort(
    (a, b) => Number((b.lastRun ?? -1n) > (a.lastRun ?? -1n)) - Number((a.lastRun ?? -1n) > (b.lastRun ?? -1n)),
  );
  return { type: 'run-times', tasks: rows.map(({ row }) => row), warnings };
}

function runQueueClock(kernel: Kernel, cpu: number): bigint {
  const queue = kernel.perCpu.address('runqueues', cpu);
  const view = kernel.struct('rq', addVirt(queue ?? kernel.symbol('runqueues'), 0));
  return view.integer('clock');
}
