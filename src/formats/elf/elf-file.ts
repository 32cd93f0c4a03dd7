/**
 * An ELF file: header, sections, segments. gABI chapters 4 and 5; 32- and 64-bit, little-endian.
 *
 * Invariants: nothing but the header is read before it is asked for; section 0 supplies the counts that do not fit
 * the header (PN_XNUM, SHN_XINDEX). Offsets and sizes are checked when bytes are read, so a file that was cut off
 * still opens.
 */

import { FormatError } from '../../base/errors.ts';
import { once } from '../../base/search.ts';
import { readExactly, readUpTo, type ByteSource } from '../../bytes/byte-source.ts';
import { Cursor } from '../../bytes/cursor.ts';
import { fixedString } from '../../bytes/read.ts';
import { PN_XNUM, SHN_XINDEX, SHT_NOBITS } from './constants.ts';

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  /** Link-time address, as an unsigned 64-bit integer. */
  readonly address: bigint;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

export interface ElfSegment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly virtualAddress: bigint;
  readonly physicalAddress: bigint;
  readonly fileSize: number;
  readonly memorySize: number;
}

const HEADER_SIZE_32 = 52;
const HEADER_SIZE_64 = 64;

interface RawSection extends Omit<ElfSection, 'name'> {
  readonly nameOffset: number;
}

export class ElfFile {
  readonly source: ByteSource;
  readonly is64: boolean;
  readonly type: number;
  readonly machine: number;
  /** e_flags. */
  readonly flags: number;
  /** Where the program headers end: a file that is shorter has lost some. */
  readonly segmentsEnd: number;
  readonly sections: () => readonly ElfSection[];
  /** Whether section headers lie beyond the end of the file: it was cut off. */
  readonly sectionsMissing: () => boolean;
  readonly segments: () => readonly ElfSegment[];

  constructor(source: ByteSource) {
    this.source = source;
    const head = new Cursor(readUpTo(source, 0, HEADER_SIZE_64), source.name);
    if (!looksLikeElf(head.bytes)) throw new FormatError(source.name, 'is not an ELF file');
    this.is64 = head.bytes[4] === 2;
    if (head.bytes.length < (this.is64 ? HEADER_SIZE_64 : HEADER_SIZE_32))
      throw new FormatError(source.name, 'is cut off: it ends inside its ELF header');
    if (head.bytes[5] !== 1) throw new FormatError(source.name, 'is a big-endian ELF file, which is not supported');
    head.skip(16);
    this.type = head.u16();
    this.machine = head.u16();
    head.skip(4);
    const word = (): number => (this.is64 ? Number(head.u64()) : head.u32());
    word(); // e_entry
    const segmentOffset = word();
    const sectionOffset = word();
    this.flags = head.u32();
    head.skip(2);
    const segmentEntry = head.u16();
    const segmentCount = head.u16();
    const sectionEntry = head.u16();
    const sectionCount = head.u16();
    const nameIndex = head.u16();

    this.segmentsEnd = segmentOffset + segmentEntry * segmentCount;
    const wanted = once(() => {
      if (sectionOffset === 0 || sectionEntry === 0) return 0;
      if (sectionCount !== 0) return sectionCount;
      return this.#rawSections(sectionOffset, sectionEntry, 1)[0]?.size ?? 1;
    });
    const raw = once(() => this.#rawSections(sectionOffset, sectionEntry, wanted()));
    this.sectionsMissing = () => raw().length < wanted();
    this.sections = once(() => this.#named(raw(), nameIndex));
    this.segments = once(() => {
      const count = segmentCount === PN_XNUM ? (raw()[0]?.info ?? segmentCount) : segmentCount;
      return this.#segments(segmentOffset, segmentEntry, count);
    });
  }

  /** The first section of that name. */
  section(name: string): ElfSection | undefined {
    return this.sections().find((section) => section.name === name);
  }

  /** The bytes of a section as they lie in the file (compressed ones compressed). Empty for NOBITS. */
  bytesOf(section: ElfSection): Uint8Array {
    return section.type === SHT_NOBITS ? new Uint8Array(0) : readExactly(this.source, section.offset, section.size);
  }

  #rawSections(offset: number, entrySize: number, count: number): RawSection[] {
    const bytes = readUpTo(this.source, offset, entrySize * count);
    const sections: RawSection[] = [];
    for (let index = 0; index < count && (index + 1) * entrySize <= bytes.length; index++) {
      const cursor = new Cursor(bytes, `${this.source.name}: section headers`, index * entrySize);
      const wide = (): number => (this.is64 ? Number(cursor.u64()) : cursor.u32());
      sections.push({
        index,
        nameOffset: cursor.u32(),
        type: cursor.u32(),
        flags: wide(),
        address: this.is64 ? cursor.u64() : BigInt(cursor.u32()),
        offset: wide(),
        size: wide(),
        link: cursor.u32(),
        info: cursor.u32(),
        entrySize: (wide(), wide()),
      });
    }
    return sections;
  }

  #named(raw: readonly RawSection[], nameIndex: number): ElfSection[] {
    const names = raw[nameIndex === SHN_XINDEX ? (raw[0]?.link ?? 0) : nameIndex];
    const table = names === undefined ? new Uint8Array(0) : readUpTo(this.source, names.offset, names.size);
    return raw.map(({ nameOffset, ...section }) => ({
      ...section,
      name: fixedString(table.subarray(nameOffset)),
    }));
  }

  #segments(offset: number, entrySize: number, count: number): ElfSegment[] {
    const bytes = readUpTo(this.source, offset, entrySize * count);
    const segments: ElfSegment[] = [];
    const cursor = new Cursor(bytes, `${this.source.name}: program headers`);
    for (let index = 0; index < count && (index + 1) * entrySize <= bytes.length; index++) {
      cursor.position = index * entrySize;
      segments.push(this.is64 ? segment64(cursor) : segment32(cursor));
    }
    return segments;
  }
}

export function looksLikeElf(head: Uint8Array): boolean {
  return head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;
}

function segment64(cursor: Cursor): ElfSegment {
  const type = cursor.u32();
  const flags = cursor.u32();
  return {
    type,
    flags,
    offset: Number(cursor.u64()),
    virtualAddress: cursor.u64(),
    physicalAddress: cursor.u64(),
    fileSize: Number(cursor.u64()),
    memorySize: Number(cursor.u64()),
  };
}

function segment32(cursor: Cursor): ElfSegment {
  const type = cursor.u32();
  const offset = cursor.u32();
  const virtualAddress = BigInt(cursor.u32());
  const physicalAddress = BigInt(cursor.u32());
  const fileSize = cursor.u32();
  const memorySize = cursor.u32();
  return { type, flags: cursor.u32(), offset, virtualAddress, physicalAddress, fileSize, memorySize };
}
