/**
 * Random access to bytes that are somewhere: a file, memory, a part of either. Synchronous (DESIGN.md).
 * Parsers take contiguous windows of a source: asking it byte by byte is many times slower.
 */

import { FormatError } from '../base/errors.ts';
import type { HostFile } from '../base/host.ts';

export interface ByteSource {
  /** For messages: a path, or a path and what part of it. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** Fills `target` from `offset` on; returns the bytes read, fewer than its length only at the end of the source. */
  readInto(offset: number, target: Uint8Array): number;
}

/** Bytes already in memory. */
export class BytesSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #bytes: Uint8Array;

  constructor(name: string, bytes: Uint8Array) {
    this.name = name;
    this.size = bytes.length;
    this.#bytes = bytes;
  }

  readInto(offset: number, target: Uint8Array): number {
    if (offset >= this.size) return 0;
    const part = this.#bytes.subarray(offset, Math.min(this.size, offset + target.length));
    target.set(part);
    return part.length;
  }
}

/** A file of the host, with the bytes read counted: tests bound the work by it. */
export class FileSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  bytesRead = 0;
  readonly #file: HostFile;

  constructor(file: HostFile) {
    this.name = file.path;
    this.size = file.size;
    this.#file = file;
  }

  readInto(offset: number, target: Uint8Array): number {
    const count = this.#file.readInto(offset, target);
    this.bytesRead += count;
    return count;
  }
}

/** No table is as large; a size beyond it is damage, and no array could hold it. */
const LARGEST_WINDOW = 2 ** 31;

function checkWindow(source: ByteSource, offset: number, length: number): void {
  if (length > LARGEST_WINDOW)
    throw new FormatError(source.name, `${length} bytes are too many to be read at once`, offset);
}

/**
 * A contiguous copy of `length` bytes from `offset` on.
 * @throws FormatError where the source ends before.
 */
export function readExactly(source: ByteSource, offset: number, length: number): Uint8Array {
  if (!(offset >= 0 && length >= 0 && offset + length <= source.size)) {
    throw new FormatError(
      source.name,
      `${length} bytes wanted, but the file ends at 0x${source.size.toString(16)}`,
      offset,
    );
  }
  checkWindow(source, offset, length);
  const bytes = new Uint8Array(length);
  const count = source.readInto(offset, bytes);
  if (count < length) throw new FormatError(source.name, `${length} bytes wanted, ${count} could be read`, offset);
  return bytes;
}

/** As `readExactly`, but as much as there is. Throws FormatError where that is more than any table has. */
export function readUpTo(source: ByteSource, offset: number, length: number): Uint8Array {
  if (!(offset >= 0 && offset < source.size && length > 0)) return new Uint8Array(0);
  const wanted = Math.min(length, source.size - offset);
  checkWindow(source, offset, wanted);
  const bytes = new Uint8Array(wanted);
  return bytes.subarray(0, source.readInto(offset, bytes));
}
