/**
 * The first cause in the kernel log: the line with which the trouble that ended in the panic began. An oops is
 * reported over several lines and then panics ("Fatal exception"): the cause is its first line, not the last.
 *
 * The texts are those of arch/x86/mm/fault.c, arch/x86/kernel/{dumpstack,traps}.c, lib/bug.c, kernel/panic.c,
 * kernel/hung_task.c, kernel/watchdog.c.
 */

import type { LogRecord } from '../kernel/printk.ts';

export interface Cause {
  readonly text: string;
  /** Nanoseconds since boot. */
  readonly time: bigint;
  /** From the "CPU: 1 PID: 155 Comm: …" line of the report. */
  readonly cpu: number | undefined;
  readonly pid: number | undefined;
  /** Whether the log goes on to a panic. */
  readonly panicked: boolean;
}

const panicLine = /^Kernel panic - not syncing: /;
/** A line that opens the report of a fatal error. */
const causes: readonly RegExp[] = [
  /^BUG: /,
  /^kernel BUG at /,
  /^Unable to handle kernel /,
  /^general protection fault/,
  /^(?:[a-z][a-z -]*(?:fault|error|exception|check|overflow|opcode)|int3|iret exception|stack segment)[a-z -]*: [0-9a-f]{4} \[#\d+\]/i,
  /^Oops[:\- ]/,
  /^stack segment: /,
  /^double fault: /,
  /^PANIC: /,
  /^Internal error: /,
  /^watchdog: BUG: (?:soft|hard) lockup/,
  /^(?:(?:NMI )?watchdog: )?(?:CPU\d+: )?Watchdog detected hard LOCKUP/,
  /^(?:rcu: )?INFO: rcu\w* (?:self-)?detected stall/,
  /^INFO: task .* blocked (?:.* )?for more than \d+ seconds/,
  /^Kernel panic - not syncing: /,
];
/** Panics of an oops: the kernel had reported it before. */
const oopsPanic = /Fatal (?:exception|hardware error)|panic_on_oops|Fatal machine check/;
/** Panics that a setting makes of a report, and how that report opens. */
const reportedBefore: readonly { readonly panic: RegExp; readonly opening: RegExp }[] = [
  { panic: /hung_task: /, opening: /^INFO: task .* blocked / },
  { panic: /softlockup: /, opening: /BUG: soft lockup/ },
  { panic: /hard lockup/i, opening: /hard lockup/i },
  { panic: /RCU Stall/i, opening: /detected stall/ },
  { panic: /panic_on_warn/, opening: /^WARNING: / },
  { panic: /(?:Out of memory|out of memory)/, opening: /invoked oom-killer/ },
];
/** How far before the panic the report that led to it may begin: registers, code, stack, modules. */
const LONGEST_REPORT = 400;
/** How many lines the opening lines of one report are apart at most: "BUG: …", page-table entries, "Oops: …". */
const LONGEST_OPENING = 12;
const reportEnd = /^---\[ end (?:trace|Kernel panic)/;
const whereLine = /\bCPU: (\d+) (?:UID: \d+ )?PID: (\d+)\b/;

/** Undefined where the log tells of no fatal error. */
export function findCause(log: readonly LogRecord[]): Cause | undefined {
  const lines = log.flatMap(({ text, time }) => (text ?? '').split('\n').map((line) => ({ text: line, time })));
  const panicAt = lines.findLastIndex((line) => panicLine.test(line.text));
  const start = startOfReport(lines, panicAt);
  const line = lines[start];
  if (line === undefined) return undefined;
  const where = whereAfter(lines, start);
  return {
    text: line.text.trim(),
    time: line.time,
    cpu: where?.[1] === undefined ? undefined : Number(where[1]),
    pid: where?.[2] === undefined ? undefined : Number(where[2]),
    panicked: panicAt >= 0,
  };
}

/** Where the report that a panic came of begins; the panic itself where it came of none. */
function startOfReport(lines: readonly { text: string }[], panicAt: number): number {
  const panic = lines[panicAt]?.text;
  if (panic === undefined) return firstOfReport(lines, lines.length - 1, false) ?? -1;
  if (oopsPanic.test(panic)) return firstOfReport(lines, panicAt, true) ?? panicAt;
  const opening = reportedBefore.find((kind) => kind.panic.test(panic))?.opening;
  const found = opening && lines.slice(0, panicAt).findLastIndex((line) => opening.test(line.text));
  return found === undefined || found < 0 || panicAt - found > LONGEST_REPORT ? panicAt : found;
}

/** The "CPU: 1 PID: 155 Comm: …" line of the report that begins at a line. */
function whereAfter(lines: readonly { text: string }[], start: number, end = start + 40): RegExpExecArray | undefined {
  for (const { text } of lines.slice(start, Math.min(end, start + 40))) {
    const match = whereLine.exec(text);
    if (match !== null) return match;
  }
  return undefined;
}

/**
 * The first line of the last report before `end`: of lines that open one, the earliest behind the report before.
 * @param fatal the report is that of an oops: an earlier one, which need not end with a line of its own (a hung task,
 * a lockup), belongs to it only where it is of the same process
 */
function firstOfReport(lines: readonly { text: string }[], end: number, fatal: boolean): number | undefined {
  let found: number | undefined;
  for (let index = end; index >= 0 && index > end - LONGEST_REPORT; index--) {
    const text = lines[index]?.text ?? '';
    if (found !== undefined && reportEnd.test(text)) break;
    if (!causes.some((cause) => cause.test(text)) || panicLine.test(text)) continue;
    if (fatal && found !== undefined && found - index > LONGEST_OPENING) {
      const pid = whereAfter(lines, index, found)?.[2];
      if (pid === undefined || pid !== whereAfter(lines, found)?.[2]) continue;
    }
    found = index;
  }
  return found;
}
