/** One task in a few words: the answer to `set`. */

import type { VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { stateLetters } from '../kernel/task-state.ts';
import type { Task } from '../kernel/tasks.ts';
import { cpuRunning } from '../unwind/start-state.ts';
import type { CrashTask } from './crash-task.ts';

export interface TaskInfo {
  readonly type: 'task';
  readonly pid: number;
  readonly command: string;
  readonly task: VirtAddr;
  readonly cpu: number | undefined;
  /** Two letters. */
  readonly state: string;
  /** Whether the task was on its CPU when the dump was taken. */
  readonly active: boolean;
  readonly panicked: boolean;
}

export function taskInfo(task: Task, crash: CrashTask): TaskInfo {
  const running = cpuRunning(task.kernel, task);
  return {
    type: 'task',
    pid: task.pid,
    command: task.comm,
    task: task.address,
    cpu: running ?? attempt(() => task.cpu),
    state: attempt(() => stateLetters(task)) ?? '??',
    active: running !== undefined,
    panicked: crash.panicked && crash.taskKnown && crash.task.address === task.address,
  };
}
