/**
 * LZO1X decompression: kernel Documentation/staging/lzo.rst, bitstream version 0 (what lzo1x_1_compress writes).
 *
 * An instruction copies from what was written before and then up to three literals; its low two bits say how many.
 * Invariants: nothing is read past the input or written past the target; any other bytes throw FormatError.
 */

import { FormatError } from '../base/errors.ts';
import { byteAt } from './read.ts';

const NAME = 'LZO data';
/** The farthest that the second kind of a distance reaches. */
const M2_MOST_DISTANCE = 0x800;
const LONG_DISTANCE = 0x4000;

/** Fills `target` from `source`, which must hold exactly that much. Throws FormatError. */
export function unpackLzo1x(source: Uint8Array, target: Uint8Array): void {
  let from = 0;
  let to = 0;
  /** How many literals the last instruction copied: 4 stands for a long run. */
  let state = 0;
  const first = byteAt(source, 0);
  if (first > 17) {
    const count = first - 17;
    checkInput(source, 1, count);
    checkOutput(target, 0, count, 1);
    target.set(source.subarray(1, 1 + count));
    from = 1 + count;
    to = count;
    state = count < 4 ? count : 4;
  }
  for (;;) {
    const instruction = byteAt(source, from++);
    let length: number;
    let distance: number;
    let literals: number;
    if (instruction >= 64) {
      length = (instruction >> 5) + 1;
      distance = (byteAt(source, from++) << 3) + ((instruction >> 2) & 7) + 1;
      literals = instruction & 3;
    } else if (instruction >= 16) {
      const wide = instruction < 32;
      length = instruction & (wide ? 7 : 31);
      if (length === 0) {
        while (byteAt(source, from) === 0) {
          length += 255;
          from++;
        }
        length += byteAt(source, from++) + (wide ? 7 : 31);
      }
      length += 2;
      const low = byteAt(source, from++);
      const operand = low | (byteAt(source, from++) << 8);
      distance = (operand >> 2) + (wide ? LONG_DISTANCE + ((instruction & 8) << 11) : 1);
      literals = low & 3;
      if (wide && distance === LONG_DISTANCE) break;
    } else if (state === 0) {
      let count = instruction;
      if (count === 0) {
        while (byteAt(source, from) === 0) {
          count += 255;
          from++;
        }
        count += byteAt(source, from++) + 15;
      }
      count += 3;
      checkInput(source, from, count);
      checkOutput(target, to, count, from);
      target.set(source.subarray(from, from + count), to);
      from += count;
      to += count;
      state = 4;
      continue;
    } else {
      distance = (byteAt(source, from++) << 2) + (instruction >> 2) + 1;
      length = 2;
      if (state === 4) {
        distance += M2_MOST_DISTANCE;
        length = 3;
      }
      literals = instruction & 3;
    }
    if (distance > to) throw new FormatError(NAME, 'copies from before its beginning', from);
    checkInput(source, from, literals);
    checkOutput(target, to, length + literals, from);
    if (distance >= length) target.copyWithin(to, to - distance, to - distance + length);
    else for (let index = 0; index < length; index++) target[to + index] = target[to + index - distance] as number;
    to += length;
    for (let index = 0; index < literals; index++) target[to++] = source[from++] as number;
    state = literals;
  }
  if (from !== source.length) throw new FormatError(NAME, 'goes on behind its end', from);
  if (to !== target.length) throw new FormatError(NAME, `holds ${to} bytes where ${target.length} are wanted`);
}

function checkInput(source: Uint8Array, from: number, count: number): void {
  if (from + count > source.length) throw new FormatError(NAME, 'ends too early', from);
}

function checkOutput(target: Uint8Array, to: number, count: number, from: number): void {
  if (to + count > target.length) throw new FormatError(NAME, `holds more than ${target.length} bytes`, from);
}
