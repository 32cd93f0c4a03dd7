/**
 * The cache that all clients of debuginfod share: BUILD-ID/debuginfo is a file that was fetched, an empty one says
 * that the servers had none (debuginfod_find_debuginfo(3), "CACHE"). A file appears there whole or not at all.
 *
 * What is being fetched is beside it under a name that tells the machine and the process: only one process writes it.
 * What a process left behind that died is gone on with by the next one.
 */

import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

const PARTIAL = 'debuginfo.vmscope';
const ORIGIN = 'from';

/** Where a part of a file came from: only there the rest is. */
export interface Origin {
  readonly url: string;
  /** ETag or Last-Modified: RFC 9110 section 13.1.5. */
  readonly validator: string;
}

/** The place of one build in the cache. */
export class CacheEntry {
  readonly path: string;
  readonly #folder: string;
  /** Of the file that this process fetches. */
  readonly partial: string;

  /** @param buildId hex: it becomes a folder's name */
  constructor(cache: string, buildId: string) {
    this.#folder = join(cache, buildId);
    this.path = join(this.#folder, 'debuginfo');
    this.partial = join(this.#folder, `${PARTIAL}-${hostname().replaceAll(/[^\w.]/g, '_')}-${process.pid}`);
  }

  /** For how many milliseconds it has been known that the servers have none; undefined where it is not known. */
  missingFor(): number | undefined {
    const stat = statSync(this.path, { throwIfNoEntry: false });
    return stat?.size === 0 ? Math.max(0, Date.now() - stat.mtimeMs) : undefined;
  }

  /** Remembers that the servers have none. What another client has put there stays. */
  setMissing(): void {
    if (this.missingFor() !== undefined) rmSync(this.path, { force: true });
    try {
      closeSync(openSync(this.path, 'wx', 0o600));
    } catch {
      // It is asked again the next time.
    }
  }

  /** Makes the folder, and takes over what a process has left behind. */
  prepare(): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(this.#folder)) {
      const path = join(this.#folder, name);
      if (path === this.partial || !this.#isLeftBehind(name)) continue;
      try {
        renameSync(path, this.partial);
        renameSync(`${path}.${ORIGIN}`, `${this.partial}.${ORIGIN}`);
      } catch {
        // Another process was faster, or nobody knows where it came from.
      }
    }
  }

  /** How much of the file there is, and from where; undefined where it has to be fetched from its beginning. */
  begun(): { readonly size: number; readonly origin: Origin } | undefined {
    try {
      const { size } = statSync(this.partial);
      const origin = originOf(readFileSync(`${this.partial}.${ORIGIN}`, 'utf8'));
      return size > 0 && origin !== undefined ? { size, origin } : undefined;
    } catch {
      return undefined;
    }
  }

  /** @param origin undefined where it cannot be gone on with later */
  setOrigin(origin: Origin | undefined): void {
    if (origin === undefined) rmSync(`${this.partial}.${ORIGIN}`, { force: true });
    else writeFileSync(`${this.partial}.${ORIGIN}`, JSON.stringify(origin), { mode: 0o600 });
  }

  dropPartial(): void {
    rmSync(this.partial, { force: true });
    this.setOrigin(undefined);
  }

  /** The fetched file becomes the one that every client finds. */
  publish(): void {
    chmodSync(this.partial, 0o400);
    renameSync(this.partial, this.path);
    this.setOrigin(undefined);
  }

  #isLeftBehind(name: string): boolean {
    const own = this.partial.slice(this.#folder.length + 1).replace(/\d+$/, '');
    const pid = name.startsWith(own) ? name.slice(own.length) : '';
    return /^\d{1,9}$/.test(pid) && !isRunning(Number(pid));
  }
}

function originOf(text: string): Origin | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('url' in value) || !('validator' in value)) return undefined;
    const { url, validator } = value;
    return typeof url === 'string' && typeof validator === 'string' ? { url, validator } : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
