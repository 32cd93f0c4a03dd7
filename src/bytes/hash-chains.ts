/**
 * Elements found by a hash of 32 bits: chains of indices in two arrays, whose heads fit a processor's cache. Whoever
 * looks something up compares the elements of its chain, since several share a hash.
 */

const MOST_CHAINS = 1 << 16;
const END = -1;

export class HashChains {
  /** The last index of each chain. */
  readonly #heads: Int32Array;
  /** By index: the one before it in its chain. */
  readonly #before: Int32Array;

  /** @param count one more than the greatest index that will be added */
  constructor(count: number) {
    this.#heads = new Int32Array(Math.min(MOST_CHAINS, 2 ** Math.ceil(Math.log2(count + 1)))).fill(END);
    this.#before = new Int32Array(count);
  }

  add(index: number, hash: number): void {
    const chain = hash & (this.#heads.length - 1);
    this.#before[index] = this.#heads[chain] as number;
    this.#heads[chain] = index;
  }

  /** The indices for which `isWanted` holds among those that may have this hash, in the order they were added. */
  find(hash: number, isWanted: (index: number) => boolean): number[] {
    const found: number[] = [];
    let index = this.#heads[hash & (this.#heads.length - 1)] as number;
    while (index !== END) {
      if (isWanted(index)) found.push(index);
      index = this.#before[index] as number;
    }
    return found.reverse();
  }
}
