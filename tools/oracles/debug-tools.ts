// debuginfod and dwz, which the search for debug information is tested with: Debian packages, unpacked with the
// libraries they need, not installed.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { download, withDependencies } from '../lib/apt.ts';
import { cachePath, ensureFolder } from '../lib/cache-folder.ts';
import { unpack } from '../lib/debian-package.ts';
import { withLock } from '../lib/lock.ts';
import { step } from '../lib/progress.ts';

const packages = ['debuginfod', 'dwz'];
/** The machine has these, or they are no libraries. */
const left = /^(libc6|libgcc-s1|gcc-\d+-base|adduser|debconf|passwd|init-system-helpers|ucf|sensible-utils)/;

const folder = (): string => cachePath('oracles', 'debug-tools');

/** Makes sure that they are there. */
export async function ensureDebugTools(): Promise<void> {
  if (existsSync(folder())) return;
  await withLock(cachePath('lock'), async () => {
    await ensureFolder(folder(), (making) =>
      step('unpacking debuginfod and dwz', async () => {
        const needed = await withDependencies(packages, (name) => !left.test(name));
        await unpack(await download(needed), making);
      }),
    );
  });
}

/** How one of them is run: its path, and the environment in which it finds its libraries. */
export function debugTool(name: 'debuginfod' | 'debuginfod-find' | 'dwz'): {
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
} {
  const path = join(folder(), 'usr/bin', name);
  if (!existsSync(path)) throw new Error(`${path} is missing; "npm test" prepares it`);
  const libraries = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu'].map((part) => join(folder(), part));
  return { path, env: { ...process.env, LD_LIBRARY_PATH: libraries.join(':') } };
}
