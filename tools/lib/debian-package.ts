// Unpacks Debian packages without installing them.
import { mkdir } from 'node:fs/promises';
import { run } from './process.ts';

/** Unpacks whole packages into one folder. */
export async function unpack(files: readonly string[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const file of files) await run('dpkg-deb', ['--extract', file, folder]);
}

/**
 * Unpacks some files of a package, in one pass and without writing the rest (a kernel's debug package holds gigabytes).
 * `members` are tar's patterns; one that matches nothing is an error.
 */
export async function unpackMembers(file: string, members: readonly string[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const script = 'dpkg-deb --fsys-tarfile "$0" | tar --extract --no-same-owner --wildcards --directory "$@"';
  await run('bash', ['-o', 'pipefail', '-c', script, file, folder, ...members]);
}
