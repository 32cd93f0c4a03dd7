/**
 * Unpacks a compressed file after NeedResource: by the bundled decompressor, or where that does not know what is in
 * the file, by the machine's own program. A chunk of its own, loaded when the first such file is met.
 */

import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ReadableStream as NodeStream } from 'node:stream/web';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { XzReadableStream } from 'xz-decompress';
import { OpenError } from '../../base/errors.ts';
import type { Codec } from '../../base/host.ts';
import { isCutOff } from './packed-end.ts';

/** A kernel module with its debug information is some tens of megabytes. */
const LARGEST = 1 << 30;

interface Decompressor {
  readonly library: (path: string) => Promise<Uint8Array>;
  /** That writes the content to its output after `-dc -- FILE`. */
  readonly program: string;
}

const decompressors: Readonly<Record<Codec, Decompressor>> = {
  xz: { library: unxz, program: 'xz' },
  zst: { library: unzstd, program: 'zstd' },
  gz: { library: ungzip, program: 'gzip' },
};

/** @throws OpenError with the reason, for the user */
export async function unpackFile(path: string, codec: Codec): Promise<Uint8Array> {
  const { library, program } = decompressors[codec];
  try {
    return await library(path);
  } catch (error) {
    const bytes = await unpackByProgram(path, program);
    if (bytes !== undefined) return bytes;
    if (error instanceof TooLarge) throw new OpenError(`${path}: ${error.message}`);
    const cutOff = await readPacked(path).then(
      (packed) => isCutOff(packed, codec),
      () => false,
    );
    throw new OpenError(
      cutOff
        ? `${path}: the file is cut off: the end of its ${codec} data is missing`
        : `${path}: cannot be unpacked: its ${codec} data is damaged`,
    );
  }
}

async function unxz(path: string): Promise<Uint8Array> {
  const packed: NodeStream<Uint8Array> = Readable.toWeb(createReadStream(path));
  const pieces: Uint8Array[] = [];
  let size = 0;
  const stream: AsyncIterable<Uint8Array> = Readable.fromWeb(new XzReadableStream(packed) as NodeStream<Uint8Array>);
  for await (const piece of stream) {
    size += piece.length;
    if (size > LARGEST) throw new TooLarge();
    pieces.push(piece);
  }
  return Buffer.concat(pieces, size);
}

async function unzstd(path: string): Promise<Uint8Array> {
  const packed = await readPacked(path);
  const size = zstdContentSize(packed);
  if (size !== undefined && size > LARGEST) throw new TooLarge();
  const { zstdDecoder } = await import('./zstd.ts');
  const decoder = await zstdDecoder();
  // It reports no error: of a frame that is damaged, or whose content is longer than it was told, nothing is left.
  for (const room of size === undefined ? likelySizes(packed) : [size]) {
    const bytes = decoder.decode(packed, room);
    if (bytes.length > 0 && (size === undefined || bytes.length === size)) return bytes;
  }
  throw new Error('its zstd frame is damaged');
}

/** Where the frame was written to a pipe, it does not tell; modules with debug information shrink to a quarter. */
function likelySizes(packed: Uint8Array): number[] {
  return [8, 64].map((ratio) => packed.length * ratio).filter((size) => size <= LARGEST);
}

/** Of the one frame that a kernel module is: RFC 8878 section 3.1.1.1. Undefined where the frame does not tell. */
function zstdContentSize(packed: Buffer): number | undefined {
  const descriptor = packed[4] ?? 0;
  const single = (descriptor & 0x20) !== 0;
  const at = 5 + (single ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  const width = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  if (width === 0 || at + width > packed.length) return undefined;
  if (width === 8) return Number(packed.readBigUInt64LE(at));
  return packed.readUIntLE(at, width) + (width === 2 ? 256 : 0);
}

async function ungzip(path: string): Promise<Uint8Array> {
  return promisify(gunzip)(await readPacked(path), { maxOutputLength: LARGEST });
}

async function readPacked(path: string): Promise<Buffer> {
  if ((await stat(path)).size > LARGEST) throw new TooLarge();
  return readFile(path);
}

class TooLarge extends Error {
  constructor() {
    super(`it unpacks to more than ${LARGEST} bytes`);
  }
}

async function unpackByProgram(path: string, program: string): Promise<Uint8Array | undefined> {
  try {
    const { stdout } = await promisify(execFile)(program, ['-dc', '--', path], {
      encoding: 'buffer',
      maxBuffer: LARGEST,
    });
    return stdout;
  } catch {
    return undefined;
  }
}
