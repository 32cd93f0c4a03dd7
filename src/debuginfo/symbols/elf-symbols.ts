/** The symbol table of an ELF file on disk. */

import type { ElfFile } from '../../formats/elf/elf-file.ts';
import { SHF_ALLOC, SHT_SYMTAB } from '../../formats/elf/constants.ts';
import { SymbolTable } from './symbol-table.ts';

/** Undefined where the file has been stripped of its symbols. */
export function symbolsOfElf(elf: ElfFile, slide: bigint, module?: string): SymbolTable | undefined {
  const symtab = elf.sections().find((section) => section.type === SHT_SYMTAB);
  const strtab = symtab === undefined ? undefined : elf.sections()[symtab.link];
  if (symtab === undefined || strtab === undefined) return undefined;
  return new SymbolTable({
    symtab: elf.bytesOf(symtab),
    strtab: elf.bytesOf(strtab),
    slide,
    module,
    sections: elf.sections().map((section) => ({
      flags: section.flags,
      type: section.type,
      addressable: section.address !== 0n || (section.flags & SHF_ALLOC) === 0,
    })),
  });
}
