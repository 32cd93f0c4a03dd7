/**
 * Snappy decompression, the raw format without framing: google/snappy format_description.txt.
 *
 * Invariants: nothing is read past the input or written past the target; any other bytes throw FormatError.
 */

import { FormatError } from '../base/errors.ts';
import { byteAt, lebLength, u16At, u32At, ulebAt } from './read.ts';

const NAME = 'snappy data';

/** Fills `target` from `source`, which must hold exactly that much. Throws FormatError. */
export function unpackSnappy(source: Uint8Array, target: Uint8Array): void {
  const size = ulebAt(source, 0);
  if (size !== target.length) throw new FormatError(NAME, `holds ${size} bytes where ${target.length} are wanted`);
  let from = lebLength(source, 0);
  let to = 0;
  while (from < source.length) {
    const tag = byteAt(source, from++);
    const kind = tag & 3;
    if (kind === 0) {
      let length = (tag >> 2) + 1;
      if (length > 60) {
        const width = length - 60;
        length = 1;
        for (let index = 0; index < width; index++) length += byteAt(source, from + index) * 2 ** (8 * index);
        from += width;
      }
      if (from + length > source.length) throw new FormatError(NAME, 'ends too early', from);
      if (to + length > target.length) throw tooMuch(target, from);
      if (length <= 16)
        for (let index = 0; index < length; index++) target[to + index] = source[from + index] as number;
      else target.set(source.subarray(from, from + length), to);
      from += length;
      to += length;
      continue;
    }
    let length = (tag >> 2) + 1;
    let distance: number;
    if (kind === 1) {
      length = ((tag >> 2) & 7) + 4;
      distance = ((tag >> 5) << 8) | byteAt(source, from);
      from += 1;
    } else if (kind === 2) {
      distance = u16At(source, from);
      from += 2;
    } else {
      distance = u32At(source, from);
      from += 4;
    }
    if (distance === 0 || distance > to) throw new FormatError(NAME, 'copies from before its beginning', from);
    if (to + length > target.length) throw tooMuch(target, from);
    if (distance >= length) target.copyWithin(to, to - distance, to - distance + length);
    else for (let index = 0; index < length; index++) target[to + index] = target[to + index - distance] as number;
    to += length;
  }
  if (to !== target.length) throw new FormatError(NAME, `ends after ${to} of ${target.length} bytes`);
}

function tooMuch(target: Uint8Array, from: number): FormatError {
  return new FormatError(NAME, `holds more than ${target.length} bytes`, from);
}
