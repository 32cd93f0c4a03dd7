/**
 * .debug_aranges: which unit describes an address. DWARF 5 section 6.1.2. Complete in GCC's kernels; clang does not
 * write it, and then `unitRanges` reads the ranges of every unit's own entry, once.
 */

import { FormatError } from '../../base/errors.ts';
import { Cursor } from '../../bytes/cursor.ts';
import { s64At } from '../../bytes/read.ts';
import type { DebugSection } from './section.ts';

/**
 * Addresses to unit offsets. Sorting the 20,000 ranges of a kernel costs more than the few hundred look-ups of all its
 * stacks: they are searched as they come, the one found last first.
 */
export class AddressRanges {
  readonly #triples: Float64Array;
  #last = 0;

  /** @param triples low, high, unit offset; low, high, unit offset; … */
  constructor(triples: Float64Array) {
    this.#triples = triples;
  }

  /** The offset of the unit, or undefined where none covers the address. */
  unitAt(address: number): number | undefined {
    if (!this.#covers(this.#last, address)) {
      let at = 0;
      while (at < this.#triples.length && !this.#covers(at, address)) at += 3;
      if (at >= this.#triples.length) return undefined;
      this.#last = at;
    }
    return this.#triples[this.#last + 2];
  }

  #covers(at: number, address: number): boolean {
    return address >= (this.#triples[at] as number) && address < (this.#triples[at + 1] as number);
  }
}

/** Every [low, high) of .debug_aranges with its unit's offset, as triples. Throws FormatError where it is damaged. */
export function parseAranges(section: DebugSection): Float64Array {
  const bytes = section.bytes(0, section.size);
  // A tuple takes 16 bytes, so there are no more than this.
  const triples = new Float64Array(Math.ceil(bytes.length / 16) * 3);
  let used = 0;
  const cursor = new Cursor(bytes, section.name);
  while (cursor.position + 12 <= bytes.length) {
    const start = cursor.position;
    let length = cursor.u32();
    const wide = length === 0xffff_ffff;
    if (wide) length = cursor.u53();
    const end = cursor.position + length;
    if (end > bytes.length || length === 0)
      throw new FormatError(section.name, 'a set is longer than the section', start);
    cursor.skip(2);
    const unit = wide ? cursor.u53() : cursor.u32();
    const addressSize = cursor.u8();
    const segmentSize = cursor.u8();
    if (addressSize !== 8 || segmentSize !== 0)
      throw new FormatError(section.name, 'has addresses of another size', start);
    let at = start + Math.ceil((cursor.position - start) / 16) * 16;
    for (; at + 16 <= end; at += 16) {
      const low = s64At(bytes, at);
      const size = s64At(bytes, at + 8);
      if (low === 0 && size === 0) break;
      if (size <= 0) continue;
      triples[used++] = low;
      triples[used++] = low + size;
      triples[used++] = unit;
    }
    cursor.position = end;
  }
  return triples.subarray(0, used);
}
