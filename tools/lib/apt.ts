// Debian packages, downloaded and verified by apt itself, but with its whole state in the cache folder: a sources list,
// package lists and an empty status file of our own. Nothing of the machine's apt is changed, and no root is needed.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { debianSources, sourceLine } from './apt-sources.ts';
import { cachePath } from './cache-folder.ts';
import { isOnPath, lastLines, run } from './process.ts';
import { step } from './progress.ts';
import { ToolError } from './tool-error.ts';

/** The release whose programs and kernels the fixtures are made of, whatever release this machine runs. */
const base = 'bookworm';

function options(): string[] {
  const state = cachePath('apt');
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

async function update(): Promise<void> {
  if (!isOnPath('apt-get')) throw new ToolError('apt-get is missing: fixtures are built from Debian packages.');
  const { main, security } = debianSources();
  const lines = [base, `${base}-updates`, 'trixie-backports'].map((suite) => sourceLine(main, suite));
  if (security !== undefined) lines.push(sourceLine(security, `${base}-security`));
  const state = cachePath('apt');
  for (const folder of ['lists/partial', 'cache/archives/partial']) {
    await mkdir(join(state, folder), { recursive: true });
  }
  await writeFile(join(state, 'sources.list'), `${lines.join('\n')}\n`);
  await writeFile(join(state, 'status'), '');
  const output = await run('apt-get', [...options(), '--error-on=any', 'update'], { mayFail: true });
  if (output.status !== 0) {
    throw new ToolError(`The Debian archive could not be reached.\n${lastLines(output.stderr, 3)}`);
  }
}

let updated: Promise<void> | undefined;

/** Runs apt-cache on fresh package lists (fetched once a run, and only when asked for). */
async function query(...args: readonly string[]): Promise<string> {
  updated ??= step('reading the lists of the Debian archive', update);
  await updated;
  return (await run('apt-cache', [...options(), ...args])).stdout;
}

/** The names of the packages that match. */
export async function searchNames(pattern: RegExp): Promise<string[]> {
  const names = (await query('pkgnames')).split('\n');
  return names.filter((name) => pattern.test(name));
}

/** The packages that the given ones depend on, and these in turn as far as `follow` allows, themselves included. */
export async function withDependencies(
  packages: readonly string[],
  follow: (name: string) => boolean,
): Promise<string[]> {
  const only = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map((kind) => `--no-${kind}`);
  const found = new Set(packages);
  let added = [...packages];
  while (added.length > 0) {
    const text = await query('depends', ...only, ...added);
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
async function records(packages: readonly string[]): Promise<PackageRecord[]> {
  const text = await query('show', '--no-all-versions', ...packages);
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

/** The version of a package that the archive has now. */
export async function packageVersion(name: string): Promise<string> {
  const [record] = await records([name]);
  return record?.version ?? '';
}

/** Downloads packages, unless they are there, and gives their files. An unfinished file is completed by apt. */
export async function download(packages: readonly string[]): Promise<string[]> {
  const folder = cachePath('packages');
  await mkdir(folder, { recursive: true });
  const files = (await records(packages)).map(({ name, version, architecture }) =>
    join(folder, `${name}_${version.replaceAll(':', '%3a')}_${architecture}.deb`),
  );
  const args = [...options(), '--quiet', 'download', ...packages];
  const output = await run('apt-get', args, { cwd: folder, mayFail: true });
  if (output.status !== 0 || !files.every((file) => existsSync(file))) {
    const names = packages.join(' ');
    throw new ToolError(`These packages could not be downloaded: ${names}\n${lastLines(output.stderr, 3)}`);
  }
  return files;
}
