/** The kernel log as crash prints it: the lines of a record after the first are indented below the first's text. */

import type { LogRecord } from '../../kernel/printk.ts';
import type { LogReport } from '../../query/log.ts';
import { utcDate } from './date.ts';
import { escapeControl } from './escape.ts';

const NANOSECONDS = 1_000_000_000n;

export function* renderLog(log: LogReport): Generator<string> {
  for (const record of log.records) {
    const prefix = timePrefix(record, log);
    const level = log.show.level ? `<${record.level}>` : '';
    const text = record.text ?? '(the text of this message is not in the dump, or damaged)';
    const [first = '', ...rest] = escapeControl(text).split('\n');
    yield `${prefix}${level}${first}`;
    const indent = ' '.repeat(prefix.length + level.length);
    for (const line of rest) yield `${indent}${line}`;
    if (log.show.dictionary) for (const entry of record.dictionary) yield `${indent}${escapeControl(entry)}`;
  }
  if (log.lost > 0) yield `(${log.lost} messages are lost: their records are not in the dump, or damaged)`;
}

function timePrefix(record: LogRecord, log: LogReport): string {
  switch (log.show.time) {
    case 'none':
      return '';
    case 'seconds':
      return `[${secondsOf(record.time)}] `;
    case 'date':
      return log.bootNanoseconds === undefined
        ? `[${secondsOf(record.time)}] `
        : `[${utcDate(Number((log.bootNanoseconds + record.time) / NANOSECONDS))}] `;
  }
}

function secondsOf(time: bigint): string {
  const seconds = String(time / NANOSECONDS).padStart(5);
  const microseconds = String((time % NANOSECONDS) / 1000n).padStart(6, '0');
  return `${seconds}.${microseconds}`;
}
