/** `rd` in crash's layouts: the address, the words, the text of the bytes. */

import { addVirt, hex } from '../../base/addr.ts';
import { wordAt } from '../../bytes/words.ts';
import type { MemoryDump } from '../../query/memory-dump.ts';
import { escapeLine } from './escape.ts';

const LINE_BYTES = 16;
const STRING_LINE = 60;

export function* renderMemory(dump: MemoryDump): Generator<string> {
  if (dump.format === 'string') yield* renderString(dump);
  else yield* renderWords(dump);
  if (dump.fault !== undefined) yield `(${dump.fault})`;
}

function* renderWords(dump: MemoryDump): Generator<string> {
  const view = new DataView(dump.bytes.buffer, dump.bytes.byteOffset, dump.bytes.byteLength);
  const perLine = LINE_BYTES / dump.unit;
  const wordWidth = widthOf(dump);
  for (let start = 0; start < dump.bytes.length; start += LINE_BYTES) {
    const end = Math.min(start + LINE_BYTES, dump.bytes.length);
    const words: string[] = [];
    for (let at = start; at + dump.unit <= end; at += dump.unit) words.push(word(dump, view, at).padStart(wordWidth));
    const shown = words
      .map((text) => `${dump.format === 'symbol' ? text.trimStart().padEnd(wordWidth) : text} `)
      .join('');
    const filled = dump.ascii ? shown.padEnd(perLine * (wordWidth + 1)) : shown;
    yield `${addressOf(dump, start)}:  ${filled}${dump.ascii ? `  ${ascii(dump.bytes.subarray(start, end))}` : ''}`;
  }
}

function addressOf(dump: MemoryDump, offset: number): string {
  return hex(addVirt(dump.address, offset), dump.physical ? 0 : 16).padStart(16);
}

function word(dump: MemoryDump, view: DataView, at: number): string {
  const value = wordAt(view, at, dump.unit);
  switch (dump.format) {
    case 'decimal':
      return String(BigInt.asIntN(dump.unit * 8, value));
    case 'unsigned':
      return String(value);
    case 'symbol':
      return dump.labels.get(at / dump.unit) ?? hex(value, dump.unit * 2);
    case 'hex':
    case 'string':
      return hex(value, dump.unit * 2);
  }
}

function widthOf(dump: MemoryDump): number {
  const decimalWidths: Readonly<Record<number, number>> = { 1: 4, 2: 6, 4: 11, 8: dump.format === 'decimal' ? 19 : 20 };
  const decimal = dump.format === 'decimal' || dump.format === 'unsigned';
  return decimal ? (decimalWidths[dump.unit] ?? 20) : dump.unit * 2;
}

function ascii(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
}

function* renderString(dump: MemoryDump): Generator<string> {
  for (let start = 0; start < dump.bytes.length; start += STRING_LINE) {
    const part = dump.bytes.subarray(start, Math.min(start + STRING_LINE, dump.bytes.length));
    yield `${addressOf(dump, start)}:  ${escapeLine(Array.from(part, (byte) => String.fromCharCode(byte)).join(''))}`;
  }
}
