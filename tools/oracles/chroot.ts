// A Debian sid system in the cache folder, with the newest crash and drgn, which run in it by chroot. Debian's stable
// releases have versions of them that cannot open the newer kernels' dumps.
//
// What a program in there needs is hard-linked into a work folder of the chroot, which is removed afterwards: nothing
// is mounted, so nothing has to be unmounted after a failure.
import { existsSync } from 'node:fs';
import { link, mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { download } from '../lib/apt.ts';
import { debianSources } from '../lib/apt-sources.ts';
import { cachePath, makeFolder } from '../lib/cache-folder.ts';
import { unpack } from '../lib/debian-package.ts';
import { type Output, lastLines, run } from '../lib/process.ts';
import { step } from '../lib/progress.ts';
import { ToolError } from '../lib/tool-error.ts';
import type { Fixture } from '../fixtures/fixtures.ts';

const packages = ['crash', 'python3-drgn'];
const timeoutSeconds = 300;

function chrootPath(...parts: readonly string[]): string {
  return cachePath('oracles', 'sid', ...parts);
}

/** Which versions of the oracles are in the chroot: one line for each package. */
export async function oracleVersions(): Promise<string> {
  return readFile(chrootPath('versions'), 'utf8');
}

/**
 * debootstrap mounts /proc and /sys in the chroot while it works. In a namespace of its own these mounts, and all that
 * it started, are gone with it, even when it is killed. A container may not allow that, nor the mounts.
 */
async function isolation(): Promise<readonly string[]> {
  const prefix = ['unshare', '--mount', '--pid', '--fork', '--kill-child'];
  const { status } = await run('env', [...prefix, 'true'], { mayFail: true });
  return status === 0 ? prefix : [];
}

/** Makes the chroot. debootstrap is a script, so it is unpacked too. */
async function makeChroot(): Promise<void> {
  const { main } = debianSources();
  const tool = cachePath('oracles', 'debootstrap');
  await unpack(await download(['debootstrap']), tool);
  const script = join(tool, 'usr', 'sbin', 'debootstrap');
  const keyring = main.signedBy === undefined ? [] : [`--keyring=${main.signedBy}`];
  const options = ['--variant=minbase', `--include=${packages.join(',')}`, ...keyring];
  const env = { DEBOOTSTRAP_DIR: join(tool, 'usr', 'share', 'debootstrap') };
  await makeFolder(chrootPath(), async (folder) => {
    const command = [...(await isolation()), 'sh', script, ...options, 'sid', folder, main.uri];
    const output = await run('env', command, { env, mayFail: true });
    if (output.status !== 0) throw new ToolError(`debootstrap failed.\n${lastLines(output.stdout, 5)}`);
    const format = '${Package} ${Version}\\n';
    const query = await run('chroot', [folder, 'dpkg-query', '--show', `--showformat=${format}`, ...packages]);
    await writeFile(join(folder, 'versions'), query.stdout);
    await rm(join(folder, 'var', 'cache', 'apt'), { recursive: true });
  });
}

/** Makes sure that the chroot is there. Gives the reason where it cannot be made. */
export async function ensureChroot(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'crash and drgn run in a chroot, which takes root';
  try {
    if (!existsSync(chrootPath())) await step('making a Debian sid with crash and drgn', makeChroot);
    // Left by an interrupted run; whoever calls this holds the cache's lock.
    await rm(chrootPath('work'), { recursive: true, force: true });
    return undefined;
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    return error.message;
  }
}

export interface Workspace {
  /** The work folder as this process sees it. */
  readonly folder: string;
  /** Runs a program in the work folder, inside the chroot. */
  readonly run: (program: string, args: readonly string[]) => Promise<Output>;
}

async function linkInto(folder: string, files: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const file of files) await link(await realpath(file), join(folder, basename(file)));
}

/** Lays a fixture's vmcore, vmlinux, modules/ and containers/ into a work folder of the chroot while the work lasts. */
export async function withWorkspace<T>(fixture: Fixture, work: (workspace: Workspace) => Promise<T>): Promise<T> {
  await mkdir(chrootPath('work'), { recursive: true });
  const folder = await mkdtemp(chrootPath('work', `${fixture.info.name}-`));
  try {
    await linkInto(folder, [join(fixture.folder, 'vmcore'), join(fixture.folder, 'vmlinux')]);
    for (const part of ['modules', 'containers']) {
      const files = join(fixture.folder, part);
      const names = existsSync(files) ? await readdir(files) : [];
      await linkInto(
        join(folder, part),
        names.map((name) => join(files, name)),
      );
    }
    const inside = `/work/${basename(folder)}`;
    return await work({
      folder,
      run: (program, args) => {
        const command = ['timeout', `${timeoutSeconds}`, program, ...args];
        const script = 'cd "$0" && exec "$@"';
        const env = { TZ: 'UTC', HOME: '/root' };
        return run('chroot', [chrootPath(), 'sh', '-c', script, inside, ...command], { env, mayFail: true });
      },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
