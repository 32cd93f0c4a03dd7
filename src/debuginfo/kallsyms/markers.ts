/**
 * `kallsyms_markers`: where every 256th name begins in `kallsyms_names`. Ascending numbers from zero, of 32 bits each; of
 * 64 up to 80ffbaa5b1bd. No symbol of VMCOREINFO leads to them; they are told by how they ascend.
 */

import { checkCancelled } from '../../base/cancel.ts';

/** How many names lie between two markers. */
export const MARKER_STEP = 256;
/** What so many names take at least, and at most. */
const SMALLEST_STEP = 2 * MARKER_STEP;
export const LARGEST_STEP = 1 << 16;
/** Fewer are taken for something else. */
const FEWEST = 4;
const WIDTHS = [4, 8] as const;
const ALIGNMENT = 4;

export interface MarkerRun {
  /** An offset in the bytes. */
  readonly at: number;
  /** What follows the markers may look like one or two more of them. */
  readonly markers: readonly number[];
}

/** Every place where markers may be, the last one first. */
export function* runsOfMarkers(bytes: Uint8Array): Generator<MarkerRun> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const last = bytes.length - (bytes.length % ALIGNMENT) - ALIGNMENT;
  for (let at = last; at >= 0; at -= ALIGNMENT) {
    if ((at & 0xfffff) === 0) checkCancelled();
    if (view.getUint32(at, true) !== 0) continue;
    for (const width of WIDTHS) {
      const markers = ascendingFrom(view, at, width);
      if (markers.length >= FEWEST) yield { at, markers };
    }
  }
}

/** The markers of so many names; undefined where they are not there. */
export function findMarkers(bytes: Uint8Array, names: number): readonly number[] | undefined {
  const wanted = Math.ceil(names / MARKER_STEP);
  for (const { markers } of runsOfMarkers(bytes)) if (markers.length >= wanted) return markers.slice(0, wanted);
  return undefined;
}

function ascendingFrom(view: DataView, start: number, width: 4 | 8): number[] {
  const numbers = [0];
  let before = 0;
  for (let at = start + width; at + width <= view.byteLength; at += width) {
    const number = view.getUint32(at, true);
    const step = number - before;
    if (step < SMALLEST_STEP || step > LARGEST_STEP) break;
    if (width === 8 && view.getUint32(at + 4, true) !== 0) break;
    numbers.push(number);
    before = number;
  }
  return numbers;
}
