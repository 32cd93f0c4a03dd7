/**
 * .debug_aranges: which unit describes an address. DWARF 5 section 6.1.2. Complete in GCC's kernels; clang does not
 * write it, and then `unitRanges` reads the ranges of every unit's own entry, once.
 */

import { FormatError } from '../../base/errors.ts';
import { once } from '../../base/search.ts';
import { Cursor } from '../../bytes/cursor.ts';
import { s64At } from '../../bytes/read.ts';
import type { DebugSection } from './section.ts';

/** Look-ups that are searched for range by range before they are sorted. */
const MOST_LINEAR = 64;

/**
 * Addresses to unit offsets. Sorting the 20,000 ranges of a kernel costs more than the look-ups of one stack: the first
 * few are searched for as they come, the one found last first; then the ranges are sorted, once. Where ranges overlap,
 * the one found last holds, or the first of the table.
 */
export class AddressRanges {
  readonly #triples: Float64Array;
  readonly #sorted = once(() => this.#sort());
  #last = 0;
  #missed = 0;

  /** @param triples low, high, unit offset; low, high, unit offset; … */
  constructor(triples: Float64Array) {
    this.#triples = triples;
  }

  /** The offset of the unit, or undefined where none covers the address. */
  unitAt(address: number): number | undefined {
    if (!this.#covers(this.#last, address)) {
      this.#missed++;
      const found = this.#missed > MOST_LINEAR ? this.#bisect(address) : this.#scan(address);
      if (found === undefined) return undefined;
      this.#last = found;
    }
    return this.#triples[this.#last + 2];
  }

  #scan(address: number): number | undefined {
    for (let at = 0; at < this.#triples.length; at += 3) if (this.#covers(at, address)) return at;
    return undefined;
  }

  #bisect(address: number): number | undefined {
    const { order, reach } = this.#sorted();
    let low = 0;
    let high = order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#triples[order[middle] as number] as number) <= address) low = middle + 1;
      else high = middle;
    }
    let found: number | undefined;
    for (let index = low - 1; index >= 0 && (reach[index] as number) > address; index--) {
      const at = order[index] as number;
      if (this.#covers(at, address) && (found === undefined || at < found)) found = at;
    }
    return found;
  }

  /** Where each triple is, by its low address, and how far up it or any before it reaches. */
  #sort(): { order: Uint32Array; reach: Float64Array } {
    const triples = this.#triples;
    const order = Uint32Array.from({ length: Math.floor(triples.length / 3) }, (_, index) => index * 3);
    order.sort((a, b) => (triples[a] as number) - (triples[b] as number));
    const reach = new Float64Array(order.length);
    let highest = -Infinity;
    for (const [index, at] of order.entries()) {
      highest = Math.max(highest, triples[at + 1] as number);
      reach[index] = highest;
    }
    return { order, reach };
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
