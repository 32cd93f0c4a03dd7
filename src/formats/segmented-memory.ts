/**
 * Physical memory as runs of a file, which is what the PT_LOAD segments of an ELF vmcore are: sorted by address; runs
 * that continue each other in both are one; where several have the same memory the first one's is kept.
 *
 * Invariant: what is not there has its reason: the file ends before it, a filter left it out (p_memsz above p_filesz),
 * or it is in no segment.
 */

import { FaultError, FormatError, type FaultReason } from '../base/errors.ts';
import { physAddr } from '../base/addr.ts';
import { upperBound } from '../base/search.ts';
import type { ByteSource } from '../bytes/byte-source.ts';
import type { PhysicalRange } from './dump-image.ts';
import type { ElfSegment } from './elf/elf-file.ts';

interface Run {
  readonly start: number;
  end: number;
  readonly offset: number;
}

export class SegmentedMemory {
  /** How much of what the segments promise lies beyond the end of the file. */
  readonly missingBytes: number;
  /** Whether a filter left memory out. */
  readonly excludes: boolean;
  /** Above the last byte of any segment. */
  readonly end: number;
  readonly #source: ByteSource;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #offsets: Float64Array;
  /** What the file should have. */
  readonly #promised: Extents;
  /** What was memory. */
  readonly #known: Extents;

  /** @param filtered whether memory that is in a segment but not in the file was left out by a filter */
  constructor(source: ByteSource, loads: readonly ElfSegment[], filtered: boolean) {
    this.#source = source;
    const sorted = loads
      .map((load) => ({
        start: Number(load.physicalAddress),
        offset: load.offset,
        size: load.fileSize,
        memory:
          filtered && Number.isSafeInteger(load.memorySize) ? Math.max(load.fileSize, load.memorySize) : load.fileSize,
      }))
      .filter((run) => Number.isSafeInteger(run.start + run.memory) && Number.isSafeInteger(run.offset + run.size))
      .sort((a, b) => a.start - b.start || b.size - a.size);
    const runs: Run[] = [];
    for (const { start, offset, size } of sorted) {
      const present = Math.max(0, Math.min(size, source.size - offset));
      const last = runs.at(-1);
      const skip = last === undefined ? 0 : Math.max(0, last.end - start);
      if (skip >= present) continue;
      if (last !== undefined && start + skip === last.end && offset + skip === last.offset + (last.end - last.start)) {
        last.end = start + present;
      } else {
        runs.push({ start: start + skip, end: start + present, offset: offset + skip });
      }
    }
    this.#starts = Float64Array.from(runs, (run) => run.start);
    this.#ends = Float64Array.from(runs, (run) => run.end);
    this.#offsets = Float64Array.from(runs, (run) => run.offset);
    this.#promised = new Extents(sorted.map(({ start, size }) => ({ start, end: start + size })));
    this.#known = new Extents(sorted.map(({ start, memory }) => ({ start, end: start + memory })));
    this.missingBytes = this.#promised.total - runs.reduce((sum, run) => sum + run.end - run.start, 0);
    this.excludes = this.#known.total > this.#promised.total;
    this.end = this.#known.end;
  }

  *rangesWithin(start: number, end: number): Generator<PhysicalRange> {
    for (let index = upperBound(this.#ends, start); index < this.#starts.length; index++) {
      const from = Math.max(this.#starts[index] as number, start);
      const to = Math.min(this.#ends[index] as number, end);
      if (from >= end) return;
      yield { start: physAddr(from), size: to - from };
    }
  }

  read(address: number, target: Uint8Array): void {
    let done = 0;
    while (done < target.length) {
      const at = address + done;
      const index = upperBound(this.#starts, at) - 1;
      const end = this.#ends[index];
      if (end === undefined || at >= end) throw new FaultError('physical', at, this.#whyNot(at));
      const length = Math.min(target.length - done, end - at);
      const offset = (this.#offsets[index] as number) + (at - (this.#starts[index] as number));
      const count = this.#readFile(offset, target.subarray(done, done + length), at);
      if (count < length) throw new FaultError('physical', at + count, 'incomplete');
      done += length;
    }
  }

  /** A place that the file system cannot read costs the memory there. */
  #readFile(offset: number, target: Uint8Array, address: number): number {
    try {
      return this.#source.readInto(offset, target);
    } catch (error) {
      if (error instanceof FormatError) throw new FaultError('physical', address, 'damaged');
      throw error;
    }
  }

  #whyNot(address: number): FaultReason {
    if (this.#promised.has(address)) return 'incomplete';
    return this.#known.has(address) ? 'excluded' : 'not-in-dump';
  }
}

/** A set of addresses, from runs sorted by their start that may overlap. */
class Extents {
  readonly total: number;
  readonly end: number;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;

  constructor(sorted: readonly { readonly start: number; readonly end: number }[]) {
    const joined: { start: number; end: number }[] = [];
    for (const { start, end } of sorted) {
      const last = joined.at(-1);
      if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
      else joined.push({ start, end });
    }
    this.#starts = Float64Array.from(joined, (run) => run.start);
    this.#ends = Float64Array.from(joined, (run) => run.end);
    this.total = joined.reduce((sum, run) => sum + run.end - run.start, 0);
    this.end = joined.at(-1)?.end ?? 0;
  }

  has(address: number): boolean {
    const index = upperBound(this.#starts, address) - 1;
    return index >= 0 && address < (this.#ends[index] as number);
  }
}
