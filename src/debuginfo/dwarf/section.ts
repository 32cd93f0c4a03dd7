/**
 * The debug sections of an ELF file as windows of bytes: read where they lie, unpacked once where the file has them
 * compressed (SHF_COMPRESSED by zlib or zstd, or GNU's .zdebug_), relocated window by window in relocatable files (a `.ko`).
 *
 * Relocation: System V ABI, AMD64 supplement, section 4.4. Only what debug sections use: absolute words of 4 and 8
 * bytes, whose symbol is a section of the module (its run-time address) or another debug section (zero).
 */

import { FormatError } from '../../base/errors.ts';
import type { Host } from '../../base/host.ts';
import { BytesSource, readExactly, readUpTo, type ByteSource } from '../../bytes/byte-source.ts';
import { Cursor } from '../../bytes/cursor.ts';
import { decodeText, s64At, u16At, u32At, u53At } from '../../bytes/read.ts';
import {
  ELFCOMPRESS_ZLIB,
  ELFCOMPRESS_ZSTD,
  ET_REL,
  SHF_COMPRESSED,
  SHT_NOBITS,
  SHT_RELA,
} from '../../formats/elf/constants.ts';
import type { ElfFile, ElfSection } from '../../formats/elf/elf-file.ts';

/** A part of a source as a source of its own. */
class SectionSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #source: ByteSource;
  readonly #start: number;

  constructor(name: string, source: ByteSource, start: number, size: number) {
    this.name = name;
    this.size = Math.max(0, Math.min(size, source.size - start));
    this.#source = source;
    this.#start = start;
  }

  readInto(offset: number, target: Uint8Array): number {
    const length = Math.min(target.length, this.size - offset);
    return length <= 0 ? 0 : this.#source.readInto(this.#start + offset, target.subarray(0, length));
  }
}

/** The bytes of a section of a file that is not relocatable, for tables read in place. */
export function sectionSource(elf: ElfFile, section: ElfSection): ByteSource {
  return new SectionSource(`${elf.source.name}: ${section.name}`, elf.source, section.offset, section.size);
}

export class DebugSection {
  readonly name: string;
  readonly source: ByteSource;
  readonly #relocations: Relocations | undefined;

  constructor(name: string, source: ByteSource, relocations: Relocations | undefined) {
    this.name = name;
    this.source = source;
    this.#relocations = relocations;
  }

  get size(): number {
    return this.source.size;
  }

  /** A copy of exactly `length` bytes. Throws FormatError past the end. */
  bytes(offset: number, length: number): Uint8Array {
    const bytes = readExactly(this.source, offset, length);
    this.#relocations?.apply(bytes, offset);
    return bytes;
  }

  /** A copy of as many bytes as there are, `length` at most. */
  bytesUpTo(offset: number, length: number): Uint8Array {
    const bytes = readUpTo(this.source, offset, length);
    this.#relocations?.apply(bytes, offset);
    return bytes;
  }

  /** The zero-terminated string at an offset. */
  string(offset: number): string {
    for (let length = 64; ; length *= 8) {
      const bytes = readUpTo(this.source, offset, length);
      const end = bytes.indexOf(0);
      if (end >= 0) return decodeText(bytes.subarray(0, end));
      if (bytes.length < length) throw new FormatError(this.name, 'a string does not end', offset);
    }
  }
}

/** The address a section of a relocatable file was loaded at; undefined where it is not in memory. */
export type SectionAddress = (name: string) => bigint | undefined;

/** The debug section of that name, under any of its spellings; undefined where the file has none. */
export function openDebugSection(
  elf: ElfFile,
  name: string,
  host: Host,
  addressOf: SectionAddress,
): DebugSection | undefined {
  const found = [name, name.replace('.debug_', '.zdebug_')].map((spelling) => elf.section(spelling));
  const section = found.find((candidate) => candidate !== undefined && candidate.type !== SHT_NOBITS);
  if (section === undefined) return undefined;
  const relocations = elf.type === ET_REL ? Relocations.of(elf, section, addressOf) : undefined;
  return new DebugSection(name, sourceOf(elf, section, host), relocations);
}

function sourceOf(elf: ElfFile, section: ElfSection, host: Host): ByteSource {
  if (section.name.startsWith('.zdebug_')) return inflateGnu(elf, section, host);
  return (section.flags & SHF_COMPRESSED) === 0 ? sectionSource(elf, section) : inflateElf(elf, section, host);
}

/** Elf64_Chdr: gABI chapter 4, "Section Compression". */
function inflateElf(elf: ElfFile, section: ElfSection, host: Host): ByteSource {
  const name = `${elf.source.name}: ${section.name}`;
  const bytes = elf.bytesOf(section);
  const header = new Cursor(bytes, name);
  const type = header.u32();
  header.skip(4);
  const size = header.u53();
  return new BytesSource(name, unpacked(name, type, bytes.subarray(ELF64_CHDR_SIZE), size, host));
}

function unpacked(name: string, type: number, data: Uint8Array, size: number, host: Host): Uint8Array {
  if (size > LARGEST_SECTION) throw new FormatError(name, `says that it unpacks to ${size} bytes`);
  try {
    switch (type) {
      case ELFCOMPRESS_ZLIB:
        return host.inflate(data, size);
      case ELFCOMPRESS_ZSTD:
        return host.unzstd(data, size).slice();
    }
  } catch (error) {
    throw error instanceof FormatError ? new FormatError(name, `cannot be unpacked: ${error.message}`) : error;
  }
  throw new FormatError(name, `is compressed in a way that is not supported (type ${type})`);
}

/** "ZLIB", the size as eight big-endian bytes, the stream. */
function inflateGnu(elf: ElfFile, section: ElfSection, host: Host): ByteSource {
  const name = `${elf.source.name}: ${section.name}`;
  const bytes = elf.bytesOf(section);
  if (decodeText(bytes.subarray(0, 4)) !== 'ZLIB') throw new FormatError(name, 'is no .zdebug section');
  const size = new Cursor(bytes, name, 4, false).u53();
  return new BytesSource(name, unpacked(name, ELFCOMPRESS_ZLIB, bytes.subarray(12), size, host));
}

const ELF64_CHDR_SIZE = 24;
/** Sections are unpacked whole: what a damaged header says must not fill the memory. */
const LARGEST_SECTION = 2 ** 32 - 1;
const RELA_SIZE = 24;
const SYM_SIZE = 24;
const WRAP = 0x1_0000_0000;
const R_X86_64_64 = 1;
const R_X86_64_32 = 10;
const R_X86_64_32S = 11;

/** The .rela section of a debug section, sorted by offset, applied to whatever window of it is read. */
class Relocations {
  readonly #rela: Uint8Array;
  readonly #sorted: boolean;
  readonly #symbolValue: (index: number) => number;

  static of(elf: ElfFile, section: ElfSection, addressOf: SectionAddress): Relocations | undefined {
    const rela = elf.sections().find((candidate) => candidate.type === SHT_RELA && candidate.info === section.index);
    const symtab = rela === undefined ? undefined : elf.sections()[rela.link];
    if (rela === undefined || symtab === undefined) return undefined;
    const symbols = elf.bytesOf(symtab);
    const sections = elf.sections();
    // Signed, as code addresses are everywhere in DWARF here: exact in a double.
    const bases = Float64Array.from(sections, ({ name }) => Number(BigInt.asIntN(64, addressOf(name) ?? 0n)));
    const symbolValue = (index: number): number =>
      (bases[u16At(symbols, index * SYM_SIZE + 6)] ?? 0) + s64At(symbols, index * SYM_SIZE + 8);
    return new Relocations(elf.bytesOf(rela), symbolValue);
  }

  constructor(rela: Uint8Array, symbolValue: (index: number) => number) {
    this.#rela = rela;
    this.#symbolValue = symbolValue;
    const view = new DataView(rela.buffer, rela.byteOffset, rela.byteLength);
    let sorted = true;
    let last = 0;
    for (let at = 0; at + RELA_SIZE <= rela.length && sorted; at += RELA_SIZE) {
      const offset = view.getUint32(at, true);
      sorted = offset >= last;
      last = offset;
    }
    this.#sorted = sorted;
  }

  /** Patches `bytes`, which begin at `start` of the section. */
  apply(bytes: Uint8Array, start: number): void {
    const rela = this.#rela;
    const end = start + bytes.length;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = this.#sorted ? this.#firstFrom(start) : 0; at + RELA_SIZE <= rela.length; at += RELA_SIZE) {
      const offset = u53At(rela, at);
      if (offset >= end) {
        if (this.#sorted) break;
        continue;
      }
      if (offset < start) continue;
      const type = u32At(rela, at + 8);
      const width = type === R_X86_64_64 ? 8 : type === R_X86_64_32 || type === R_X86_64_32S ? 4 : 0;
      if (width === 0 || offset + width > end) continue;
      const value = this.#symbolValue(u32At(rela, at + 12)) + s64At(rela, at + 16);
      view.setUint32(offset - start, value % WRAP, true);
      if (width === 8) view.setUint32(offset - start + 4, Math.floor(value / WRAP), true);
    }
  }

  #firstFrom(start: number): number {
    let low = 0;
    let high = Math.floor(this.#rela.length / RELA_SIZE);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (u53At(this.#rela, middle * RELA_SIZE) < start) low = middle + 1;
      else high = middle;
    }
    return low * RELA_SIZE;
  }
}
