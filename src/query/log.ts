/** The kernel log with what is needed to print it: the answer to `log`. */

import { attempt } from '../base/errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { readLog, type LogRecord } from '../kernel/printk.ts';
import { readTime } from '../kernel/timekeeping.ts';

export interface LogReport {
  readonly type: 'log';
  readonly records: readonly LogRecord[];
  /** How many messages are lost at least: sequence numbers that are missing, records that cannot be read. */
  readonly lost: number;
  /** When the kernel's clock was zero: nanoseconds since 1970; undefined where the time is not known. */
  readonly bootNanoseconds: bigint | undefined;
  readonly show: LogColumns;
}

/** What stands before each text, and whether dictionaries follow it. */
export interface LogColumns {
  readonly time: 'seconds' | 'date' | 'none';
  readonly level: boolean;
  readonly dictionary: boolean;
}

export function logReport(kernel: Kernel, show: LogColumns): LogReport {
  const time = attempt(() => readTime(kernel));
  const { records, damaged } = readLog(kernel);
  const first = records[0]?.sequence ?? 0n;
  const last = records.at(-1)?.sequence ?? 0n;
  const gaps = records.length === 0 ? 0 : Number(last - first) + 1 - records.length;
  const lost = Math.max(gaps, damaged);
  return { type: 'log', records, lost, bootNanoseconds: time?.bootNanoseconds, show };
}
