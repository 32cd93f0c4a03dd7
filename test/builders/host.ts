/** A host of files in memory. */

import { inflateSync } from 'node:zlib';
import { FormatError, messageOf, NeedResource, OpenError } from '../../src/base/errors.ts';
import type { Host, HostFile } from '../../src/base/host.ts';

export function memoryHost(
  files: ReadonlyMap<string, Uint8Array> = new Map<string, Uint8Array>(),
  unzstd?: Host['unzstd'],
): Host {
  return {
    open: (path) => {
      const bytes = files.get(path);
      return bytes === undefined ? undefined : memoryFile(path, bytes);
    },
    whyNot: () => 'no such file',
    list: (path) => {
      const below = [...files.keys()].filter((name) => name.startsWith(`${path}/`));
      const kinds = new Map<string, 'file' | 'folder'>();
      for (const file of below) {
        const [name = '', ...deeper] = file.slice(path.length + 1).split('/');
        kinds.set(name, deeper.length > 0 ? 'folder' : 'file');
      }
      return Array.from(kinds, ([name, kind]) => ({ name, kind }));
    },
    environment: () => undefined,
    inflate: (data, size) => {
      try {
        const out = new Uint8Array(inflateSync(data, { maxOutputLength: Math.max(1, Math.min(size, 1 << 24)) }));
        if (out.length === size) return out;
      } catch (error) {
        throw new FormatError('zlib stream', messageOf(error));
      }
      throw new FormatError('zlib stream', 'is of another size');
    },
    unzstd: (data, size) => {
      if (unzstd === undefined) throw new NeedResource({ kind: 'codec', codec: 'zstd' });
      return unzstd(data, size);
    },
    unpackFile: (path) => {
      throw new FormatError(path, 'cannot be unpacked here');
    },
    unpackedPath: (path) => {
      throw new OpenError(`${path}: cannot be unpacked here`);
    },
    fetchDebugFile: () => ({ problem: 'not asked', asked: false }),
    unpackKernel: (path) => {
      throw new FormatError(path, 'cannot be unpacked here');
    },
  };
}

function memoryFile(path: string, bytes: Uint8Array): HostFile {
  return {
    path,
    size: bytes.length,
    readInto: (offset, target) => {
      const part = bytes.subarray(offset, offset + target.length);
      target.set(part);
      return part.length;
    },
    close: () => undefined,
  };
}
