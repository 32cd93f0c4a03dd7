/** `ps` and `ps -m` in crash's layouts. */

import { hex } from '../../base/addr.ts';
import { isUnavailable, type Available } from '../../base/available.ts';
import type { ProcessList } from '../../query/process-list.ts';
import type { RunTimes } from '../../query/run-times.ts';
import { headerLine } from './backtrace.ts';
import { elapsed } from './date.ts';
import { escapeLine } from './escape.ts';

export function* renderProcesses(list: ProcessList): Generator<string> {
  yield '      PID    PPID  CPU       TASK        ST  %MEM      VSZ      RSS  COMM';
  for (const row of list.rows) {
    const name = escapeLine(row.command);
    yield [
      row.active ? '>' : ' ',
      ` ${String(row.pid).padStart(7)}`,
      ` ${number(row.parentPid).padStart(7)}`,
      `  ${number(row.cpu).padStart(2)}`,
      `  ${hex(row.task, 16)}`,
      `  ${row.state}`,
      `  ${row.memoryPercent.toFixed(1).padStart(4)}`,
      ` ${number(row.virtualKiB).padStart(8)}`,
      ` ${number(row.residentKiB).padStart(8)}`,
      `  ${row.kernelThread ? `[${name}]` : name}`,
    ].join('');
  }
  for (const warning of list.warnings) yield `(${warning})`;
}

function number(value: Available<number>): string {
  return isUnavailable(value) ? '?' : String(value);
}

export function* renderRunTimes(times: RunTimes): Generator<string> {
  for (const { header, state, sinceLastRun } of times.tasks) {
    const since = sinceLastRun === undefined ? '?' : elapsed(sinceLastRun);
    yield `[${since}] [${state}]  ${headerLine(header)}`;
  }
  for (const warning of times.warnings) yield `(${warning})`;
}
