/** `rd` in crash's layouts: the address, the words, the text of the bytes. What cannot be read is one line. */

import { addVirt, hex } from '../../base/addr.ts';
import { wordAt } from '../../bytes/words.ts';
import type { MemoryDump, RawMemory } from '../../query/memory-dump.ts';
import { escapeLine } from './escape.ts';
import { wordText } from './words.ts';

const LINE_BYTES = 16;
const STRING_LINE = 60;

export function* renderMemory(dump: MemoryDump): Generator<string> {
  if (dump.cpu !== undefined) yield `[${dump.cpu}]: ${hex(dump.address, 16)}`;
  if (dump.format === 'string') yield* renderString(dump);
  else if (dump.format === 'text') yield* renderPrintable(dump);
  else yield* renderWords(dump);
  if (dump.hole !== undefined) yield dump.format === 'string' ? `(${dump.hole.why})` : holeLine(dump.hole);
}

export function renderRawMemory({ address, path, bytes }: RawMemory): string {
  return `${bytes.length} bytes copied from 0x${hex(address)} to ${escapeLine(path)}`;
}

function holeLine({ size, why }: { readonly size: number; readonly why: string }): string {
  return `(${why}; ${size} bytes are left out)`;
}

function* renderWords(dump: MemoryDump): Generator<string> {
  const view = new DataView(dump.bytes.buffer, dump.bytes.byteOffset, dump.bytes.byteLength);
  const perLine = LINE_BYTES / dump.unit;
  const wordWidth = widthOf(dump);
  for (let start = 0; start < dump.bytes.length; start += LINE_BYTES) {
    const end = Math.min(start + LINE_BYTES, dump.bytes.length);
    let shown = '';
    for (let at = start; at + dump.unit <= end; at += dump.unit)
      shown += `${word(dump, view, at).padStart(wordWidth)} `;
    const filled = dump.ascii ? shown.padEnd(perLine * (wordWidth + 1)) : shown;
    yield `${addressOf(dump, start)}:  ${filled}${dump.ascii ? `  ${ascii(dump.bytes.subarray(start, end))}` : ''}`;
  }
}

function addressOf(dump: MemoryDump, offset: number): string {
  return hex(addVirt(dump.address, offset)).padStart(16);
}

function word(dump: MemoryDump, view: DataView, at: number): string {
  const value = dump.swapped ? swappedAt(view, at, dump.unit) : wordAt(view, at, dump.unit);
  switch (dump.format) {
    case 'decimal':
      return String(BigInt.asIntN(dump.unit * 8, value));
    case 'unsigned':
      return String(value);
    case 'symbol': {
      const label = dump.labels.get(at / dump.unit);
      return label === undefined ? hex(value, dump.unit * 2) : wordText(label, dump.detail);
    }
    case 'hex':
    case 'string':
    case 'text':
      return hex(value, dump.unit * 2);
  }
}

function swappedAt(view: DataView, at: number, unit: number): bigint {
  return BigInt(unit === 2 ? view.getUint16(at) : view.getUint32(at));
}

const decimalWidths: Readonly<Record<number, number>> = { 1: 3, 2: 5, 4: 12, 8: 15 };

function widthOf({ format, unit }: MemoryDump): number {
  if (format === 'unsigned' && unit === 8) return 20;
  return format === 'decimal' || format === 'unsigned' ? (decimalWidths[unit] ?? 0) : unit * 2;
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f;
}

/** Bytes as text, a dot for each that is not printable. */
export function ascii(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (isPrintable(byte) ? String.fromCharCode(byte) : '.')).join('');
}

function* renderString(dump: MemoryDump): Generator<string> {
  for (let start = 0; start < dump.bytes.length; start += STRING_LINE) {
    const part = dump.bytes.subarray(start, Math.min(start + STRING_LINE, dump.bytes.length));
    yield `${addressOf(dump, start)}:  ${escapeLine(Array.from(part, (byte) => String.fromCharCode(byte)).join(''))}`;
  }
}

/** Each run of printable bytes on lines of its own. */
function* renderPrintable(dump: MemoryDump): Generator<string> {
  let line = '';
  let start = 0;
  for (let at = 0; at <= dump.bytes.length; at++) {
    const byte = dump.bytes[at];
    const printable = byte !== undefined && isPrintable(byte);
    if (line !== '' && (!printable || line.length === STRING_LINE)) {
      yield `${addressOf(dump, start)}:  ${line}`;
      line = '';
    }
    if (!printable) continue;
    if (line === '') start = at;
    line += String.fromCharCode(byte);
  }
}
