/** A source that counts what is read of it, and refuses reads outside of it. */

import type { ByteSource } from '../../src/bytes/byte-source.ts';

export class CountingSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  bytesRead = 0;
  reads = 0;
  readonly #read: (offset: number, target: Uint8Array) => void;

  /** @param read fills a target that lies within the source */
  constructor(name: string, size: number, read: (offset: number, target: Uint8Array) => void) {
    this.name = name;
    this.size = size;
    this.#read = read;
  }

  static of(bytes: Uint8Array, name = 'vmcore'): CountingSource {
    return new CountingSource(name, bytes.length, (offset, target) =>
      target.set(bytes.subarray(offset, offset + target.length)),
    );
  }

  readInto(offset: number, target: Uint8Array): number {
    if (!Number.isSafeInteger(offset) || offset < 0)
      throw new Error(`a read at ${offset}, which is no place in a file`);
    const count = Math.max(0, Math.min(target.length, this.size - offset));
    if (count > 0) this.#read(offset, target.subarray(0, count));
    this.bytesRead += count;
    this.reads++;
    return count;
  }
}
