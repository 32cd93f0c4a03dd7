// The cache folder, where everything that a tool downloads, unpacks or builds is kept:
//
//   packages/            Debian packages as apt downloaded them
//   apt/  apt-unstable/  apt's state for them, apart from the machine's
//   kernels/<release>/   vmlinuz, vmlinux and the modules of one kernel
//   guest/  builds/      the guests' programs, unpacked and compiled
//   fixtures/<name>/     the dumps
//   oracles/             the chroot with crash and drgn
//
// Invariant: what stands at its final place is whole. Everything is made in a folder beside it and renamed at the end,
// so an interrupted run leaves only leftovers (".making…"), which the next run removes.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const leftover = '.making-';

/** The absolute path of something in the cache. */
export function cachePath(...parts: readonly string[]): string {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(base, 'vmscope', ...parts);
}

/** Makes a folder at its final place, all of it or nothing. What stood there before is replaced. */
export async function makeFolder(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const parent = dirname(path);
  const making = join(parent, `${leftover}${basename(path)}`);
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true });
  try {
    await fill(making);
    await rm(path, { recursive: true, force: true });
    await rename(making, path);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    throw error;
  }
}

const running = new Map<string, Promise<void>>();

/** Makes a folder unless it is there. Who asks for one that is just being made waits for it. */
export async function ensureFolder(path: string, fill: (folder: string) => Promise<void>): Promise<string> {
  let making = running.get(path);
  if (making === undefined && !existsSync(path)) {
    making = makeFolder(path, fill).finally(() => running.delete(path));
    running.set(path, making);
  }
  await making;
  return path;
}

/** Removes what interrupted runs left. Only under the cache's lock. */
export async function removeLeftovers(): Promise<void> {
  for (const parent of ['kernels', 'guest', 'builds', 'fixtures', 'oracles']) {
    const folder = cachePath(parent);
    if (!existsSync(folder)) continue;
    for (const name of await readdir(folder)) {
      if (name.startsWith(leftover)) await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}

/** A short hash of everything that decides what a build makes. */
export function hashOf(...inputs: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const input of inputs) hash.update(`${input.length}:`).update(input);
  return hash.digest('hex').slice(0, 16);
}
