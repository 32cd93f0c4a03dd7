/** The GNU build-id of an ELF file: which build it is of. */

import { attempt } from '../../base/errors.ts';
import { SHT_NOTE } from './constants.ts';
import type { ElfFile } from './elf-file.ts';
import { buildIdOf, parseNotes } from './notes.ts';

/** As hex; undefined where the file has none. */
export function buildIdOfElf(elf: ElfFile): string | undefined {
  for (const section of elf.sections()) {
    if (section.type !== SHT_NOTE) continue;
    const id = attempt(() => buildIdOf(parseNotes(elf.bytesOf(section), section.name)));
    if (id !== undefined) return id;
  }
  return undefined;
}
