/**
 * The page data of a kdump, in pieces of a file that are asked for one after the other or here and there. A piece is
 * read by itself; where the next begins at its end, more and more is read ahead.
 */

import type { ByteSource } from '../../bytes/byte-source.ts';

const MOST_AHEAD = 256 << 10;

export class PageData {
  readonly #source: ByteSource;
  #window = new Uint8Array(1 << 12);
  #start = 0;
  #end = 0;
  /** Where the last piece ended. */
  #last = -1;
  #ahead = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** A view that is valid until the next piece is asked for; shorter than `size` where the file ends. */
  piece(offset: number, size: number): Uint8Array {
    if (offset < this.#start || offset + size > this.#end) {
      this.#ahead = offset === this.#last ? Math.min(MOST_AHEAD, Math.max(2 * this.#ahead, 4 * size)) : 0;
      this.#fill(offset, Math.max(size, this.#ahead));
    }
    this.#last = offset + size;
    const at = offset - this.#start;
    return this.#window.subarray(at, Math.min(at + size, this.#end - this.#start));
  }

  #fill(offset: number, length: number): void {
    if (length > this.#window.length) this.#window = new Uint8Array(length);
    this.#start = offset;
    this.#end = offset;
    this.#end = offset + this.#source.readInto(offset, this.#window.subarray(0, length));
  }
}
