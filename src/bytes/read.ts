/**
 * Reads at a position of a contiguous `Uint8Array`, for hot loops that keep their own cursor: little-endian, checked.
 * Every one throws FormatError past the end, so no loop over untrusted bytes can run away.
 * LEB128: DWARF 5 section 7.6.
 */

import { FormatError } from '../base/errors.ts';

function pastEnd(position: number): never {
  throw new FormatError('data', 'ends too early', position);
}

/** One byte. */
export function byteAt(bytes: Uint8Array, position: number): number {
  const value = bytes[position];
  return value === undefined ? pastEnd(position) : value;
}

export function u16At(bytes: Uint8Array, position: number): number {
  return byteAt(bytes, position) | (byteAt(bytes, position + 1) << 8);
}

export function u32At(bytes: Uint8Array, position: number): number {
  return (u16At(bytes, position) | (byteAt(bytes, position + 2) << 16) | (byteAt(bytes, position + 3) << 24)) >>> 0;
}

/** A 64-bit signed integer as a number: exact below 2^53, which every kernel code address is (its upper bits are ones). */
export function s64At(bytes: Uint8Array, position: number): number {
  return (u32At(bytes, position + 4) | 0) * 0x1_0000_0000 + u32At(bytes, position);
}

/** A 64-bit unsigned integer as a number; throws FormatError where it is no exact one. */
export function u53At(bytes: Uint8Array, position: number): number {
  const high = u32At(bytes, position + 4);
  if (high >= 0x20_0000) throw new FormatError('data', 'a size or offset is above 2^53', position);
  return high * 0x1_0000_0000 + u32At(bytes, position);
}

export function u64At(bytes: Uint8Array, position: number): bigint {
  return (BigInt(u32At(bytes, position + 4)) << 32n) | BigInt(u32At(bytes, position));
}

/** No number needs more than ten bytes; padded ones may have some more. Beyond it they are damage, and cost time. */
const LONGEST_LEB = 32;

function checkLebLength(position: number, at: number): void {
  if (at - position > LONGEST_LEB) throw new FormatError('data', 'a LEB128 number is too long', position);
}

/** How many bytes the LEB128 number at `position` takes. */
export function lebLength(bytes: Uint8Array, position: number): number {
  let end = position;
  while (byteAt(bytes, end) >= 0x80) end++;
  return end - position + 1;
}

/** An unsigned LEB128 number as a JavaScript number (inexact above 2^53, which no offset or count reaches). */
export function ulebAt(bytes: Uint8Array, position: number): number {
  let byte = byteAt(bytes, position);
  if (byte < 0x80) return byte;
  let value = byte & 0x7f;
  let scale = 0x80;
  let at = position + 1;
  do {
    byte = byteAt(bytes, at++);
    value += (byte & 0x7f) * scale;
    scale *= 0x80;
  } while (byte >= 0x80);
  checkLebLength(position, at);
  return value;
}

/** A signed LEB128 number as a JavaScript number; exact up to 2^53 (the sign is in the last byte, before it is scaled). */
export function slebAt(bytes: Uint8Array, position: number): number {
  let value = 0;
  let scale = 1;
  let at = position;
  let byte = byteAt(bytes, at++);
  while (byte >= 0x80) {
    value += (byte & 0x7f) * scale;
    scale *= 0x80;
    byte = byteAt(bytes, at++);
  }
  checkLebLength(position, at);
  return value + ((byte & 0x40) === 0 ? byte : byte - 0x80) * scale;
}

/** A signed or unsigned LEB128 number, exact at any width. */
export function lebBigAt(bytes: Uint8Array, position: number, signed: boolean): bigint {
  let value = 0n;
  let shift = 0n;
  let at = position;
  let byte: number;
  do {
    byte = byteAt(bytes, at++);
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    checkLebLength(position, at);
  } while (byte >= 0x80);
  return signed && (byte & 0x40) !== 0 ? value - (1n << shift) : value;
}

/** The bytes as 32-bit words (those of a little-endian machine), copied where they are not aligned. */
export function asWords(bytes: Uint8Array): Uint32Array {
  const aligned = (bytes.byteOffset & 3) === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 2);
}

const utf8 = new TextDecoder();

/** The bytes up to the next zero as text; throws FormatError where there is none. */
export function stringAt(bytes: Uint8Array, position: number): string {
  const end = bytes.indexOf(0, position);
  if (end < 0 || position < 0) return pastEnd(position);
  return decodeText(bytes.subarray(position, end));
}

/** UTF-8 text; short ASCII, nearly every name there is, without the decoder's overhead. */
export function decodeText(bytes: Uint8Array): string {
  if (bytes.length > 32) return utf8.decode(bytes);
  let text = '';
  for (const byte of bytes) {
    if (byte >= 0x80) return utf8.decode(bytes);
    text += String.fromCharCode(byte);
  }
  return text;
}

/** The text of a fixed-size character array: up to its first zero. */
export function fixedString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decodeText(end < 0 ? bytes : bytes.subarray(0, end));
}
