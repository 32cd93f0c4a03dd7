/**
 * Unpacks a kernel into the cache: BUILD-ID/vmlinux, where it is found the next time without unpacking. It appears
 * there whole or not at all, and may be deleted at any time.
 */

import { createHash, randomUUID } from 'node:crypto';
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { attempt, OpenError } from '../../base/errors.ts';
import type { Codec } from '../../base/host.ts';
import { FileSource } from '../../bytes/byte-source.ts';
import { ElfFile } from '../../formats/elf/elf-file.ts';
import { buildIdOfElf } from '../../formats/elf/build-id.ts';
import { escapeLine } from '../../render/text/escape.ts';
import { NodeHost } from './host.ts';
import { systemMessage } from './system-message.ts';
import { unpackInto } from './unpack.ts';
import { complain, writeBytesFully } from './write-fully.ts';

/** A kernel with its debug information is about one gigabyte. */
const LARGEST = 2 ** 33;

/**
 * @param folder of the cache; it is made
 * @returns the path of the unpacked file
 * @throws OpenError with the reason, for the user
 */
export async function unpackToDisk(path: string, codec: Codec, folder: string): Promise<string> {
  complain(`vmscope: unpacking ${escapeLine(path)} into ${folder}`);
  const making = join(folder, `.${randomUUID()}.making`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await unpackTo(making, path, codec);
    const place = join(folder, nameOf(making, path));
    mkdirSync(place, { recursive: true, mode: 0o700 });
    renameSync(making, join(place, 'vmlinux'));
    return join(place, 'vmlinux');
  } catch (error) {
    if (existsSync(making)) rmSync(making);
    if (error instanceof OpenError) throw error;
    throw new OpenError(`${path}: cannot be unpacked into ${folder}: ${systemMessage(error)}`);
  }
}

async function unpackTo(making: string, path: string, codec: Codec): Promise<void> {
  const descriptor = openSync(making, 'wx', 0o600);
  try {
    let at = 0;
    await unpackInto(path, codec, {
      limit: LARGEST,
      restart: () => {
        ftruncateSync(descriptor, 0);
        at = 0;
      },
      write: (piece) => {
        writeBytesFully(descriptor, piece, at);
        at += piece.length;
      },
    });
  } finally {
    closeSync(descriptor);
  }
}

/** Its build-id; without one, what its packed file is. */
function nameOf(unpacked: string, packed: string): string {
  const file = new NodeHost().open(unpacked);
  try {
    const buildId = file && attempt(() => buildIdOfElf(new ElfFile(new FileSource(file))));
    if (buildId !== undefined) return buildId;
  } finally {
    file?.close();
  }
  const { size, mtimeMs } = statSync(packed);
  return createHash('sha256').update(`${packed} ${size} ${mtimeMs}`).digest('hex');
}
