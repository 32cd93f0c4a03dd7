/**
 * Small reads at scattered places of a source, through a few recently used blocks of it: for binary searches in
 * tables that nobody wants to read whole. Little-endian.
 */

import { FormatError } from '../base/errors.ts';
import type { ByteSource } from './byte-source.ts';

const BLOCK_SHIFT = 12;
const BLOCK_SIZE = 1 << BLOCK_SHIFT;
const MOST_BLOCKS = 256;

export class BlockReader {
  readonly #source: ByteSource;
  readonly #blocks = new Map<number, DataView>();

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** The signed 32-bit word at `offset`, which must be a multiple of 4 from the start of the source. */
  s32(offset: number): number {
    return this.#block(offset, 4).getInt32(offset & (BLOCK_SIZE - 1), true);
  }

  u8(offset: number): number {
    return this.#block(offset, 1).getUint8(offset & (BLOCK_SIZE - 1));
  }

  /** Two bytes at any offset, also across blocks. */
  u16(offset: number): number {
    return this.u8(offset) | (this.u8(offset + 1) << 8);
  }

  #block(offset: number, length: number): DataView {
    const index = Math.floor(offset / BLOCK_SIZE);
    let block = this.#blocks.get(index);
    if (block === undefined) {
      if (this.#blocks.size >= MOST_BLOCKS) this.#blocks.clear();
      const bytes = new Uint8Array(BLOCK_SIZE);
      const count = this.#source.readInto(index * BLOCK_SIZE, bytes);
      block = new DataView(bytes.buffer, 0, count);
      this.#blocks.set(index, block);
    }
    if ((offset & (BLOCK_SIZE - 1)) + length > block.byteLength) {
      throw new FormatError(this.#source.name, 'read past the end', offset);
    }
    return block;
  }
}
