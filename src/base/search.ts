/** Binary searches and bounds that several tables share. */

import { noteLosses, tallied, type Losses } from './losses.ts';

/** The index of the first element of a sorted array (or of a part of it) that is greater than `key`, or its end. */
export function upperBound(sorted: ArrayLike<number>, key: number, from = 0, to: number = sorted.length): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The same over objects: the index of the first element whose key is greater than `key`. */
export function upperBoundBy<T, K extends bigint | number>(
  sorted: readonly T[],
  key: K,
  keyOf: (element: T) => K,
): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyOf(sorted[middle] as T) <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * A getter that computes once. An error is not kept: the next call tries again. What was lost on the way to the value
 * is told to everyone who asks for it.
 */
export function once<T>(compute: () => T): () => T {
  let known: { readonly value: T; readonly losses: Losses } | undefined;
  return () => {
    if (known === undefined) known = tallied((losses) => ({ value: compute(), losses }));
    else noteLosses(known.losses);
    return known.value;
  };
}
