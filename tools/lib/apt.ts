// Debian packages, downloaded and verified by apt itself, but with its whole state in the cache folder: a sources list,
// package lists and an empty status file of our own. Nothing of the machine's apt is changed, and no root is needed.
//
// There are two archives, each with a state of its own, so that the versions of one never stand for those of the other.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { debianSources, sourceLine } from './apt-sources.ts';
import { cachePath } from './cache-folder.ts';
import { isOnPath, lastLines, run } from './process.ts';
import { step } from './progress.ts';
import { ToolError } from './tool-error.ts';

/**
 * `stable` has the programs and kernels that the fixtures are made of, whatever release this machine runs; `unstable`
 * what must know the newest kernels.
 */
export type Archive = 'stable' | 'unstable';

interface Suites {
  /** The folder of apt's state for it. */
  readonly state: string;
  readonly main: readonly string[];
  readonly security: readonly string[];
}

const archives: Readonly<Record<Archive, Suites>> = {
  stable: {
    state: 'apt',
    main: ['bookworm', 'bookworm-updates', 'trixie-backports'],
    security: ['bookworm-security'],
  },
  unstable: { state: 'apt-unstable', main: ['sid'], security: [] },
};

function options(archive: Archive): string[] {
  const state = cachePath(archives[archive].state);
  const settings = {
    'Dir::State': state,
    'Dir::State::status': join(state, 'status'),
    'Dir::Cache': join(state, 'cache'),
    'Dir::Etc::SourceList': join(state, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'APT::Architecture': 'amd64',
    'APT::Sandbox::User': 'root',
    'Acquire::Retries': '3',
    'Acquire::http::Timeout': '30',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

async function update(archive: Archive): Promise<void> {
  if (!isOnPath('apt-get')) throw new ToolError('apt-get is missing: fixtures are built from Debian packages.');
  const { main, security } = debianSources();
  const suites = archives[archive];
  const lines = suites.main.map((suite) => sourceLine(main, suite));
  if (security !== undefined) lines.push(...suites.security.map((suite) => sourceLine(security, suite)));
  const state = cachePath(suites.state);
  for (const folder of ['lists/partial', 'cache/archives/partial']) {
    await mkdir(join(state, folder), { recursive: true });
  }
  await writeFile(join(state, 'sources.list'), `${lines.join('\n')}\n`);
  await writeFile(join(state, 'status'), '');
  const output = await run('apt-get', [...options(archive), '--error-on=any', 'update'], { mayFail: true });
  if (output.status !== 0) {
    throw new ToolError(`The Debian archive could not be reached.\n${lastLines(output.stderr, 3)}`);
  }
}

const updates = new Map<Archive, Promise<void>>();

/** Runs apt-cache on fresh package lists (fetched once a run, and only when asked for). */
async function query(archive: Archive, ...args: readonly string[]): Promise<string> {
  const updated =
    updates.get(archive) ?? step(`reading the lists of the Debian archive (${archive})`, () => update(archive));
  updates.set(archive, updated);
  await updated;
  return (await run('apt-cache', [...options(archive), ...args])).stdout;
}

/** The names of the packages of the stable archive that match. */
export async function searchNames(pattern: RegExp): Promise<string[]> {
  const names = (await query('stable', 'pkgnames')).split('\n');
  return names.filter((name) => pattern.test(name));
}

/** The packages that the given ones depend on, and these in turn as far as `follow` allows, themselves included. */
export async function withDependencies(
  packages: readonly string[],
  follow: (name: string) => boolean,
  archive: Archive = 'stable',
): Promise<string[]> {
  const only = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map((kind) => `--no-${kind}`);
  const found = new Set(packages);
  let added = [...packages];
  while (added.length > 0) {
    const text = await query(archive, 'depends', ...only, ...added);
    const depends = [...text.matchAll(/^ [ |](?:Pre)?Depends: ([^<\s]+)$/gm)].map((match) => match[1] ?? '');
    added = [...new Set(depends)].filter((name) => follow(name) && !found.has(name));
    for (const name of added) found.add(name);
  }
  return [...found];
}

interface PackageRecord {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
}

/** The archive's records of packages, in the order given. */
async function records(packages: readonly string[], archive: Archive): Promise<PackageRecord[]> {
  const text = await query(archive, 'show', '--no-all-versions', ...packages);
  const found = new Map<string, PackageRecord>();
  for (const stanza of text.split('\n\n')) {
    const field = (name: string): string => new RegExp(`^${name}: (\\S+)$`, 'm').exec(stanza)?.[1] ?? '';
    const name = field('Package');
    found.set(name, { name, version: field('Version'), architecture: field('Architecture') });
  }
  return packages.map((name) => {
    const record = found.get(name);
    if (record === undefined) throw new ToolError(`The Debian archive has no package ${name}.`);
    return record;
  });
}

/** The version of a package that the stable archive has now. */
export async function packageVersion(name: string): Promise<string> {
  const [record] = await records([name], 'stable');
  return record?.version ?? '';
}

/** Downloads packages, unless they are there, and gives their files. An unfinished file is completed by apt. */
export async function download(packages: readonly string[], archive: Archive = 'stable'): Promise<string[]> {
  const folder = cachePath('packages');
  await mkdir(folder, { recursive: true });
  const files = (await records(packages, archive)).map(({ name, version, architecture }) =>
    join(folder, `${name}_${version.replaceAll(':', '%3a')}_${architecture}.deb`),
  );
  const args = [...options(archive), '--quiet', 'download', ...packages];
  const output = await run('apt-get', args, { cwd: folder, mayFail: true });
  if (output.status !== 0 || !files.every((file) => existsSync(file))) {
    const names = packages.join(' ');
    throw new ToolError(`These packages could not be downloaded: ${names}\n${lastLines(output.stderr, 3)}`);
  }
  return files;
}
