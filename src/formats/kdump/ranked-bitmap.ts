/**
 * A bitmap in a file, a bit a page frame, the lowest bit of a byte first, and how many bits are set before a given one:
 * the page descriptors of a kdump stand in the order of the set bits (makedumpfile's diskdump_mod.h).
 *
 * Invariants: blocks are read when a question needs them. Counting reads the bitmap up to the block asked for, once,
 * and keeps a number a block: 2^28 pages take 64 KiB.
 */

import { checkCancelled } from '../../base/cancel.ts';
import type { ByteSource } from '../../bytes/byte-source.ts';
import { WordBlocks } from '../../bytes/word-blocks.ts';

const BLOCK_SIZE = 4096;
const BLOCK_BITS = BLOCK_SIZE * 8;
const BLOCK_WORDS = BLOCK_SIZE / 4;
const MOST_BLOCKS = 256;
/** How many blocks are counted with one read. */
const COUNTED_AT_ONCE = 64;

/** A run of set bits: [start, end). */
export interface BitRun {
  readonly start: number;
  readonly end: number;
}

export class RankedBitmap {
  /** In bits. */
  readonly size: number;
  readonly #blocks: WordBlocks;
  readonly #firstBlock: number;
  readonly #below: number;
  /** Set bits before the n-th block from the first on. */
  #counts = new Float64Array(16);
  #counted = 0;
  /** Within each block that `rank` met, the set bits before each word. */
  readonly #prefixes = new WeakMap<Uint32Array, Uint16Array>();

  /**
   * @param offset where it begins in the source
   * @param size in bits
   * @param first the bit from which on `rank` counts
   */
  constructor(source: ByteSource, offset: number, size: number, first: number) {
    this.size = size;
    this.#blocks = new WordBlocks(source, offset, BLOCK_SIZE, MOST_BLOCKS);
    this.#firstBlock = Math.floor(first / BLOCK_BITS);
    this.#below = first === 0 ? 0 : this.#countBefore(first);
  }

  /** Whether a bit is set; undefined where the file ends before it. */
  has(bit: number): boolean | undefined {
    if (!(bit >= 0 && bit < this.size)) return false;
    const { words, valid } = this.#blocks.block(Math.floor(bit / BLOCK_BITS));
    const within = bit % BLOCK_BITS;
    if (within >= valid * 8) return undefined;
    return (((words[within >>> 5] as number) >>> (within & 31)) & 1) === 1;
  }

  /** How many bits are set from the first on and before this one. */
  rank(bit: number): number {
    return this.#countBefore(bit) - this.#below;
  }

  /** The runs of set bits in [from, to), ascending. */
  *runs(from: number, to: number): Generator<BitRun> {
    const end = Math.min(to, this.size);
    let start = -1;
    for (let bit = Math.max(0, from); bit < end;) {
      const within = bit % BLOCK_BITS;
      if (within === 0) checkCancelled();
      const word = this.#blocks.block(Math.floor(bit / BLOCK_BITS)).words[within >>> 5] as number;
      const set = start >= 0;
      // What of the word differs from the run that is being followed.
      const other = (set ? ~word : word) >>> (bit & 31);
      const step = other === 0 ? 32 - (bit & 31) : trailingZeros(other);
      bit = Math.min(end, bit + step);
      if (other === 0 || bit === end) continue;
      if (set) {
        yield { start, end: bit };
        start = -1;
      } else start = bit;
    }
    if (start >= 0) yield { start, end };
  }

  /** Set bits between the start of the first block and a bit. */
  #countBefore(bit: number): number {
    const index = Math.floor(bit / BLOCK_BITS);
    const within = bit % BLOCK_BITS;
    this.#countTo(index);
    const before = this.#counts[index - this.#firstBlock] as number;
    if (within === 0) return before;
    const { words } = this.#blocks.block(index);
    const at = within >>> 5;
    const part = (words[at] as number) & (2 ** (within & 31) - 1);
    return before + (this.#prefix(words)[at] as number) + bitsSet(part);
  }

  #prefix(words: Uint32Array): Uint16Array {
    let prefix = this.#prefixes.get(words);
    if (prefix === undefined) {
      prefix = new Uint16Array(BLOCK_WORDS);
      for (let index = 1; index < BLOCK_WORDS; index++)
        prefix[index] = (prefix[index - 1] as number) + bitsSet(words[index - 1] as number);
      this.#prefixes.set(words, prefix);
    }
    return prefix;
  }

  #countTo(index: number): void {
    const wanted = index - this.#firstBlock;
    if (wanted <= this.#counted) return;
    const many = new Uint32Array(BLOCK_WORDS * COUNTED_AT_ONCE);
    while (this.#counted < wanted) {
      checkCancelled();
      const blocks = Math.min(COUNTED_AT_ONCE, wanted - this.#counted);
      const words = many.subarray(0, blocks * BLOCK_WORDS).fill(0);
      this.#blocks.read(this.#firstBlock + this.#counted, new Uint8Array(words.buffer, 0, words.byteLength));
      this.#makeRoom(blocks);
      for (let block = 0; block < blocks; block++) {
        let count = this.#counts[this.#counted] as number;
        for (let at = block * BLOCK_WORDS; at < (block + 1) * BLOCK_WORDS; at++) count += bitsSet(words[at] as number);
        this.#counts[++this.#counted] = count;
      }
    }
  }

  #makeRoom(blocks: number): void {
    if (this.#counted + blocks < this.#counts.length) return;
    const grown = new Float64Array((this.#counted + blocks) * 2);
    grown.set(this.#counts);
    this.#counts = grown;
  }
}

function bitsSet(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const nibbles = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}
