/** Runs of memory as a dump gives them. */

import { physAddr } from '../../src/base/addr.ts';
import type { DumpImage, PhysicalRange } from '../../src/formats/dump-image.ts';

/** What of these runs, [start, size] in ascending order, a dump says it holds. */
export function rangesOf(
  ...runs: readonly (readonly [start: number, size: number])[]
): Pick<DumpImage, 'end' | 'rangesWithin'> {
  const last = runs.at(-1);
  return {
    end: last === undefined ? 0 : last[0] + last[1],
    rangesWithin: (start, end) =>
      runs
        .map(([from, size]) => ({ from: Math.max(from, start), to: Math.min(from + size, end) }))
        .filter(({ from, to }) => from < to)
        .map(({ from, to }) => ({ start: physAddr(from), size: to - from })),
  };
}

/** All it holds. */
export function allRanges(image: DumpImage): PhysicalRange[] {
  return [...image.rangesWithin(0, image.end)];
}
