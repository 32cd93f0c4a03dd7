/**
 * A cursor over a contiguous window, for headers and records read once. Hot loops use read.ts instead.
 * Throws FormatError, named for `section`, past the end.
 */

import { FormatError } from '../base/errors.ts';
import { stringAt, ulebAt, lebLength } from './read.ts';

export class Cursor {
  readonly bytes: Uint8Array;
  readonly section: string;
  readonly littleEndian: boolean;
  position: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, section: string, position = 0, littleEndian = true) {
    this.bytes = bytes;
    this.section = section;
    this.position = position;
    this.littleEndian = littleEndian;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.position >= this.bytes.length;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), this.littleEndian);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), this.littleEndian);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), this.littleEndian);
  }

  /** A 64-bit size or offset; FormatError where it is above 2^53. */
  u53(): number {
    const at = this.position;
    const value = Number(this.u64());
    if (value > Number.MAX_SAFE_INTEGER) throw new FormatError(this.section, 'a size or offset is above 2^53', at);
    return value;
  }

  uleb(): number {
    const value = ulebAt(this.bytes, this.position);
    this.position += lebLength(this.bytes, this.position);
    return value;
  }

  /** A zero-terminated string. */
  string(): string {
    const start = this.position;
    const text = stringAt(this.bytes, start);
    this.position = this.bytes.indexOf(0, start) + 1;
    return text;
  }

  /** A view, not a copy. */
  take(length: number): Uint8Array {
    const start = this.#take(length);
    return this.bytes.subarray(start, start + length);
  }

  skip(length: number): void {
    this.#take(length);
  }

  #take(length: number): number {
    const start = this.position;
    if (!(Number.isSafeInteger(start) && start >= 0 && length >= 0 && start + length <= this.bytes.length)) {
      throw new FormatError(this.section, 'ends too early', start);
    }
    this.position = start + length;
    return start;
  }
}
