/**
 * Unpacks the vmlinux in a kernel image (`vmlinuz`) after NeedResource. A chunk of its own. For what has no library here
 * (xz with a filter for code, LZMA, bzip2) the machine's own program is run.
 */

import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import type { ReadableStream as NodeStream } from 'node:stream/web';
import { gunzipSync } from 'node:zlib';
import { XzReadableStream } from 'xz-decompress';
import { assertNever, messageOf, OpenError, VmcoreError } from '../../base/errors.ts';
import { FileSource, readExactly } from '../../bytes/byte-source.ts';
import { unpackLz4Legacy } from '../../bytes/lz4.ts';
import { unpackLzop } from '../../bytes/lzop.ts';
import { kernelPayload, type KernelPayload } from '../../formats/bzimage.ts';
import { NodeHost } from './host.ts';
import { startZstd } from './zstd.ts';

/** @throws OpenError with the reason, for the user */
export async function unpackKernel(path: string): Promise<Uint8Array> {
  const file = new NodeHost().open(path);
  if (file === undefined) throw new OpenError(`${path}: ${new NodeHost().whyNot(path)}`);
  try {
    const source = new FileSource(file);
    const payload = kernelPayload(source);
    const unpacked = await unpack(path, readExactly(source, payload.offset, payload.size), payload);
    if (unpacked.length !== payload.unpackedSize) throw new Error(`it has ${unpacked.length} bytes`);
    return unpacked;
  } catch (error) {
    if (error instanceof VmcoreError) throw error instanceof OpenError ? error : new OpenError(error.message);
    throw new OpenError(`${path}: the kernel in it cannot be unpacked: ${messageOf(error)}`);
  } finally {
    file.close();
  }
}

async function unpack(path: string, packed: Uint8Array, { packing, unpackedSize }: KernelPayload): Promise<Uint8Array> {
  switch (packing) {
    case 'none':
      return packed;
    case 'gzip':
      return gunzipSync(packed, { maxOutputLength: unpackedSize });
    case 'zstd':
      return (await startZstd())(packed, unpackedSize).slice();
    case 'xz':
      // The library knows none of the filters for code that kernels are packed with.
      return collect(unxz(packed), unpackedSize).catch(() => byProgram(path, 'xz', ['-dc'], packed, unpackedSize));
    case 'lz4': {
      const target = new Uint8Array(unpackedSize);
      unpackLz4Legacy(packed, target);
      return target;
    }
    case 'lzo': {
      const target = new Uint8Array(unpackedSize);
      unpackLzop(packed, target);
      return target;
    }
    case 'bzip2':
      return byProgram(path, 'bzip2', ['-dc'], packed, unpackedSize);
    case 'lzma':
      return byProgram(path, 'xz', ['-dc', '--format=lzma'], packed, unpackedSize);
    default:
      return assertNever(packing);
  }
}

function unxz(packed: Uint8Array): AsyncIterable<Uint8Array> {
  const stream: NodeStream<Uint8Array> = Readable.toWeb(Readable.from([packed]));
  return Readable.fromWeb(new XzReadableStream(stream) as NodeStream<Uint8Array>);
}

/** As many bytes as are wanted; more are not taken. */
async function collect(pieces: AsyncIterable<Uint8Array>, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let done = 0;
  for await (const piece of pieces) {
    bytes.set(piece.subarray(0, size - done), done);
    done += piece.length;
    if (done >= size) break;
  }
  return bytes.subarray(0, done);
}

async function byProgram(
  path: string,
  program: string,
  words: readonly string[],
  packed: Uint8Array,
  size: number,
): Promise<Uint8Array> {
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'ignore'] });
  const missing = new Promise<Uint8Array>((_, reject) => {
    child.once('error', () =>
      reject(
        new OpenError(
          `${path}: the kernel in it is packed with ${program}: install that program, or unpack it elsewhere`,
        ),
      ),
    );
  });
  // A program that ends early is told by what is missing of its output.
  child.stdin.on('error', () => undefined);
  child.stdin.end(packed);
  try {
    return await Promise.race([missing, collect(child.stdout as AsyncIterable<Uint8Array>, size)]);
  } finally {
    child.kill();
  }
}
