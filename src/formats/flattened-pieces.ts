/**
 * The pieces of a flattened stream: a header of two big-endian 64-bit numbers, offset and size, and as many bytes.
 * makedumpfile's IMPLEMENTATION, "The flattened format".
 *
 * Pieces are of 16 to 32 KiB, some million in a large dump. Kept are groups of them: where each begins in the stream,
 * and the few runs of the file that its pieces make together.
 */

import { checkCancelled } from '../base/cancel.ts';
import { FormatError } from '../base/errors.ts';
import type { ByteSource } from '../bytes/byte-source.ts';
import type { WrittenRuns } from './painted-runs.ts';

export const HEADER_SIZE = 4096;
export const PIECE_HEADER_SIZE = 16;
const END_MARK = -1n;
const TYPE_FLAT = 1n;
const GROUP_SIZE = 64;
/** Each takes some 80 bytes while the dump is opened. */
const MOST_RUNS = 1 << 21;
const LARGEST_OFFSET = BigInt(Number.MAX_SAFE_INTEGER);
/** Small pieces are met many at a read. */
const AHEAD = 4096;

export interface Piece {
  /** In the file that the stream stands for. */
  readonly offset: number;
  readonly size: number;
  /** Of its bytes, in the stream. */
  readonly place: number;
}

export interface PieceGroups {
  /** Where each group begins in the stream. */
  readonly places: readonly number[];
  /** The runs of the file that the groups make, in the order they were written, and the group of each. */
  readonly runs: WrittenRuns;
  readonly groupOf: Int32Array;
  /** Where the stream was cut off or damaged; undefined where it is whole. */
  readonly cutOffAt: number | undefined;
}

/** @throws FormatError where the stream is of another type, or in too many scattered pieces */
export function readGroups(source: ByteSource): PieceGroups {
  const reader = new PieceReader(source);
  reader.checkType();
  const places: number[] = [];
  const runs: { start: number; end: number; group: number }[] = [];
  let at = HEADER_SIZE;
  for (;;) {
    checkCancelled();
    const { pieces, next, ending } = reader.group(at);
    if (pieces.length > 0) {
      for (const run of joinedRuns(pieces)) runs.push({ ...run, group: places.length });
      places.push(at);
      if (runs.length > MOST_RUNS) throw tooScattered(source);
    }
    at = next;
    if (ending === undefined) continue;
    return {
      places,
      runs: {
        starts: Float64Array.from(runs, ({ start }) => start),
        ends: Float64Array.from(runs, ({ end }) => end),
      },
      groupOf: Int32Array.from(runs, ({ group }) => group),
      cutOffAt: ending === 'marked' ? undefined : at,
    };
  }
}

function tooScattered(source: ByteSource): FormatError {
  return new FormatError(
    source.name,
    `is a flattened dump in more than ${MOST_RUNS} scattered pieces; makedumpfile -R rearranges it: makedumpfile -R vmcore < FILE`,
  );
}

/** What the pieces make together, ascending. */
function joinedRuns(pieces: readonly Piece[]): { start: number; end: number }[] {
  const joined: { start: number; end: number }[] = [];
  for (const { offset, size } of [...pieces].sort((a, b) => a.offset - b.offset)) {
    const last = joined.at(-1);
    if (last !== undefined && offset <= last.end) last.end = Math.max(last.end, offset + size);
    else joined.push({ start: offset, end: offset + size });
  }
  return joined;
}

export interface Group {
  readonly pieces: readonly Piece[];
  /** Where the next group begins, or what follows the last piece. */
  readonly next: number;
  /** Why no group follows. */
  readonly ending: 'marked' | 'cut off' | undefined;
}

export class PieceReader {
  readonly #source: ByteSource;
  readonly #bytes = new Uint8Array(AHEAD);
  readonly #view = new DataView(this.#bytes.buffer);
  #start = 0;
  #end = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  checkType(): void {
    const { name, size } = this.#source;
    const type = this.#numbersAt(PIECE_HEADER_SIZE)?.offset;
    if (size < HEADER_SIZE || type === undefined)
      throw new FormatError(name, 'is a flattened dump that is cut off inside its header');
    if (type !== TYPE_FLAT) throw new FormatError(name, `is a flattened dump of an unknown type (${type})`);
  }

  /** The pieces from a place in the stream on. */
  group(place: number): Group {
    const pieces: Piece[] = [];
    let at = place;
    while (pieces.length < GROUP_SIZE) {
      const header = this.#numbersAt(at);
      if (header?.offset === END_MARK) return { pieces, next: at, ending: 'marked' };
      if (
        header === undefined ||
        header.offset < 0n ||
        header.size <= 0n ||
        header.offset + header.size > LARGEST_OFFSET
      )
        return { pieces, next: at, ending: 'cut off' };
      const data = at + PIECE_HEADER_SIZE;
      const size = Math.min(Number(header.size), Math.max(0, this.#source.size - data));
      if (size === 0) return { pieces, next: at, ending: 'cut off' };
      pieces.push({ offset: Number(header.offset), size, place: data });
      at = data + Number(header.size);
    }
    return { pieces, next: at, ending: undefined };
  }

  /** Undefined where the stream ends before. */
  #numbersAt(position: number): { readonly offset: bigint; readonly size: bigint } | undefined {
    if (position < this.#start || position + PIECE_HEADER_SIZE > this.#end) {
      const near = position >= this.#start && position - this.#end < AHEAD;
      const wanted = near ? AHEAD : PIECE_HEADER_SIZE;
      this.#start = position;
      this.#end = position + this.#source.readInto(position, this.#bytes.subarray(0, wanted));
      if (position + PIECE_HEADER_SIZE > this.#end) return undefined;
    }
    const within = position - this.#start;
    return { offset: this.#view.getBigInt64(within), size: this.#view.getBigInt64(within + 8) };
  }
}
