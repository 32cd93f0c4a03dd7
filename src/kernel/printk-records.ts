/**
 * The record buffer of kernels before 5.10, from a copy of it. Kernel kernel/printk/printk.c (v3.5 to v5.9), struct
 * printk_log. A record of length zero means that the next one is at the start of the buffer.
 */

import { decodeText, u16At, u32At, u64At } from '../bytes/read.ts';
import type { KernelLog, LogRecord } from './printk.ts';

/** Offsets in struct printk_log. */
export interface RecordLayout {
  readonly headerSize: number;
  readonly time: number;
  readonly length: number;
  readonly textLength: number;
  readonly dictionaryLength: number;
  readonly facility: number;
  /** Undefined where the kernel does not keep it. */
  readonly caller: number | undefined;
}

export function parseRecordBuffer(buffer: Uint8Array, first: number, next: number, layout: RecordLayout): KernelLog {
  const records: LogRecord[] = [];
  const most = Math.ceil(buffer.length / layout.headerSize);
  let at = first;
  for (let step = 0; step < most && at !== next; step++) {
    if (at + layout.headerSize > buffer.length) break;
    const length = u16At(buffer, at + layout.length);
    if (length === 0) {
      if (at === 0) break;
      at = 0;
      continue;
    }
    records.push(readRecord(buffer, at, layout, BigInt(records.length)));
    at += length;
  }
  // The first that cannot be read takes those behind it with it.
  return { records, damaged: at === next ? 0 : 1 };
}

function readRecord(buffer: Uint8Array, at: number, layout: RecordLayout, sequence: bigint): LogRecord {
  const text = at + layout.headerSize;
  const textLength = u16At(buffer, at + layout.textLength);
  const dictionary = text + textLength;
  const dictionaryLength = u16At(buffer, at + layout.dictionaryLength);
  return {
    sequence,
    time: u64At(buffer, at + layout.time),
    facility: buffer[at + layout.facility] ?? 0,
    level: (buffer[at + layout.facility + 1] ?? 0) >> 5,
    caller: layout.caller === undefined ? undefined : u32At(buffer, at + layout.caller),
    text: decodeText(buffer.subarray(text, dictionary)),
    dictionary: decodeText(buffer.subarray(dictionary, dictionary + dictionaryLength))
      .split('\0')
      .filter((entry) => entry !== ''),
  };
}
