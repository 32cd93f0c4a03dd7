/**
 * Source files under the folders that the user named. The paths come from debug information, so from strangers: they
 * are taken apart and put together anew, and none leads out of a folder.
 */

import type { Host } from '../base/host.ts';
import { readUpTo, FileSource } from '../bytes/byte-source.ts';
import { decodeText } from '../bytes/read.ts';

const LARGEST_FILE = 1 << 26;
const MOST_KEPT = 16;

export class SourceTree {
  readonly #host: Host;
  readonly #folders: readonly string[];
  readonly #kept = new Map<string, readonly string[]>();

  constructor(host: Host, folders: readonly string[]) {
    this.#host = host;
    this.#folders = folders;
  }

  /** The lines of a file, or why there are none. */
  linesOf(path: string): readonly string[] | string {
    const kept = this.#kept.get(path);
    if (kept !== undefined) return kept;
    if (this.#folders.length === 0) return `source code is not available: name the kernel's source tree by --src DIR`;
    const parts = partsOf(path);
    if (parts === undefined) return `source code is not available: ${path} is no path within a source tree`;
    for (const folder of this.#folders) {
      for (const candidate of candidates(parts, path.startsWith('/'))) {
        const lines = this.#read(`${folder}/${candidate}`);
        if (lines === undefined) continue;
        if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
        this.#kept.set(path, lines);
        return lines;
      }
    }
    return `source code is not available: there is no ${parts.join('/')} in ${this.#folders.join(', ')}`;
  }

  #read(path: string): string[] | undefined {
    const file = this.#host.open(path);
    if (file === undefined) return undefined;
    try {
      if (file.size > LARGEST_FILE) return undefined;
      const lines = decodeText(readUpTo(new FileSource(file), 0, file.size)).split('\n');
      if (lines.at(-1) === '') lines.pop();
      return lines;
    } finally {
      file.close();
    }
  }
}

/** Undefined for a path that leads out of where it begins. */
function partsOf(path: string): string[] | undefined {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part.includes('\0') || part.includes('\\')) return undefined;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.length === 0 ? undefined : parts;
}

/** An absolute path is of the machine that built it: its end may be found here. */
function candidates(parts: readonly string[], absolute: boolean): string[] {
  const starts = absolute ? parts.map((_, index) => index) : [0];
  return starts.map((start) => parts.slice(start).join('/'));
}
