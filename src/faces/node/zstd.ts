/**
 * zstd by the WebAssembly in the package zstddec, whose functions are called directly on memory that is kept: for pages
 * of 4 KiB that is faster than the package's own `decode`, and than Node's zlib where that has zstd.
 */

import { ZSTDDecoder } from 'zstddec';
import { FormatError, InternalError } from '../../base/errors.ts';

/** Unpacks to exactly `size` bytes, valid until the next call. Throws FormatError. */
export type Unzstd = (data: Uint8Array, size: number) => Uint8Array;

/** What the package's WebAssembly gives. */
interface ZstdExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(size: number): number;
  free(address: number): void;
  /** The number of bytes written, or an error's code, which is larger than any size. */
  ZSTD_decompress(target: number, room: number, source: number, size: number): number;
}

/** Where these are larger they are given back after use. */
const LARGEST_KEPT = 1 << 20;

let started: Promise<ZstdExports> | undefined;

/** Loads it, once. */
export async function startZstd(): Promise<Unzstd> {
  started ??= load();
  const exports = await started;
  const source = new Room(exports);
  const target = new Room(exports);
  return (data, size) => {
    try {
      const from = source.of(data.length);
      const to = target.of(size);
      new Uint8Array(exports.memory.buffer, from, data.length).set(data);
      const written = exports.ZSTD_decompress(to, size, from, data.length);
      if (written !== size) throw new FormatError('zstd data', `does not unpack to the ${size} bytes it should`);
      return new Uint8Array(exports.memory.buffer, to, size);
    } finally {
      source.shrink();
      target.shrink();
    }
  };
}

/** The package keeps its instance to itself, but is given it by a method that can be overridden. */
class Decoder extends ZSTDDecoder {
  static exports: unknown;

  override _init(result: Parameters<ZSTDDecoder['_init']>[0]): void {
    super._init(result);
    Decoder.exports = result.instance.exports;
  }
}

const decoder = new Decoder();

/** The package's own interface, for whole files. Nobody else may start the package. */
export async function zstdDecoder(): Promise<ZSTDDecoder> {
  await decoder.init();
  return decoder;
}

async function load(): Promise<ZstdExports> {
  await decoder.init();
  if (!isZstd(Decoder.exports)) throw new InternalError('zstddec has changed: its functions are not where they were');
  return Decoder.exports;
}

function isZstd(value: unknown): value is ZstdExports {
  return (
    typeof value === 'object' &&
    value !== null &&
    'memory' in value &&
    ['malloc', 'free', 'ZSTD_decompress'].every((name) => name in value)
  );
}

/** A piece of the WebAssembly's memory that grows as it must. */
class Room {
  readonly #exports: ZstdExports;
  #address = 0;
  #size = 0;

  constructor(exports: ZstdExports) {
    this.#exports = exports;
  }

  of(size: number): number {
    if (size <= this.#size) return this.#address;
    if (this.#size > 0) this.#exports.free(this.#address);
    this.#address = this.#exports.malloc(size);
    this.#size = this.#address === 0 ? 0 : size;
    if (this.#address === 0) throw new FormatError('zstd data', `${size} bytes are more than there is memory for`);
    return this.#address;
  }

  shrink(): void {
    if (this.#size <= LARGEST_KEPT) return;
    this.#exports.free(this.#address);
    this.#size = 0;
  }
}
