/**
 * A file with code by itself, without a dump: vmlinux, or a module (`.ko`, its debug file). A relocatable file's
 * sections have no addresses yet (gABI chapter 4, "Relocation"): they are laid one after the other at the place where
 * modules are loaded, or at the addresses they had in a dump.
 */

import { virtAddr, type VirtAddr } from '../base/addr.ts';
import { messageOf, OpenError } from '../base/errors.ts';
import type { Host } from '../base/host.ts';
import { once } from '../base/search.ts';
import { BytesSource, FileSource, readUpTo } from '../bytes/byte-source.ts';
import { s64At, stringAt, u16At, u32At } from '../bytes/read.ts';
import { DwarfInfo } from '../debuginfo/dwarf/dwarf-info.ts';
import { DwarfSections } from '../debuginfo/dwarf/sections.ts';
import { elfSymbolTable } from '../debuginfo/symbols/elf-symbols.ts';
import type { SymbolTable } from '../debuginfo/symbols/symbol-table.ts';
import {
  EM_X86_64,
  ET_CORE,
  ET_REL,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHN_UNDEF,
  SHT_NOBITS,
  SHT_RELA,
  SHT_SYMTAB,
} from '../formats/elf/constants.ts';
import { relocateCode } from '../formats/elf/relocate-code.ts';
import { ElfFile } from '../formats/elf/elf-file.ts';
import { alternateOf } from './alternate-file.ts';
import { codecOf, LONGEST_MAGIC } from './compression.ts';
import { openElf } from './find-vmlinux.ts';
import { hasDwarf } from './vmlinux.ts';
import { debugRoots } from './vmlinux-places.ts';

/** MODULES_VADDR without KASLR (arch/x86/include/asm/pgtable_64_types.h). */
const MADE_UP_BASE = 0xffffffffc0000000n;
const SECTION_ALIGNMENT = 0x1000n;
const SYM_SIZE = 24;

interface PlacedSection {
  readonly name: string;
  readonly code: boolean;
  readonly start: bigint;
  readonly size: number;
  /** In the file; undefined where it has no bytes there. */
  readonly offset: number | undefined;
}

export class CodeFile {
  readonly elf: ElfFile;
  readonly symbols: SymbolTable;
  /** Whether addresses were made up: they mean nothing to anybody else. */
  readonly placed: boolean;
  /** Undefined where the file has none. */
  readonly dwarf: () => DwarfInfo | undefined;
  readonly #sections: ReadonlyMap<number, PlacedSection>;
  readonly #symtab: Uint8Array;
  readonly #strtab: Uint8Array;

  /**
   * @param addressOf where the sections of a relocatable file were; without it places are made up
   * @throws OpenError where the file has no symbols
   */
  constructor(elf: ElfFile, host: Host, addressOf?: (section: string) => bigint | undefined) {
    this.elf = elf;
    if (elf.type === ET_CORE)
      throw new OpenError(
        `${this.path}: is a memory image; a vmlinux or a module (.ko) with debug information is wanted`,
      );
    this.placed = elf.type === ET_REL && addressOf === undefined;
    this.#sections = placeSections(elf, addressOf);
    const { symtab, strtab, table } = this.#readSymbols();
    this.#symtab = symtab;
    this.#strtab = strtab;
    this.symbols = table;
    const byName = new Map(Array.from(this.#sections.values(), ({ name, start }) => [name, start]));
    this.dwarf = once(() =>
      hasDwarf(elf)
        ? new DwarfInfo(
            new DwarfSections(elf, host, {
              addressOf: (name) => byName.get(name),
              alternate: alternateOf(elf, host, debugRoots([])),
            }),
          )
        : undefined,
    );
  }

  get path(): string {
    return this.elf.source.name;
  }

  /** The bytes the file has for an address, as many as there are; undefined where there are none. */
  bytesAt(address: VirtAddr, length: number): Uint8Array | undefined {
    for (const { start, size, offset } of this.#sections.values()) {
      if (address < start || address >= start + BigInt(size) || offset === undefined) continue;
      const within = Number(address - start);
      return readUpTo(this.elf.source, offset + within, Math.min(length, size - within));
    }
    return undefined;
  }

  /**
   * As `bytesAt`, with the addresses put in that were known only when the file was loaded.
   * @param resolve the address of a symbol that another file has
   */
  loadedBytesAt(
    address: VirtAddr,
    length: number,
    resolve: (name: string) => bigint | undefined,
  ): Uint8Array | undefined {
    const bytes = this.bytesAt(address, length);
    const placed = Array.from(this.#sections).find(
      ([, { start, size }]) => address >= start && address < start + BigInt(size),
    );
    const rela = this.elf.sections().find(({ type, info }) => type === SHT_RELA && info === placed?.[0]);
    if (bytes === undefined || placed === undefined || rela === undefined) return bytes;
    const symbolValue = (index: number): bigint | undefined => {
      const at = index * SYM_SIZE;
      if (u16At(this.#symtab, at + 6) !== SHN_UNDEF) return BigInt(s64At(this.#symtab, at + 8));
      return resolve(stringAt(this.#strtab, u32At(this.#symtab, at)));
    };
    relocateCode(bytes, Number(address - placed[1].start), address, this.elf.bytesOf(rela), symbolValue);
    return bytes;
  }

  isCode(address: VirtAddr): boolean {
    return this.#placeOf(address)?.code === true;
  }

  /** The section an address is in. */
  sectionAt(address: VirtAddr): string | undefined {
    return this.#placeOf(address)?.name;
  }

  /** Where a section of that name begins; zero where there is none. */
  sectionStart(name: string): bigint {
    return Array.from(this.#sections.values()).find((section) => section.name === name)?.start ?? 0n;
  }

  /** Where the section ends that an address is in. */
  sectionEnd(address: VirtAddr): VirtAddr | undefined {
    const section = this.#placeOf(address);
    return section && virtAddr(section.start + BigInt(section.size));
  }

  #placeOf(address: VirtAddr): PlacedSection | undefined {
    return Array.from(this.#sections.values()).find(
      ({ start, size }) => address >= start && address < start + BigInt(size),
    );
  }

  #readSymbols(): { symtab: Uint8Array; strtab: Uint8Array; table: SymbolTable } {
    const { elf } = this;
    const symtab = elf.sections().find((section) => section.type === SHT_SYMTAB);
    const strtab = symtab === undefined ? undefined : elf.sections()[symtab.link];
    if (symtab === undefined || strtab === undefined)
      throw new OpenError(`${this.path}: has no symbols (stripped?); the file of the debug package is wanted`);
    const bytes = elf.bytesOf(symtab).slice();
    if (elf.type === ET_REL) {
      const view = new DataView(bytes.buffer);
      for (let at = 0; at + SYM_SIZE <= bytes.length; at += SYM_SIZE) {
        const base = this.#sections.get(view.getUint16(at + 6, true))?.start;
        if (base !== undefined) view.setBigUint64(at + 8, virtAddr(base + view.getBigUint64(at + 8, true)), true);
      }
    }
    const sections = elf.sections().map(({ index, flags, type, address }) => ({
      flags,
      type,
      addressable: elf.type === ET_REL ? this.#sections.has(index) : address !== 0n || (flags & SHF_ALLOC) === 0,
    }));
    const names = elf.bytesOf(strtab);
    const table = elfSymbolTable({ symtab: bytes, strtab: names, sections });
    return { symtab: bytes, strtab: names, table };
  }
}

/** By index, those that are in memory when the code runs. */
function placeSections(
  elf: ElfFile,
  addressOf: ((section: string) => bigint | undefined) | undefined,
): Map<number, PlacedSection> {
  const placed = new Map<number, PlacedSection>();
  let next = MADE_UP_BASE;
  for (const { index, name, type, flags, address, offset, size } of elf.sections()) {
    if ((flags & SHF_ALLOC) === 0) continue;
    const start = elf.type !== ET_REL ? address : addressOf === undefined ? next : addressOf(name);
    if (start === undefined) continue;
    placed.set(index, {
      name,
      code: (flags & SHF_EXECINSTR) !== 0,
      start,
      size,
      offset: type === SHT_NOBITS ? undefined : offset,
    });
    next += ((BigInt(size) + SECTION_ALIGNMENT) / SECTION_ALIGNMENT) * SECTION_ALIGNMENT;
  }
  return placed;
}

/** @throws OpenError where it is none, or has no debug information; NeedResource where it has to be unpacked first */
export function openCodeFile(host: Host, path: string): CodeFile {
  const elf = openPerhapsPacked(host, path);
  if (elf.machine !== EM_X86_64)
    throw new OpenError(`${path}: is for another machine than x86-64 (ELF ${elf.machine})`);
  if (elf.sectionsMissing())
    throw new OpenError(
      `${path}: the file is cut off: its section headers lie beyond its end, at ${elf.source.size} bytes`,
    );
  const file = new CodeFile(elf, host);
  if (file.dwarf() === undefined)
    throw new OpenError(`${path}: has no debug information (DWARF); the file of the debug package is wanted`);
  return file;
}

function openPerhapsPacked(host: Host, path: string): ElfFile {
  const file = host.open(path);
  const codec = file && codecOf(readUpTo(new FileSource(file), 0, LONGEST_MAGIC));
  if (codec === undefined) return openElf(host, path);
  const bytes = host.unpackFile(path, codec);
  try {
    return new ElfFile(new BytesSource(path, bytes));
  } catch (error) {
    throw new OpenError(messageOf(error));
  }
}
