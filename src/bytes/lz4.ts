/**
 * LZ4 decompression: lz4 doc/lz4_Block_format.md, and the legacy frame of doc/lz4_Frame_format.md, which kernels are
 * packed in (kernel lib/decompress_unlz4.c).
 *
 * Invariants: nothing is read past the input or written past the target; any other bytes throw FormatError.
 */

import { FormatError } from '../base/errors.ts';
import { byteAt, u32At } from './read.ts';

const NAME = 'LZ4 data';
export const LZ4_LEGACY_MAGIC = 0x184c2102;
/** A match has at least four bytes, which its length leaves out. */
const SHORTEST_MATCH = 4;

/** Fills `target` from a legacy frame, which must hold exactly that much. Throws FormatError. */
export function unpackLz4Legacy(source: Uint8Array, target: Uint8Array): void {
  if (u32At(source, 0) !== LZ4_LEGACY_MAGIC) throw new FormatError(NAME, 'is no legacy frame', 0);
  let from = 4;
  let to = 0;
  while (from < source.length) {
    const size = u32At(source, from);
    from += 4;
    // Frames may follow one another.
    if (size === LZ4_LEGACY_MAGIC) continue;
    if (from + size > source.length) throw new FormatError(NAME, 'ends within a block', from);
    to = unpackBlock(source.subarray(from, from + size), target, to);
    from += size;
  }
  if (to !== target.length) throw new FormatError(NAME, `holds ${to} bytes, and ${target.length} are wanted`);
}

/** Writes what a block holds from `start` on. Returns where it ends. */
function unpackBlock(source: Uint8Array, target: Uint8Array, start: number): number {
  let from = 0;
  let to = start;
  while (from < source.length) {
    const token = byteAt(source, from++);
    let literals = token >> 4;
    if (literals === 15) {
      let more: number;
      do literals += more = byteAt(source, from++);
      while (more === 255);
    }
    checkRoom(target, to, literals, from);
    if (from + literals > source.length) throw new FormatError(NAME, 'ends within literals', from);
    target.set(source.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    // The last sequence of a block has no match.
    if (from === source.length) break;
    const distance = byteAt(source, from) | (byteAt(source, from + 1) << 8);
    from += 2;
    let length = token & 15;
    if (length === 15) {
      let more: number;
      do length += more = byteAt(source, from++);
      while (more === 255);
    }
    length += SHORTEST_MATCH;
    if (distance === 0 || distance > to - start) throw new FormatError(NAME, 'a match begins before its block', from);
    checkRoom(target, to, length, from);
    copyMatch(target, to, distance, length);
    to += length;
  }
  return to;
}

/** A match may overlap what it writes. */
function copyMatch(target: Uint8Array, to: number, distance: number, length: number): void {
  if (distance >= length) target.copyWithin(to, to - distance, to - distance + length);
  else for (let at = to; at < to + length; at++) target[at] = target[at - distance] as number;
}

function checkRoom(target: Uint8Array, at: number, length: number, from: number): void {
  if (at + length > target.length) throw new FormatError(NAME, 'holds more than is wanted', from);
}
