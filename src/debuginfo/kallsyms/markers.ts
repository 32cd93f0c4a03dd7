/**
 * `kallsyms_markers`: where every 256th name begins in `kallsyms_names`. Ascending numbers from zero, of 32 bits each; of
 * 64 up to 80ffbaa5b1bd. No symbol of VMCOREINFO leads to them; they are told by how they ascend.
 */

import { checkCancelled } from '../../base/cancel.ts';
import { asWords } from '../../bytes/read.ts';

/** How many names lie between two markers. */
export const MARKER_STEP = 256;
/** The most that they are aligned to. */
export const MARKER_ALIGNMENT = 8;
/** What so many names take at least, and at most. */
const SMALLEST_STEP = 2 * MARKER_STEP;
export const LARGEST_STEP = 1 << 16;
/** Fewer are taken for something else. */
const FEWEST = 4;
/** In a kernel the last run is the right one, and there are a dozen others. */
const MOST_RUNS = 64;
/** In words. */
const WIDTHS = [1, 2] as const;

export interface MarkerRun {
  /** An offset in the bytes. */
  readonly at: number;
  /** What follows the markers may look like one or two more of them. */
  readonly markers: readonly number[];
}

/** The places where markers may be, the last one first. */
export function* runsOfMarkers(bytes: Uint8Array): Generator<MarkerRun> {
  const words = asWords(bytes);
  let runs = 0;
  for (let index = words.length - 1; index >= 0 && runs < MOST_RUNS; index--) {
    if ((index & 0xfffff) === 0) checkCancelled();
    if (words[index] !== 0) continue;
    for (const width of WIDTHS) {
      const markers = ascendingFrom(words, index, width);
      if (markers.length < FEWEST) continue;
      runs++;
      yield { at: index * 4, markers };
    }
  }
}

/** The markers of so many names; undefined where they are not there. */
export function findMarkers(bytes: Uint8Array, names: number): MarkerRun | undefined {
  const wanted = Math.ceil(names / MARKER_STEP);
  for (const { at, markers } of runsOfMarkers(bytes))
    if (markers.length >= wanted) return { at, markers: markers.slice(0, wanted) };
  return undefined;
}

/** @param width in words */
function ascendingFrom(words: Uint32Array, start: number, width: 1 | 2): number[] {
  const numbers = [0];
  let before = 0;
  for (let index = start + width; index + width <= words.length; index += width) {
    const number = words[index] as number;
    const step = number - before;
    if (step < SMALLEST_STEP || step > LARGEST_STEP) break;
    if (width === 2 && words[index + 1] !== 0) break;
    numbers.push(number);
    before = number;
  }
  return numbers;
}
