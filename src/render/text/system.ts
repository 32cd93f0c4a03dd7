/** `sys` and `set` in crash's layouts. */

import { hex } from '../../base/addr.ts';
import { isUnavailable, type Available } from '../../base/available.ts';
import type { SystemReport } from '../../query/system.ts';
import type { TaskInfo } from '../../query/task-info.ts';
import { duration, utcDate } from './date.ts';
import { escapeLine } from './escape.ts';

export function* renderSystem(system: SystemReport): Generator<string> {
  const field = (label: string, value: string): string => `${label.padStart(12)}: ${escapeLine(value)}`;
  const speed = isUnavailable(system.megahertz) ? 'unknown' : String(system.megahertz);
  yield field('KERNEL', `${system.kernel}${system.tainted === true ? '  [TAINTED]' : ''}`);
  const marks = system.dumpMarks.map((mark) => ` [${mark}]`).join('');
  const [first = system.dumpfile, ...others] = system.dumpfiles;
  yield field(others.length > 0 ? 'DUMPFILES' : 'DUMPFILE', marks === '' ? first : `${first} ${marks}`);
  for (const part of others) yield `${' '.repeat(14)}${escapeLine(part)}`;
  yield field('CPUS', `${system.cpus}${system.offline > 0 ? ` [OFFLINE: ${system.offline}]` : ''}`);
  yield field('DATE', show(system.date, utcDate));
  yield field('UPTIME', show(system.uptimeSeconds, duration));
  yield field(
    'LOAD AVERAGE',
    show(system.loadAverage, (load) => load.map((value) => value.toFixed(2)).join(', ')),
  );
  yield field('TASKS', show(system.tasks, String));
  yield field('NODENAME', show(system.nodename, String));
  yield field('RELEASE', show(system.release, String));
  yield field('VERSION', show(system.version, String));
  yield field('MACHINE', `${show(system.machine, String)}  (${speed} Mhz)`);
  yield field('MEMORY', show(system.memoryBytes, memorySize));
  const nothing = `(${system.evidence.at(-1) ?? 'nothing panicked'})`;
  yield field('PANIC', system.panic === undefined ? nothing : show(system.panic, (text) => `"${text}"`));
  for (const warning of system.warnings) yield `(${escapeLine(warning)})`;
}

function show<T>(value: Available<T>, format: (value: T) => string): string {
  return isUnavailable(value) ? `(unavailable: ${value.unavailable})` : format(value);
}

function memorySize(bytes: number): string {
  const GIB = 2 ** 30;
  return bytes >= GIB ? `${trim(bytes / GIB)} GB` : `${trim(bytes / 2 ** 20)} MB`;
}

/** One decimal, none where it is zero. */
function trim(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}

const stateNames: Readonly<Record<string, string>> = {
  RU: 'TASK_RUNNING',
  IN: 'TASK_INTERRUPTIBLE',
  UN: 'TASK_UNINTERRUPTIBLE',
  ID: 'TASK_IDLE',
  ST: 'TASK_STOPPED',
  TR: 'TASK_TRACED',
  ZO: 'EXIT_ZOMBIE',
  DE: 'EXIT_DEAD',
  PA: 'TASK_PARKED',
  WA: 'TASK_WAKING',
  NE: 'TASK_NEW',
};

export function* renderTask(task: TaskInfo): Generator<string> {
  const note = task.panicked ? ' (PANIC)' : task.active ? ' (ACTIVE)' : '';
  yield `    PID: ${task.pid}`;
  yield `COMMAND: "${escapeLine(task.command)}"`;
  yield `   TASK: ${hex(task.task, 16)}`;
  yield `    CPU: ${task.cpu ?? '?'}`;
  yield `  STATE: ${stateNames[task.state] ?? '(unknown)'}${note}`;
}
