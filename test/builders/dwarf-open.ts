/** From built bytes to the reader of them. */

import { BytesSource } from '../../src/bytes/byte-source.ts';
import { DwarfInfo } from '../../src/debuginfo/dwarf/dwarf-info.ts';
import type { SectionAddress } from '../../src/debuginfo/dwarf/section.ts';
import { DwarfSections } from '../../src/debuginfo/dwarf/sections.ts';
import { ElfFile } from '../../src/formats/elf/elf-file.ts';
import type { DwarfBuilder } from './dwarf.ts';
import { memoryHost } from './host.ts';

export function openElfBytes(bytes: Uint8Array, name = 'built'): ElfFile {
  return new ElfFile(new BytesSource(name, bytes));
}

export function openDwarfBytes(bytes: Uint8Array, addressOf?: SectionAddress): DwarfInfo {
  return new DwarfInfo(
    new DwarfSections(openElfBytes(bytes), memoryHost(), addressOf === undefined ? {} : { addressOf }),
  );
}

export function openDwarf(builder: DwarfBuilder): DwarfInfo {
  return openDwarfBytes(builder.build());
}
