/**
 * A table of 32-bit little-endian words in a source, in blocks that are read when they are first needed; the blocks
 * used last are kept. For tables that are too large to be read whole.
 */

import { LRUCache } from 'lru-cache';
import type { ByteSource } from './byte-source.ts';

export interface WordBlock {
  /** The whole block; what is not in the source is zero. */
  readonly words: Uint32Array;
  /** How many bytes of it the source has. */
  readonly valid: number;
}

export class WordBlocks {
  /** In bytes, a multiple of 4. */
  readonly blockSize: number;
  readonly #source: ByteSource;
  readonly #offset: number;
  readonly #kept: LRUCache<number, WordBlock>;

  /**
   * @param offset where the table begins in the source
   * @param most how many blocks are kept
   */
  constructor(source: ByteSource, offset: number, blockSize: number, most: number) {
    this.#source = source;
    this.#offset = offset;
    this.blockSize = blockSize;
    this.#kept = new LRUCache({ max: most });
  }

  block(index: number): WordBlock {
    const kept = this.#kept.get(index);
    if (kept !== undefined) return kept;
    const bytes = new Uint8Array(this.blockSize);
    const valid = this.read(index, bytes);
    const block = { words: new Uint32Array(bytes.buffer), valid };
    this.#kept.set(index, block);
    return block;
  }

  /** Fills `target` from the beginning of a block on, past what is kept. Returns the bytes the source has. */
  read(index: number, target: Uint8Array): number {
    return this.#source.readInto(this.#offset + index * this.blockSize, target);
  }
}
