/**
 * The debug link of a stripped file: section .gnu_debuglink holds the name of the file with its debug information,
 * zeros up to a multiple of four, and the CRC-32 of that file (GDB manual, "Separate Debug Files").
 */

import { attempt } from '../base/errors.ts';
import { crc32Of } from '../bytes/crc32.ts';
import { fixedString, u32At } from '../bytes/read.ts';
import type { ElfFile } from '../formats/elf/elf-file.ts';
import { folderOf, isName } from './vmlinux-places.ts';

export interface Debuglink {
  /** A mere name: nothing that leads out of the folders that are searched. */
  readonly name: string;
  readonly crc: number;
}

/** Undefined where the file has none, or one that is no mere name. */
export function readDebuglink(elf: ElfFile): Debuglink | undefined {
  return attempt(() => {
    const section = elf.section('.gnu_debuglink');
    if (section === undefined) return undefined;
    const bytes = elf.bytesOf(section);
    const name = fixedString(bytes);
    return isName(name) ? { name, crc: u32At(bytes, (name.length + 4) & ~3) } : undefined;
  });
}

/** Where the linked file may be: beside the file, in .debug/ there, and in each tree of debug files. */
export function debuglinkPaths(path: string, { name }: Debuglink, debugRoots: readonly string[]): string[] {
  const folder = folderOf(path);
  return [
    `${folder}/${name}`,
    `${folder}/.debug/${name}`,
    ...(folder.startsWith('/') ? debugRoots.map((root) => `${root}${folder}/${name}`) : []),
  ].filter((linked) => linked !== path);
}

/** Whether a file is the one that a link means. Reads the whole file. */
export function isLinked(elf: ElfFile, link: Debuglink): boolean {
  return crc32Of(elf.source) === link.crc;
}
