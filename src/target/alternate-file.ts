/**
 * The file that holds what the debug information of several files has in common, as `dwz -m` makes it: section
 * .gnu_debugaltlink has its name and its build-id (GDB manual, "Separate Debug Files"), .debug_sup the same in DWARF 5
 * (section 7.3.6).
 *
 * It is looked for only in the folders that are searched for debug files, whatever its name says, and believed only
 * where it has that build-id.
 */

import { attempt, FormatError } from '../base/errors.ts';
import type { Host } from '../base/host.ts';
import { once } from '../base/search.ts';
import { FileSource } from '../bytes/byte-source.ts';
import { lebLength, stringAt, u16At, ulebAt } from '../bytes/read.ts';
import { DwarfSections } from '../debuginfo/dwarf/sections.ts';
import { buildIdOfElf } from '../formats/elf/build-id.ts';
import { ElfFile } from '../formats/elf/elf-file.ts';
import { fetchedBefore } from './cache-folders.ts';
import { debugRoots, folderOf, isBuildId, isName } from './vmlinux-places.ts';

export interface AlternateLink {
  /** A path, as the file has it. */
  readonly name: string;
  /** Hex. */
  readonly buildId: string;
}

const SUP_VERSION = 5;

/** Undefined where the file has none. */
export function readAlternateLink(elf: ElfFile): AlternateLink | undefined {
  return attempt(() => gnuLink(elf) ?? supplementary(elf, false));
}

function gnuLink(elf: ElfFile): AlternateLink | undefined {
  const section = elf.section('.gnu_debugaltlink');
  if (section === undefined) return undefined;
  const bytes = elf.bytesOf(section);
  const name = stringAt(bytes, 0);
  return linkOf(name, bytes.subarray(bytes.indexOf(0) + 1));
}

/**
 * Version, whether this is the supplementary file itself, name, length of the checksum, checksum.
 * @param itself whether the file is to be such a file, not one that needs one
 */
function supplementary(elf: ElfFile, itself: boolean): AlternateLink | undefined {
  const section = elf.section('.debug_sup');
  if (section === undefined) return undefined;
  const bytes = elf.bytesOf(section);
  if (u16At(bytes, 0) !== SUP_VERSION || bytes[2] !== (itself ? 1 : 0)) return undefined;
  const name = stringAt(bytes, 3);
  const at = bytes.indexOf(0, 3) + 1;
  const start = at + lebLength(bytes, at);
  return linkOf(name, bytes.subarray(start, start + ulebAt(bytes, at)));
}

function linkOf(name: string, id: Uint8Array): AlternateLink {
  const buildId = Array.from(id, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (!isBuildId(buildId)) throw new FormatError('.gnu_debugaltlink', 'has no build-id');
  return { name, buildId };
}

/**
 * For `DwarfSectionsOptions.alternate`: looks for the file when it is first needed, which may throw NeedResource.
 * Undefined where the file names none, or it is not found.
 * @param roots trees of debug files
 */
export function alternateOf(elf: ElfFile, host: Host, roots: readonly string[]): () => DwarfSections | undefined {
  return once(() => {
    const link = readAlternateLink(elf);
    const found = link && findAlternate(elf.source.name, link, host, roots);
    return found && new DwarfSections(found, host, { isAlternate: true });
  });
}

/** For the user: what a file lacks when the one it shares with others is not found; nothing otherwise. */
export function alternateProblem(elf: ElfFile, host: Host, debugFolders: readonly string[]): string[] {
  const link = readAlternateLink(elf);
  if (link === undefined || findAlternate(elf.source.name, link, host, debugRoots(debugFolders)) !== undefined)
    return [];
  return [
    `${elf.source.name}: a part of its debug information is in ${link.name} (build-id ${link.buildId}), which was not found: types and names are missing; --debug-dir tells where it is`,
  ];
}

function findAlternate(path: string, link: AlternateLink, host: Host, roots: readonly string[]): ElfFile | undefined {
  for (const place of alternatePaths(path, link, roots)) {
    const elf = openBuild(place, link.buildId, host);
    if (elf !== undefined) return elf;
  }
  const fetched = fetchedBefore(host, link.buildId);
  const cached = fetched === undefined ? undefined : openBuild(fetched, link.buildId, host);
  if (cached !== undefined) return cached;
  const answer = host.fetchDebugFile(link.buildId);
  return 'path' in answer ? openBuild(answer.path, link.buildId, host) : undefined;
}

/** By build-id; by name in a .dwz folder of a tree or beside the file, or beside it without one. */
export function alternatePaths(path: string, { name, buildId }: AlternateLink, roots: readonly string[]): string[] {
  const folder = folderOf(path);
  const parts = name.split('/');
  const below = parts.slice(parts.lastIndexOf('.dwz') + 1);
  const shared = parts.includes('.dwz') && below.every(isName) ? `.dwz/${below.join('/')}` : undefined;
  return [
    ...roots.map((root) => `${root}/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`),
    ...(shared === undefined ? [] : [...roots, folder].map((root) => `${root}/${shared}`)),
    ...(isName(below.at(-1) ?? '') ? [`${folder}/${below.at(-1) ?? ''}`] : []),
  ];
}

function openBuild(path: string, buildId: string, host: Host): ElfFile | undefined {
  const file = host.open(path);
  if (file === undefined) return undefined;
  const elf = attempt(() => new ElfFile(new FileSource(file)));
  if (elf !== undefined && idOf(elf) === buildId) return elf;
  file.close();
  return undefined;
}

function idOf(elf: ElfFile): string | undefined {
  return buildIdOfElf(elf) ?? attempt(() => supplementary(elf, true))?.buildId;
}
