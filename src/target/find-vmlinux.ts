/**
 * The search for a dump's vmlinux when the user names none: by build-id where the dump tells it, else every candidate
 * by name, of which the one that is proved to fit is taken. What was looked at is remembered for the user.
 */

import { FormatError, messageOf, OpenError } from '../base/errors.ts';
import type { Host } from '../base/host.ts';
import { FileSource } from '../bytes/byte-source.ts';
import { ElfFile } from '../formats/elf/elf-file.ts';
import { buildIdOfElf } from './vmlinux.ts';
import { vmlinuxPlaces, type WantedKernel } from './vmlinux-places.ts';

export interface Candidate {
  readonly elf: ElfFile;
  readonly buildId: string | undefined;
}

/** A place, or several in the shell's notation, and why nothing was taken from there. */
export interface LookedAt {
  readonly place: string;
  readonly problem: string;
}

export interface VmlinuxSearch {
  /** In order of preference; one where the dump's build-id says which, empty where nothing fits. */
  readonly candidates: readonly Candidate[];
  readonly looked: readonly LookedAt[];
}

/** Opens a file as ELF. Throws OpenError with what is wrong with it. */
export function openElf(host: Host, path: string): ElfFile {
  const file = host.open(path);
  if (file === undefined) throw new OpenError(`${path}: ${host.whyNot(path)}`);
  if (file.size === 0) throw new OpenError(`${path}: is empty`);
  try {
    return new ElfFile(new FileSource(file));
  } catch (error) {
    throw new OpenError(messageOf(error));
  }
}

export function findVmlinux(wanted: WantedKernel, host: Host, debugFolders: readonly string[]): VmlinuxSearch {
  const candidates: Candidate[] = [];
  const looked: LookedAt[] = [];
  for (const { folder, names } of vmlinuxPlaces(wanted, host, debugFolders)) {
    const absent: string[] = [];
    for (const name of names) {
      const path = `${folder}/${name}`;
      const found = open(path, wanted.buildId, host);
      if (found === undefined) absent.push(name);
      else if (typeof found === 'string') looked.push({ place: path, problem: found });
      else candidates.push(found);
      if (candidates.length > 0 && wanted.buildId !== undefined) return { candidates, looked };
    }
    if (absent.length > 0) looked.push({ place: together(folder, absent), problem: 'not there' });
  }
  return { candidates, looked };
}

/** Undefined where there is no file; otherwise what is wrong with it. */
function open(path: string, buildId: string | undefined, host: Host): Candidate | string | undefined {
  const file = host.open(path);
  if (file === undefined) {
    const why = host.whyNot(path);
    return why === 'no such file' ? undefined : why;
  }
  try {
    const elf = new ElfFile(new FileSource(file));
    const own = buildIdOfElf(elf);
    if (buildId === undefined || own === buildId) return { elf, buildId: own };
    file.close();
    return own === undefined ? 'has no build-id' : `is of another build: ${own}`;
  } catch (error) {
    file.close();
    if (error instanceof FormatError) return error.message.replace(`${path}: `, '');
    throw error;
  }
}

/** As a shell writes it: /boot/{vmlinux,vmlinux-6.1}. */
function together(folder: string, names: readonly string[]): string {
  return `${folder}/${names.length === 1 ? (names[0] ?? '') : `{${names.join(',')}}`}`;
}
