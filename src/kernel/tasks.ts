/**
 * Tasks: kernel include/linux/sched.h.
 *
 * Processes hang on init_task.tasks, their threads on signal->thread_head; the idle tasks of the CPUs hang nowhere.
 * Probes: `__state` (2f064a59a11f, v5.14) or `state`; the CPU in thread_info (bcf9033e5449, v5.16) or in the task.
 */

import type { VirtAddr } from '../base/addr.ts';
import { FormatError, isExpected } from '../base/errors.ts';
import { once } from '../base/search.ts';
import { offsetOf, type StructView } from '../values/struct-view.ts';
import { idleTask, readCpus } from './cpus.ts';
import type { Kernel } from './kernel.ts';
import { listForEachEntry, type ListWalk } from './list.ts';

export class Task {
  readonly kernel: Kernel;
  readonly address: VirtAddr;
  readonly #view: () => StructView;

  constructor(kernel: Kernel, address: VirtAddr) {
    this.kernel = kernel;
    this.address = address;
    this.#view = once(() => kernel.struct('task_struct', address));
  }

  /** Throws LookupError where nothing tells what a task_struct is. */
  get view(): StructView {
    return this.#view();
  }

  get pid(): number {
    return this.view.number('pid');
  }

  /** The thread group's id: what user space calls the process id. */
  get tgid(): number {
    return this.view.number('tgid');
  }

  get comm(): string {
    return this.view.string('comm');
  }

  /** Throws FormatError where it is no CPU there is: the task_struct is damaged. */
  get cpu(): number {
    const cpu = this.view.number(this.view.pick('thread_info.cpu', 'cpu'));
    if (!readCpus(this.kernel).possible.includes(cpu)) throw new FormatError('task_struct', `${cpu} is no CPU`);
    return cpu;
  }

  /** TASK_* bits. */
  get state(): number {
    return this.view.number(this.view.pick('__state', 'state'));
  }

  /** EXIT_* bits. */
  get exitState(): number {
    return this.view.number('exit_state');
  }

  get parent(): VirtAddr {
    return this.view.pointer('real_parent');
  }

  /** mm_struct; 0 for a kernel thread. */
  get mm(): VirtAddr {
    return this.view.pointer('mm');
  }

  get isKernelThread(): boolean {
    return (this.view.number('flags') & PF_KTHREAD) !== 0;
  }

  /** The lowest address of the kernel stack. */
  get stack(): VirtAddr {
    return this.view.pointer('stack');
  }

  /** The stack pointer saved when the task was switched away from. */
  get savedStackPointer(): VirtAddr {
    return this.view.pointer('thread.sp');
  }

  /** When it last ran, in nanoseconds of its CPU's scheduler clock. */
  get lastRun(): bigint {
    const member = this.view.pick('sched_info.last_arrival', 'last_run', 'timestamp');
    return this.view.integer(member);
  }
}

const PF_KTHREAD = 0x0020_0000;

export interface TaskList {
  /** By pid; the idle tasks, which all have pid 0, by CPU. */
  readonly tasks: readonly Task[];
  /** What kept the list from being whole. */
  readonly warnings: readonly string[];
}

export function readTasks(kernel: Kernel): TaskList {
  const warnings: string[] = [];
  const addresses = new Set<bigint>();
  const tasks: Task[] = [];
  const add = (address: VirtAddr, idle = false): void => {
    if (addresses.has(address)) return;
    addresses.add(address);
    const task = new Task(kernel, address);
    const damage = damageOf(task, idle);
    if (damage === undefined) tasks.push(task);
    else warnings.push(`task ${address.toString(16)} is left out: ${damage}`);
  };
  for (const cpu of readCpus(kernel).possible) {
    const idle = idleTask(kernel, cpu);
    if (idle !== undefined && idle !== 0n) add(idle, true);
  }
  const initTask = kernel.symbol('init_task');
  const type = kernel.structType('task_struct');
  add(initTask, true);
  const processes = listForEachEntry(kernel.memory, kernel.struct('task_struct', initTask).at('tasks'), type, 'tasks');
  if (processes.broken !== undefined) warnings.push(`the list of tasks is broken: ${processes.broken}`);
  for (const leader of processes.entries) {
    add(leader);
    const { entries, broken } = readThreads(kernel, leader);
    if (broken !== undefined) warnings.push(`threads of task ${leader.toString(16)} may be left out: ${broken}`);
    for (const thread of entries) add(thread);
  }
  return { tasks: byPid(tasks), warnings };
}

function byPid(tasks: readonly Task[]): Task[] {
  const pids = new Map(tasks.map((task) => [task, task.pid]));
  return [...tasks].sort((a, b) => (pids.get(a) ?? 0) - (pids.get(b) ?? 0));
}

/** Why a task cannot be one: its task_struct is not in the dump, or overwritten. */
function damageOf(task: Task, idle: boolean): string | undefined {
  try {
    if (task.pid < 0 || (task.pid === 0 && !idle)) return `its pid is ${task.pid}`;
    return undefined;
  } catch (error) {
    if (isExpected(error)) return error.message;
    throw error;
  }
}

/** The threads of a process, its leader among them. */
function readThreads(kernel: Kernel, leader: VirtAddr): ListWalk {
  try {
    const type = kernel.types.struct('task_struct');
    const signal = kernel.struct('task_struct', leader).pointer('signal');
    if (signal === 0n) return { entries: [], broken: undefined };
    offsetOf(type, 'thread_node');
    const head = kernel.struct('signal_struct', signal).at('thread_head');
    return listForEachEntry(kernel.memory, head, type, 'thread_node');
  } catch (error) {
    if (isExpected(error)) return { entries: [], broken: error.message };
    throw error;
  }
}
