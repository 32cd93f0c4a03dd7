/**
 * .debug_aranges: which unit describes an address. DWARF 5 section 6.1.2. Complete in GCC's kernels; clang does not
 * write it, and then `unitRanges` reads the ranges of every unit's own entry, once.
 */

import { FormatError } from '../../base/errors.ts';
import { upperBound } from '../../base/search.ts';
import { Cursor } from '../../bytes/cursor.ts';
import { s64At } from '../../bytes/read.ts';
import type { DebugSection } from './section.ts';

/** Addresses to unit offsets. */
export class AddressRanges {
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #units: Float64Array;

  /** @param triples low, high, unit offset; low, high, unit offset; … */
  constructor(triples: readonly number[]) {
    const count = Math.floor(triples.length / 3);
    const order = Uint32Array.from({ length: count }, (_, index) => index);
    order.sort((a, b) => (triples[a * 3] as number) - (triples[b * 3] as number));
    this.#starts = Float64Array.from(order, (index) => triples[index * 3] as number);
    this.#ends = Float64Array.from(order, (index) => triples[index * 3 + 1] as number);
    this.#units = Float64Array.from(order, (index) => triples[index * 3 + 2] as number);
  }

  /** The offset of the unit, or undefined where none covers the address. */
  unitAt(address: number): number | undefined {
    const index = upperBound(this.#starts, address) - 1;
    const end = this.#ends[index];
    return end !== undefined && address < end ? this.#units[index] : undefined;
  }
}

/** Every [low, high) of .debug_aranges with its unit's offset, as triples. Throws FormatError where it is damaged. */
export function parseAranges(section: DebugSection): number[] {
  const bytes = section.bytes(0, section.size);
  const triples: number[] = [];
  const cursor = new Cursor(bytes, section.name);
  while (cursor.position + 12 <= bytes.length) {
    const start = cursor.position;
    let length = cursor.u32();
    const wide = length === 0xffff_ffff;
    if (wide) length = cursor.u53();
    const end = cursor.position + length;
    if (end > bytes.length || length === 0) throw new FormatError(section.name, 'a set is longer than the section', start);
    cursor.skip(2);
    const unit = wide ? cursor.u53() : cursor.u32();
    const addressSize = cursor.u8();
    const segmentSize = cursor.u8();
    if (addressSize !== 8 || segmentSize !== 0) throw new FormatError(section.name, 'has addresses of another size', start);
    let at = start + Math.ceil((cursor.position - start) / 16) * 16;
    for (; at + 16 <= end; at += 16) {
      const low = s64At(bytes, at);
      const size = s64At(bytes, at + 8);
      if (low === 0 && size === 0) break;
      if (size > 0) triples.push(low, low + size, unit);
    }
    cursor.position = end;
  }
  return triples;
}
