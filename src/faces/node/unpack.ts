/**
 * Unpacks a compressed file after NeedResource: by the bundled decompressor, or where that does not know what is in
 * the file, by the machine's own xz. A chunk of its own, loaded when the first such file is met.
 */

import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { ReadableStream as NodeStream } from 'node:stream/web';
import { promisify } from 'node:util';
import { XzReadableStream } from 'xz-decompress';

/** A kernel module with its debug information is some tens of megabytes. */
const LARGEST = 1 << 30;

export interface Unpacked {
  /** Empty where the file could not be unpacked. */
  readonly bytes: Uint8Array;
  readonly problem: string | undefined;
}

export async function unpackFile(path: string, codec: 'xz'): Promise<Unpacked> {
  try {
    return { bytes: await unpackByLibrary(path), problem: undefined };
  } catch (error) {
    const bytes = await unpackByProgram(path, codec);
    return bytes === undefined
      ? { bytes: new Uint8Array(0), problem: error instanceof Error ? error.message : String(error) }
      : { bytes, problem: undefined };
  }
}

async function unpackByLibrary(path: string): Promise<Uint8Array> {
  const packed: NodeStream<Uint8Array> = Readable.toWeb(createReadStream(path));
  const pieces: Uint8Array[] = [];
  let size = 0;
  const stream: AsyncIterable<Uint8Array> = Readable.fromWeb(new XzReadableStream(packed) as NodeStream<Uint8Array>);
  for await (const piece of stream) {
    size += piece.length;
    if (size > LARGEST) throw new Error(`it unpacks to more than ${LARGEST} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces, size);
}

async function unpackByProgram(path: string, program: 'xz'): Promise<Uint8Array | undefined> {
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
