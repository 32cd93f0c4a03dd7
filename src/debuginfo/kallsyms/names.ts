/**
 * `kallsyms_names`: a record a symbol, a length and as many tokens, whose first character is the symbol's letter. The
 * length is one byte below 0x80, else two as ULEB128 (kernel 73bbb94466fd; before it no name was as long).
 *
 * `kallsyms_markers` says where every 256th record begins. It leads to those behind missing ones, and proves the others:
 * a length that was overwritten would turn all that follow into names that nothing ever bore.
 */

import { byteAt } from '../../bytes/read.ts';
import { HashChains } from '../../bytes/hash-chains.ts';
import { once } from '../../base/search.ts';
import { isMissing, type SparseBytes } from '../../memory/sparse.ts';
import { findMarkers, MARKER_ALIGNMENT, MARKER_STEP, type MarkerRun } from './markers.ts';
import { hashOfText, type Tokens } from './tokens.ts';

/** Of a symbol whose name is missing. */
const NO_RECORD = 0xffff_ffff;

export class CompressedNames {
  /** How many names are missing. */
  readonly missing: number;
  readonly #bytes: Uint8Array;
  readonly #tokens: Tokens;
  /** Where each record begins. */
  readonly #records: Uint32Array;
  readonly #byName: () => HashChains;

  /**
   * @param names from the first name to the token table: the markers are in there
   * @param count how many names there are
   */
  constructor(names: SparseBytes, count: number, tokens: Tokens) {
    this.#bytes = names.bytes;
    this.#tokens = tokens;
    const { records, missing } = walkRecords(names, count);
    this.#records = records;
    this.missing = missing;
    this.#byName = once(() => this.#indexNames());
  }

  has(index: number): boolean {
    return this.#records[index] !== NO_RECORD;
  }

  letter(index: number): string {
    const at = this.#records[index] ?? NO_RECORD;
    return at === NO_RECORD ? '' : this.#tokens.expand(this.#bytes, at + headSize(this.#bytes, at), 1).charAt(0);
  }

  name(index: number): string {
    return this.#text(index).slice(1);
  }

  /** The indices of that name, ascending. */
  named(name: string): number[] {
    return this.#byName().find(hashOfText(name), (index) => this.name(index) === name);
  }

  #text(index: number): string {
    const at = this.#records[index] ?? NO_RECORD;
    if (at === NO_RECORD) return '';
    const head = headSize(this.#bytes, at);
    return this.#tokens.expand(this.#bytes, at + head, recordSize(this.#bytes, at) - head);
  }

  #indexNames(): HashChains {
    const chains = new HashChains(this.#records.length);
    for (let index = 0; index < this.#records.length; index++) {
      const at = this.#records[index] as number;
      if (at === NO_RECORD) continue;
      const head = headSize(this.#bytes, at);
      const length = recordSize(this.#bytes, at) - head;
      chains.add(index, this.#tokens.hashOfName(this.#bytes, at + head, length));
    }
    return chains;
  }
}

/** Where the first `count` records begin: those that can be reached, and whose lengths lead from marker to marker. */
function walkRecords(names: SparseBytes, count: number): { records: Uint32Array; missing: number } {
  const found = findMarkers(names.bytes, count);
  const records = new Uint32Array(count).fill(NO_RECORD);
  let at = 0;
  for (let first = 0; first < count; first += MARKER_STEP) {
    const chunk = records.subarray(first, first + MARKER_STEP);
    at = walkChunk(names, found?.markers[first / MARKER_STEP] ?? at, chunk);
    if (found !== undefined && !leadsOn(names, at, first / MARKER_STEP, found)) chunk.fill(NO_RECORD);
  }
  return { records, missing: records.reduce((sum, record) => sum + (record === NO_RECORD ? 1 : 0), 0) };
}

/** Returns where the last record ends, or where no record is. */
function walkChunk(names: SparseBytes, start: number, records: Uint32Array): number {
  let at = start;
  for (let index = 0; index < records.length; index++) {
    const size = recordSize(names.bytes, at);
    if (size === 0) return at;
    if (!isMissing(names, at, size)) records[index] = at;
    at += size;
  }
  return at;
}

/** Whether records end where the next ones begin; what lies before a gap is believed without. */
function leadsOn(names: SparseBytes, end: number, chunk: number, { at, markers }: MarkerRun): boolean {
  if (isMissing(names, end, 1)) return true;
  const next = markers[chunk + 1];
  return next === undefined ? end <= at && at - end < MARKER_ALIGNMENT : end === next;
}

/** Of the record at a place, with its length; zero where there is none: no name is empty. */
export function recordSize(bytes: Uint8Array, at: number): number {
  const low = bytes[at] ?? 0;
  const length = low < 0x80 ? low : (low & 0x7f) | ((bytes[at + 1] ?? 0) << 7);
  const size = length + (low < 0x80 ? 1 : 2);
  return length > 0 && at + size <= bytes.length ? size : 0;
}

function headSize(bytes: Uint8Array, at: number): number {
  return byteAt(bytes, at) < 0x80 ? 1 : 2;
}
