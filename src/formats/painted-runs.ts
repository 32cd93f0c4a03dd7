/**
 * Runs that were written one after the other, where a later one covers what it overlaps: what is seen of each in the
 * end. Between all their borders, in order, the last run paints first; what is painted is passed over by those before.
 */

import { upperBound } from '../base/search.ts';

/** Runs in the order they were written: [start, end). */
export interface WrittenRuns {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
}

/** Ascending, without overlaps. */
export interface PaintedRuns extends WrittenRuns {
  /** Which of the written runs each is a part of. */
  readonly of: Int32Array;
}

export function paintedRuns({ starts, ends }: WrittenRuns): PaintedRuns {
  const borders = new Float64Array(2 * starts.length);
  borders.set(starts);
  borders.set(ends, starts.length);
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
  for (let run = starts.length - 1; run >= 0; run--) {
    const end = ends[run] as number;
    for (let slot = freeFrom(upperBound(borders, starts[run] as number) - 1); (borders[slot] as number) < end;) {
      painter[slot] = run;
      free[slot] = slot + 1;
      slot = freeFrom(slot + 1);
    }
  }
  return joined(borders, painter);
}

function joined(borders: Float64Array, painter: Int32Array): PaintedRuns {
  let count = 0;
  const starts = new Float64Array(borders.length);
  const ends = new Float64Array(borders.length);
  const of = new Int32Array(borders.length);
  for (let slot = 0; slot + 1 < borders.length; slot++) {
    const run = painter[slot] as number;
    const start = borders[slot] as number;
    const end = borders[slot + 1] as number;
    if (run < 0 || start === end) continue;
    if (count > 0 && of[count - 1] === run && ends[count - 1] === start) {
      ends[count - 1] = end;
      continue;
    }
    starts[count] = start;
    ends[count] = end;
    of[count++] = run;
  }
  return { starts: starts.slice(0, count), ends: ends.slice(0, count), of: of.slice(0, count) };
}
