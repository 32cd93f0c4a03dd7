/**
 * makedumpfile's flattened format (-F), which QEMU's kdumps have, too: a file written to a pipe as a stream of pieces,
 * {offset, size, bytes}, where a later piece overwrites an earlier one. Seen here as the file it stands for, in place.
 *
 * Invariants: opening reads the 16 bytes before each piece; reading reads those of a group of pieces again. What no
 * piece has is zero, as in the file that `makedumpfile -R` writes; in a stream that was cut off nothing is made up: a
 * read ends there.
 */

import { LRUCache } from 'lru-cache';
import { FormatError } from '../base/errors.ts';
import { upperBound } from '../base/search.ts';
import type { ByteSource } from '../bytes/byte-source.ts';
import { PieceReader, readGroups, type Piece } from './flattened-pieces.ts';
import { paintedRuns, type PaintedRuns } from './painted-runs.ts';

const SIGNATURE = 'makedumpfile\0\0\0\0';
const MOST_GROUPS = 256;

export function looksFlattened(head: Uint8Array): boolean {
  return String.fromCharCode(...head.subarray(0, SIGNATURE.length)) === SIGNATURE;
}

/** A group of pieces, and what is seen of each where they overlap. */
interface LoadedGroup {
  readonly pieces: readonly Piece[];
  readonly runs: PaintedRuns;
}

export class FlattenedSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  /** Where in the stream it was cut off or damaged; undefined where it is whole. */
  readonly cutOffAt: number | undefined;
  readonly #source: ByteSource;
  readonly #reader: PieceReader;
  /** Runs of the file, and in which group each is. */
  readonly #runs: PaintedRuns;
  readonly #groupOf: Int32Array;
  readonly #groupPlaces: readonly number[];
  readonly #groups = new LRUCache<number, LoadedGroup>({ max: MOST_GROUPS });

  /** @throws FormatError where it is of another type, or has no piece */
  constructor(source: ByteSource) {
    this.name = source.name;
    this.#source = source;
    this.#reader = new PieceReader(source);
    const { places, runs, groupOf, cutOffAt } = readGroups(source);
    if (places.length === 0)
      throw new FormatError(source.name, 'is a flattened dump that is cut off before its first piece');
    this.cutOffAt = cutOffAt;
    this.#groupPlaces = places;
    this.#groupOf = groupOf;
    this.#runs = paintedRuns(runs);
    this.size = this.#runs.ends.at(-1) ?? 0;
  }

  readInto(offset: number, target: Uint8Array): number {
    const wanted = Math.max(0, Math.min(target.length, this.size - offset));
    let done = 0;
    while (done < wanted) {
      const at = offset + done;
      const run = runAt(this.#runs, at);
      if (run === undefined) {
        if (this.cutOffAt !== undefined) return done;
        const next = this.#runs.starts[upperBound(this.#runs.starts, at)] ?? this.size;
        const end = Math.min(wanted, next - offset);
        target.fill(0, done, end);
        done = end;
        continue;
      }
      const group = this.#group(this.#groupOf[this.#runs.of[run] as number] as number);
      const seen = runAt(group.runs, at);
      const piece = seen === undefined ? undefined : group.pieces[group.runs.of[seen] as number];
      // What the stream said when it was opened is not what it says now: the file changes.
      if (seen === undefined || piece === undefined) return done;
      const end = Math.min(this.#runs.ends[run] as number, group.runs.ends[seen] as number);
      const part = target.subarray(done, done + Math.min(wanted - done, end - at));
      const count = this.#source.readInto(piece.place + at - piece.offset, part);
      done += count;
      if (count < part.length) return done;
    }
    return done;
  }

  #group(index: number): LoadedGroup {
    const kept = this.#groups.get(index);
    if (kept !== undefined) return kept;
    const { pieces } = this.#reader.group(this.#groupPlaces[index] as number);
    const group = {
      pieces,
      runs: paintedRuns({
        starts: Float64Array.from(pieces, ({ offset }) => offset),
        ends: Float64Array.from(pieces, ({ offset, size }) => offset + size),
      }),
    };
    this.#groups.set(index, group);
    return group;
  }
}

/** Which run has a place; undefined where none has. */
function runAt({ starts, ends }: PaintedRuns, place: number): number | undefined {
  const index = upperBound(starts, place) - 1;
  return index >= 0 && place < (ends[index] as number) ? index : undefined;
}
