/**
 * makedumpfile's flattened format (-F), which QEMU's kdumps have, too: a file written to a pipe as a stream of pieces,
 * {offset, size, bytes}, where a later piece overwrites an earlier one. makedumpfile's IMPLEMENTATION, "The flattened
 * format"; numbers are big-endian. Seen here as the file it stands for, in place.
 *
 * Invariants: opening reads the 16 bytes before each piece. What no piece has is zero, as in the file that
 * `makedumpfile -R` writes; in a stream that was cut off nothing is made up: a read ends there.
 */

import { checkCancelled } from '../base/cancel.ts';
import { FormatError } from '../base/errors.ts';
import { upperBound } from '../base/search.ts';
import type { ByteSource } from '../bytes/byte-source.ts';

const SIGNATURE = 'makedumpfile\0\0\0\0';
const HEADER_SIZE = 4096;
const PIECE_HEADER_SIZE = 16;
const END_MARK = -1n;
const TYPE_FLAT = 1n;
const MOST_PIECES = 1 << 25;
const LARGEST_OFFSET = BigInt(Number.MAX_SAFE_INTEGER);
/** Small pieces are met many at a read. */
const AHEAD = 4096;

export function looksFlattened(head: Uint8Array): boolean {
  return String.fromCharCode(...head.subarray(0, SIGNATURE.length)) === SIGNATURE;
}

export class FlattenedSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  /** Where in the stream it was cut off or damaged; undefined where it is whole. */
  readonly cutOffAt: number | undefined;
  readonly #source: ByteSource;
  /** Runs of the file it stands for, ascending and without overlaps, and where each is in the stream. */
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #places: Float64Array;

  /** @throws FormatError where it is of another type, or has no piece */
  constructor(source: ByteSource) {
    this.name = source.name;
    this.#source = source;
    const { pieces, count, cutOffAt } = readPieces(source);
    if (count === 0) throw new FormatError(source.name, 'is a flattened dump that is cut off before its first piece');
    this.cutOffAt = cutOffAt;
    const runs = withoutOverlaps(pieces, count);
    this.#starts = runs.starts;
    this.#ends = runs.ends;
    this.#places = runs.places;
    this.size = runs.ends.at(-1) ?? 0;
  }

  readInto(offset: number, target: Uint8Array): number {
    const wanted = Math.max(0, Math.min(target.length, this.size - offset));
    let index = upperBound(this.#starts, offset) - 1;
    let done = 0;
    while (done < wanted) {
      const at = offset + done;
      if (index < 0 || at >= (this.#ends[index] as number)) {
        if (this.cutOffAt !== undefined) return done;
        const next = Math.min(wanted, (this.#starts[++index] ?? Number.POSITIVE_INFINITY) - offset);
        if (next > done) target.fill(0, done, next);
        done = Math.max(done, next);
        continue;
      }
      const length = Math.min(wanted - done, (this.#ends[index] as number) - at);
      const place = (this.#places[index] as number) + at - (this.#starts[index] as number);
      const count = this.#source.readInto(place, target.subarray(done, done + length));
      done += count;
      if (count < length) return done;
      if (this.#starts[index + 1] === offset + done) index++;
    }
    return done;
  }
}

/** Three numbers a piece: offset in the file it stands for, size, place in the stream. */
interface Pieces {
  readonly pieces: Float64Array;
  readonly count: number;
  readonly cutOffAt: number | undefined;
}

function readPieces(source: ByteSource): Pieces {
  const window = new HeaderWindow(source);
  const first = window.at(0);
  if (first === undefined || source.size < HEADER_SIZE)
    throw new FormatError(source.name, 'is a flattened dump that is cut off inside its header');
  const type = window.at(PIECE_HEADER_SIZE);
  if (type?.offset !== TYPE_FLAT)
    throw new FormatError(source.name, `is a flattened dump of an unknown type (${type?.offset ?? 'missing'})`);
  let pieces = new Float64Array(3 * 1024);
  let count = 0;
  let at = HEADER_SIZE;
  for (;;) {
    if (count % 1024 === 0) checkCancelled();
    const header = window.at(at);
    if (header?.offset === END_MARK) return { pieces, count, cutOffAt: undefined };
    if (
      header === undefined ||
      header.offset < 0n ||
      header.size <= 0n ||
      header.offset + header.size > LARGEST_OFFSET ||
      count === MOST_PIECES
    )
      return { pieces, count, cutOffAt: at };
    const place = at + PIECE_HEADER_SIZE;
    const size = Math.min(Number(header.size), Math.max(0, source.size - place));
    if (size === 0) return { pieces, count, cutOffAt: at };
    if (3 * count === pieces.length) pieces = doubled(pieces);
    pieces.set([Number(header.offset), size, place], 3 * count++);
    at = place + Number(header.size);
  }
}

function doubled(numbers: Float64Array): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(numbers.length * 2);
  grown.set(numbers);
  return grown;
}

/** Reads the 16 bytes before pieces, which lie near each other where pieces are small. */
class HeaderWindow {
  readonly #source: ByteSource;
  readonly #bytes = new Uint8Array(AHEAD);
  readonly #view = new DataView(this.#bytes.buffer);
  #start = 0;
  #end = 0;
  #small = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Undefined where the stream ends before. */
  at(position: number): { readonly offset: bigint; readonly size: bigint } | undefined {
    if (position < this.#start || position + PIECE_HEADER_SIZE > this.#end) {
      this.#small = position - this.#end < AHEAD;
      const wanted = this.#small ? AHEAD : PIECE_HEADER_SIZE;
      this.#start = position;
      this.#end = position + this.#source.readInto(position, this.#bytes.subarray(0, wanted));
      if (position + PIECE_HEADER_SIZE > this.#end) return undefined;
    }
    const within = position - this.#start;
    return { offset: this.#view.getBigInt64(within), size: this.#view.getBigInt64(within + 8) };
  }
}

interface Runs {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  readonly places: Float64Array;
}

/**
 * Where pieces overlap the later one is right. Between all borders of pieces, in order, the last piece paints first;
 * what is painted is skipped by those before it.
 */
function withoutOverlaps(pieces: Float64Array, count: number): Runs {
  const borders = new Float64Array(2 * count);
  for (let piece = 0; piece < count; piece++) {
    const start = pieces[3 * piece] as number;
    borders[2 * piece] = start;
    borders[2 * piece + 1] = start + (pieces[3 * piece + 1] as number);
  }
  borders.sort();
  const painter = new Int32Array(borders.length).fill(-1);
  /** The first slot from this one on that is not painted, as far as is known. */
  const free = Int32Array.from(painter, (_, slot) => slot);
  const freeFrom = (slot: number): number => {
    let at = slot;
    while (free[at] !== at) {
      free[at] = free[free[at] as number] as number;
      at = free[at] as number;
    }
    return at;
  };
  for (let piece = count - 1; piece >= 0; piece--) {
    const start = pieces[3 * piece] as number;
    const end = start + (pieces[3 * piece + 1] as number);
    for (let slot = freeFrom(upperBound(borders, start) - 1); (borders[slot] as number) < end;) {
      painter[slot] = piece;
      free[slot] = slot + 1;
      slot = freeFrom(slot + 1);
    }
  }
  return runsOf(pieces, borders, painter);
}

function runsOf(pieces: Float64Array, borders: Float64Array, painter: Int32Array): Runs {
  const starts: number[] = [];
  const ends: number[] = [];
  const places: number[] = [];
  let last = -1;
  for (let slot = 0; slot + 1 < borders.length; slot++) {
    const piece = painter[slot] as number;
    const start = borders[slot] as number;
    const end = borders[slot + 1] as number;
    if (piece < 0 || start === end) continue;
    if (piece === last && ends.at(-1) === start) ends[ends.length - 1] = end;
    else {
      starts.push(start);
      ends.push(end);
      places.push((pieces[3 * piece + 2] as number) + start - (pieces[3 * piece] as number));
    }
    last = piece;
  }
  return { starts: Float64Array.from(starts), ends: Float64Array.from(ends), places: Float64Array.from(places) };
}
