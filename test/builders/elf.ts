/** ELF files of either class: sections, symbols, segments, counts that do not fit the header, compressed sections. */

import { deflateSync } from 'node:zlib';
import {
  ELFCOMPRESS_ZLIB,
  EM_X86_64,
  ET_EXEC,
  PN_XNUM,
  SHF_COMPRESSED,
  SHT_NOBITS,
  SHT_PROGBITS,
  SHT_SYMTAB,
  STB_GLOBAL,
  STT_FUNC,
} from '../../src/formats/elf/constants.ts';
import { ByteWriter } from './byte-writer.ts';

const SHT_STRTAB = 3;

export interface SectionSpec {
  readonly name: string;
  readonly data?: Uint8Array;
  readonly type?: number;
  readonly flags?: number;
  readonly address?: bigint;
  readonly link?: number;
  readonly info?: number;
  readonly entrySize?: number;
  /** In bytes, where it is not that of the data. */
  readonly size?: number;
  readonly compressed?: boolean;
}

export interface SymbolSpec {
  readonly name: string;
  readonly value: bigint;
  readonly size?: number;
  readonly bind?: number;
  readonly type?: number;
  /** A section index. */
  readonly section?: number;
}

export interface SegmentSpec {
  readonly type: number;
  readonly data: Uint8Array;
  readonly flags?: number;
  readonly virtualAddress?: bigint;
  readonly physicalAddress?: bigint;
  readonly fileSize?: number;
  readonly memorySize?: number;
  readonly offset?: number;
}

export interface ElfOptions {
  readonly bits?: 32 | 64;
  readonly type?: number;
  readonly machine?: number;
  /** e_flags. */
  readonly flags?: number;
  /** Counts of segments and sections are written to section header 0. */
  readonly extended?: boolean;
}

export class ElfBuilder {
  readonly #options: ElfOptions;
  readonly #sections: SectionSpec[] = [{ name: '', type: 0 }];
  readonly #symbols: SymbolSpec[] = [];
  readonly #segments: SegmentSpec[] = [];

  constructor(options: ElfOptions = {}) {
    this.#options = options;
  }

  /** Returns its index. */
  section(spec: SectionSpec): number {
    this.#sections.push(spec);
    return this.#sections.length - 1;
  }

  symbol(spec: SymbolSpec): this {
    this.#symbols.push(spec);
    return this;
  }

  segment(spec: SegmentSpec): this {
    this.#segments.push(spec);
    return this;
  }

  build(): Uint8Array {
    const is64 = (this.#options.bits ?? 64) === 64;
    const { extended = false } = this.#options;
    const headerSize = is64 ? 64 : 52;
    const segmentSize = is64 ? 56 : 32;
    const sectionSize = is64 ? 64 : 40;
    const sections = [...this.#sections];
    if (this.#symbols.length > 0) sections.push(...symbolSections(this.#symbols, sections.length, is64));
    const names = new ByteWriter();
    const nameOffsets = [...sections, { name: '.shstrtab' }].map(({ name }) => {
      const at = names.length;
      names.string(name);
      return at;
    });
    sections.push({ name: '.shstrtab', type: SHT_STRTAB, data: names.build() });

    const body = new ByteWriter();
    const bodyStart = headerSize + this.#segments.length * segmentSize;
    const place = (data: Uint8Array): number => {
      body.align(8);
      const at = bodyStart + body.length;
      body.bytes(data);
      return at;
    };
    const segmentOffsets = this.#segments.map((segment) => segment.offset ?? place(segment.data));
    const contents = sections.map((section) =>
      section.compressed === true ? compress(section) : (section.data ?? new Uint8Array(0)),
    );
    const offsets = contents.map((data, index) => (sections[index]?.type === SHT_NOBITS ? 0 : place(data)));
    body.align(8);
    const sectionTable = bodyStart + body.length;

    const file = new ByteWriter();
    const word = (value: bigint | number): ByteWriter => file.unsigned(value, is64 ? 8 : 4);
    file.bytes([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, 1, 1, 0]).zeros(8);
    file
      .u16(this.#options.type ?? ET_EXEC)
      .u16(this.#options.machine ?? EM_X86_64)
      .u32(1);
    word(0);
    word(this.#segments.length === 0 ? 0 : headerSize);
    word(sectionTable);
    file
      .u32(this.#options.flags ?? 0)
      .u16(headerSize)
      .u16(segmentSize)
      .u16(extended ? PN_XNUM : this.#segments.length);
    file
      .u16(sectionSize)
      .u16(extended ? 0 : sections.length)
      .u16(extended ? 0xffff : sections.length - 1);
    for (const [index, segment] of this.#segments.entries()) {
      const fileSize = segment.fileSize ?? segment.data.length;
      file.u32(segment.type);
      if (is64) file.u32(segment.flags ?? 7);
      word(segmentOffsets[index] ?? 0);
      word(segment.virtualAddress ?? 0n);
      word(segment.physicalAddress ?? 0n);
      word(fileSize);
      word(segment.memorySize ?? fileSize);
      if (!is64) file.u32(segment.flags ?? 7);
      word(0);
    }
    file.bytes(body.build());
    for (const [index, section] of sections.entries()) {
      const first = index === 0 && extended;
      file.u32(nameOffsets[index] ?? 0).u32(section.type ?? SHT_PROGBITS);
      word((section.flags ?? 0) | (section.compressed === true ? SHF_COMPRESSED : 0));
      word(section.address ?? 0n);
      word(index === 0 ? 0 : (offsets[index] ?? 0));
      word(first ? sections.length : (section.size ?? contents[index]?.length ?? 0));
      file.u32(first ? sections.length - 1 : (section.link ?? 0));
      file.u32(first ? this.#segments.length : (section.info ?? 0));
      word(8);
      word(section.entrySize ?? 0);
    }
    return file.build();
  }
}

/** .symtab and .strtab, which stand at `index` and behind it. */
function symbolSections(symbols: readonly SymbolSpec[], index: number, is64: boolean): SectionSpec[] {
  const { symtab, strtab } = symbolTableBytes(symbols, is64);
  return [
    { name: '.symtab', type: SHT_SYMTAB, data: symtab, link: index + 1, info: 1, entrySize: is64 ? 24 : 16 },
    { name: '.strtab', type: SHT_STRTAB, data: strtab },
  ];
}

/** The bytes of a symbol table, a null symbol first, and of its strings. */
export function symbolTableBytes(
  symbols: readonly SymbolSpec[],
  is64 = true,
): { symtab: Uint8Array; strtab: Uint8Array } {
  const strings = new ByteWriter().u8(0);
  const table = new ByteWriter().zeros(is64 ? 24 : 16);
  for (const { name, value, size = 0, bind = STB_GLOBAL, type = STT_FUNC, section = 1 } of symbols) {
    table.u32(name === '' ? 0 : strings.length);
    if (name !== '') strings.string(name);
    const info = (bind << 4) | type;
    if (is64) table.u8(info).u8(0).u16(section).u64(value).u64(size);
    else table.u32(Number(value)).u32(size).u8(info).u8(0).u16(section);
  }
  return { symtab: table.build(), strtab: strings.build() };
}

/** Elf64_Chdr and the stream. */
function compress({ data = new Uint8Array(0) }: SectionSpec): Uint8Array {
  return new ByteWriter().u32(ELFCOMPRESS_ZLIB).u32(0).u64(data.length).u64(1).bytes(deflateSync(data)).build();
}

export interface NoteSpec {
  readonly name: string;
  readonly type: number;
  readonly data: Uint8Array;
}

/** Notes as Linux and QEMU write them: each part padded to four bytes. */
export function noteBytes(notes: readonly NoteSpec[]): Uint8Array {
  const out = new ByteWriter();
  for (const { name, type, data } of notes) {
    out
      .u32(name.length + 1)
      .u32(data.length)
      .u32(type)
      .string(name)
      .align(4)
      .bytes(data)
      .align(4);
  }
  return out.build();
}
