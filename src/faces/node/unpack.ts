/**
 * Unpacks a compressed file after NeedResource: by the bundled decompressor, or where that does not know what is in
 * the file, by the machine's own program. A chunk of its own, loaded when the first such file is met.
 */

import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { Readable, type Transform } from 'node:stream';
import type { ReadableStream as NodeStream } from 'node:stream/web';
import { createGunzip } from 'node:zlib';
import { XzReadableStream } from 'xz-decompress';
import { OpenError } from '../../base/errors.ts';
import type { Codec } from '../../base/host.ts';
import { isCutOff } from './packed-end.ts';
import { sizeText } from './amounts.ts';

/** A kernel module with its debug information is some tens of megabytes. */
const LARGEST_IN_MEMORY = 1 << 30;

/** What is unpacked, piece by piece. A damaged file ends in an error. */
type Pieces = AsyncIterable<Uint8Array>;

/** Where the pieces go. */
export interface PieceSink {
  /** In bytes. */
  readonly limit: number;
  /** Forgets what was written: another decompressor begins. */
  restart(): void;
  write(piece: Uint8Array): void;
}

interface Decompressor {
  readonly library: (path: string) => Pieces;
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
  let pieces: Uint8Array[] = [];
  await unpackInto(path, codec, {
    limit: LARGEST_IN_MEMORY,
    restart: () => (pieces = []),
    write: (piece) => pieces.push(piece),
  });
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
}

/** @throws OpenError with the reason, for the user */
export async function unpackInto(path: string, codec: Codec, sink: PieceSink): Promise<void> {
  const { library, program } = decompressors[codec];
  try {
    await drain(library(path), sink);
  } catch (error) {
    if (error instanceof TooLarge) throw new OpenError(`${path}: ${error.message}`);
    try {
      await drain(outputOf(program, ['-dc', '--', path]), sink);
    } catch (second) {
      if (second instanceof TooLarge) throw new OpenError(`${path}: ${second.message}`);
      throw await whatIsWrong(path, codec);
    }
  }
}

async function drain(pieces: Pieces, sink: PieceSink): Promise<void> {
  let size = 0;
  sink.restart();
  for await (const piece of pieces) {
    size += piece.length;
    if (size > sink.limit) throw new TooLarge(sink.limit);
    sink.write(piece);
  }
}

async function whatIsWrong(path: string, codec: Codec): Promise<OpenError> {
  const cutOff = await readPacked(path).then(
    (packed) => isCutOff(packed, codec),
    () => false,
  );
  return new OpenError(
    cutOff
      ? `${path}: the file is cut off: the end of its ${codec} data is missing`
      : `${path}: cannot be unpacked: its ${codec} data is damaged`,
  );
}

function unxz(path: string): Pieces {
  const packed: NodeStream<Uint8Array> = Readable.toWeb(createReadStream(path));
  return Readable.fromWeb(new XzReadableStream(packed) as NodeStream<Uint8Array>);
}

function ungzip(path: string): Pieces {
  return piped(createReadStream(path), createGunzip());
}

async function* unzstd(path: string): Pieces {
  const packed = await readPacked(path);
  const size = zstdContentSize(packed);
  if (size !== undefined && size > LARGEST_IN_MEMORY) throw new Error('its content does not fit the memory');
  const { zstdDecoder } = await import('./zstd.ts');
  const decoder = await zstdDecoder();
  // It reports no error: of a frame that is damaged, or whose content is longer than it was told, nothing is left.
  for (const room of size === undefined ? likelySizes(packed) : [size]) {
    const bytes = decoder.decode(packed, room);
    if (bytes.length > 0 && (size === undefined || bytes.length === size)) {
      yield bytes;
      return;
    }
  }
  throw new Error('its zstd frame is damaged');
}

/** Where the frame was written to a pipe, it does not tell; modules with debug information shrink to a quarter. */
function likelySizes(packed: Uint8Array): number[] {
  return [8, 64].map((ratio) => packed.length * ratio).filter((size) => size <= LARGEST_IN_MEMORY);
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

async function readPacked(path: string): Promise<Buffer> {
  const { size } = await stat(path);
  if (size > LARGEST_IN_MEMORY) throw new TooLarge(LARGEST_IN_MEMORY);
  return readFile(path);
}

class TooLarge extends Error {
  constructor(limit: number) {
    super(`it unpacks to more than ${sizeText(limit)}`);
  }
}

/** An error of either side ends the pieces. */
function piped(from: Readable, through: Transform): Pieces {
  from.once('error', (error) => through.destroy(error));
  return from.pipe(through);
}

async function* outputOf(program: string, words: readonly string[]): Pieces {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false));
    child.once('close', (status) => resolve(status === 0));
  });
  try {
    for await (const piece of child.stdout as AsyncIterable<Uint8Array>) yield piece;
    if (!(await ended)) throw new Error(`${program} failed`);
  } finally {
    child.kill();
  }
}
