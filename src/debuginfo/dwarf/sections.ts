/**
 * The debug sections of one file together, as its units see them, with what several units share kept: abbreviation
 * tables, units, strings by offset.
 */

import { LookupError } from '../../base/errors.ts';
import type { Host } from '../../base/host.ts';
import { once } from '../../base/search.ts';
import { s64At, u32At, u53At } from '../../bytes/read.ts';
import type { ElfFile } from '../../formats/elf/elf-file.ts';
import type { AbbrevTable } from './abbrev.ts';
import type { Die } from './die.ts';
import { openDebugSection, type DebugSection, type SectionAddress } from './section.ts';

/**
 * Offsets in .debug_info of an alternate file are counted from here on, so that a number tells of which file it is.
 * No section is that long, and sums stay exact.
 */
export const ALTERNATE_BASE = 2 ** 48;

export interface DwarfSectionsOptions {
  /** Where the sections of a relocatable file were loaded. */
  readonly addressOf?: SectionAddress;
  /** The file that holds what several files share (dwz), where it is found. */
  readonly alternate?: () => DwarfSections | undefined;
  /** Whether this is such a file itself. */
  readonly isAlternate?: boolean;
}

/** Units keep the table they use; this many are kept for others that share one. */
const MOST_TABLES = 64;

export class DwarfSections {
  readonly elf: ElfFile;
  /** What offsets in its .debug_info are counted from. */
  readonly base: number;
  /** What several files share (dwz). */
  readonly alternate: () => DwarfSections | undefined;
  /** Set by whoever keeps the units: finds the entry at an offset of .debug_info. */
  dieAt: (offset: number) => Die | undefined = () => undefined;
  readonly #host: Host;
  readonly #addressOf: SectionAddress;
  readonly #opened = new Map<string, DebugSection | undefined>();
  readonly #abbrevs = new Map<number, AbbrevTable>();

  constructor(elf: ElfFile, host: Host, options: DwarfSectionsOptions = {}) {
    const { addressOf = () => undefined, alternate = () => undefined, isAlternate = false } = options;
    this.elf = elf;
    this.base = isAlternate ? ALTERNATE_BASE : 0;
    this.alternate = once(alternate);
    this.#host = host;
    this.#addressOf = addressOf;
  }

  optional(name: string): DebugSection | undefined {
    if (!this.#opened.has(name)) {
      this.#opened.set(name, openDebugSection(this.elf, name, this.#host, this.#addressOf));
    }
    return this.#opened.get(name);
  }

  /** Throws LookupError where the file has no such section. */
  required(name: string): DebugSection {
    const section = this.optional(name);
    if (section === undefined) throw new LookupError('debug section', `${name} of ${this.elf.source.name}`);
    return section;
  }

  string(section: '.debug_str' | '.debug_line_str', offset: number): string {
    return this.required(section).string(offset);
  }

  /** Of the alternate file; undefined where that was not found. */
  alternateString(offset: number): string | undefined {
    return this.alternate()?.string('.debug_str', offset);
  }

  indexedString(base: number, index: number, offsetSize: 4 | 8): string {
    const bytes = this.required('.debug_str_offsets').bytes(base + index * offsetSize, offsetSize);
    return this.string('.debug_str', offsetSize === 4 ? u32At(bytes, 0) : u53At(bytes, 0));
  }

  indexedAddress(base: number, index: number): number {
    return s64At(this.required('.debug_addr').bytes(base + index * 8, 8), 0);
  }

  abbrevs(offset: number, read: (section: DebugSection, offset: number) => AbbrevTable): AbbrevTable {
    let table = this.#abbrevs.get(offset);
    if (table === undefined) {
      table = read(this.required('.debug_abbrev'), offset);
      if (this.#abbrevs.size >= MOST_TABLES) this.#abbrevs.clear();
      this.#abbrevs.set(offset, table);
    }
    return table;
  }
}
