/** Node's answer to what the engine asks of its surroundings. */

import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { FormatError, messageOf, NeedResource, OpenError, type Resource } from '../../base/errors.ts';
import { systemMessage } from './system-message.ts';
import type { Unzstd } from './zstd.ts';
import type { Codec, FetchedFile, Host, HostEntry, HostFile } from '../../base/host.ts';

/** One read returns less than 2 GiB on Node 20. */
const LARGEST_READ = 1 << 30;

/** Of a file that tells none and can be read, as some of /proc: no end is known. */
const NO_END = 2 ** 47;

function sizeOfUnsized(descriptor: number): number {
  return readSync(descriptor, new Uint8Array(1), 0, 1, 0) === 0 ? 0 : NO_END;
}

class NodeFile implements HostFile {
  readonly path: string;
  readonly size: number;
  readonly #descriptor: number;

  constructor(path: string, descriptor: number, size: number) {
    this.path = path;
    this.size = size;
    this.#descriptor = descriptor;
  }

  readInto(offset: number, target: Uint8Array): number {
    let done = 0;
    while (done < target.length) {
      const length = Math.min(LARGEST_READ, target.length - done);
      const count = this.#read(target, done, length, offset + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  #read(target: Uint8Array, at: number, length: number, position: number): number {
    try {
      return readSync(this.#descriptor, target, at, length, position);
    } catch (error) {
      throw new FormatError(this.path, `cannot be read (${systemMessage(error)})`, position);
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** What a face has brought after NeedResource. */
export interface Brought {
  /** By path: the content, or why it cannot be unpacked. */
  readonly unpacked: ReadonlyMap<string, Uint8Array | OpenError>;
  /** By path: where the content is kept. */
  readonly unpackedPaths: ReadonlyMap<string, string | OpenError>;
  /** By build-id. */
  readonly debugFiles: ReadonlyMap<string, FetchedFile>;
  /** Why no debug file is fetched; undefined where the user allows it. */
  readonly fetchesNone: string | undefined;
}

const nothing: Brought = {
  unpacked: new Map(),
  unpackedPaths: new Map(),
  debugFiles: new Map(),
  fetchesNone: 'not asked',
};

export class NodeHost implements Host {
  readonly #brought: Brought;
  #unzstd: Unzstd | undefined;

  constructor(brought: Brought = nothing) {
    this.#brought = brought;
  }

  open(path: string): HostFile | undefined {
    try {
      const descriptor = openSync(path, 'r');
      const stat = fstatSync(descriptor);
      if (stat.isFile()) return new NodeFile(path, descriptor, stat.size === 0 ? sizeOfUnsized(descriptor) : stat.size);
      closeSync(descriptor);
    } catch {
      // whyNot tells the reason to whoever asks.
    }
    return undefined;
  }

  whyNot(path: string): string {
    try {
      const stat = statSync(path);
      if (stat.isDirectory()) return 'is a folder, not a file';
      if (!stat.isFile()) return 'is no regular file';
      closeSync(openSync(path, 'r'));
      return 'cannot be read';
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'ENOENT') return 'no such file';
      if (code === 'EACCES') return 'permission denied';
      return messageOf(error);
    }
  }

  list(path: string): readonly HostEntry[] {
    try {
      return readdirSync(path, { withFileTypes: true }).map((entry) => ({
        name: entry.name,
        kind: entry.isDirectory() ? 'folder' : entry.isFile() || entry.isSymbolicLink() ? 'file' : 'other',
      }));
    } catch {
      return [];
    }
  }

  environment(name: string): string | undefined {
    return process.env[name];
  }

  inflate(data: Uint8Array, size: number): Uint8Array {
    try {
      const { inflateSync } = process.getBuiltinModule('node:zlib');
      const out = inflateSync(data, { maxOutputLength: Math.max(size, 1) });
      if (out.length === size) return out;
    } catch {
      // Reported below with what was wanted.
    }
    throw new FormatError('zlib stream', `does not inflate to the ${size} bytes it should`);
  }

  unzstd(data: Uint8Array, size: number): Uint8Array {
    if (this.#unzstd === undefined) throw new NeedResource({ kind: 'codec', codec: 'zstd' });
    return this.#unzstd(data, size);
  }

  /** What `unzstd` runs on from now on. */
  useZstd(unzstd: Unzstd): void {
    this.#unzstd = unzstd;
  }

  unpackFile(path: string, codec: Codec): Uint8Array {
    return whole(this.#brought.unpacked.get(path), { kind: 'unpacked-file', path, codec, onDisk: false });
  }

  unpackedPath(path: string, codec: Codec): string {
    return whole(this.#brought.unpackedPaths.get(path), { kind: 'unpacked-file', path, codec, onDisk: true });
  }

  fetchDebugFile(buildId: string): FetchedFile {
    const { debugFiles, fetchesNone } = this.#brought;
    if (fetchesNone !== undefined) return { problem: fetchesNone, asked: false };
    const found = debugFiles.get(buildId);
    if (found === undefined) throw new NeedResource({ kind: 'debug-file', buildId });
    return found;
  }

  unpackKernel(path: string): Uint8Array {
    return whole(this.#brought.unpacked.get(path), { kind: 'unpacked-kernel', path });
  }
}

/** What was brought of a resource, which is asked for where nobody tried yet. */
function whole<T extends string | Uint8Array>(brought: T | OpenError | undefined, resource: Resource): T {
  if (brought === undefined) throw new NeedResource(resource);
  if (brought instanceof OpenError) throw new OpenError(brought.message);
  return brought;
}
