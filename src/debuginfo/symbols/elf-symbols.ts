/** The symbols of an ELF symbol table: of a file, or of a module in memory. gABI chapter 4, "Symbol Table". */

import { once } from '../../base/search.ts';
import { NameIndex, NO_NAME, startsWith } from '../../bytes/name-index.ts';
import { asWords, stringAt, u53At } from '../../bytes/read.ts';
import {
  SHF_ALLOC,
  SHN_ABS,
  SHN_LORESERVE,
  SHN_UNDEF,
  SHT_SYMTAB,
  STB_GLOBAL,
  STB_LOCAL,
  STT_FILE,
  STT_FUNC,
  STT_SECTION,
} from '../../formats/elf/constants.ts';
import type { ElfFile } from '../../formats/elf/elf-file.ts';
import { isSectionMark } from './section-marks.ts';
import type { SymbolRecords } from './symbol-records.ts';
import { sectionLetter, type SymbolSection } from './symbol-section.ts';
import { SymbolTable } from './symbol-table.ts';

const SYM_SIZE = 24;
const SYM_WORDS = SYM_SIZE / 4;

export interface ElfSymbolsInput {
  /** Elf64_Sym entries. */
  readonly symtab: Uint8Array;
  readonly strtab: Uint8Array;
  /** By section index; undefined where the sections are not known: then every defined symbol has an address. */
  readonly sections?: readonly SymbolSection[] | undefined;
  /** The kernel's `typetab`: the letter of each symbol. */
  readonly letters?: Uint8Array | undefined;
}

/** The table of an ELF file on disk, at link-time addresses. Undefined where the file was stripped of its symbols. */
export function symbolsOfElf(elf: ElfFile): SymbolTable | undefined {
  const symtab = elf.sections().find((section) => section.type === SHT_SYMTAB);
  const strtab = symtab === undefined ? undefined : elf.sections()[symtab.link];
  if (symtab === undefined || strtab === undefined) return undefined;
  const sections = elf.sections().map(({ flags, type, address }) => ({
    flags,
    type,
    addressable: address !== 0n || (flags & SHF_ALLOC) === 0,
  }));
  return elfSymbolTable({ symtab: elf.bytesOf(symtab), strtab: elf.bytesOf(strtab), sections });
}

/** The table of what an ELF symbol table holds, at the addresses that stand in it. */
export function elfSymbolTable(input: ElfSymbolsInput, module?: string): SymbolTable {
  return new SymbolTable(new ElfSymbols(input), 0n, module);
}

class ElfSymbols implements SymbolRecords {
  readonly count: number;
  readonly #input: ElfSymbolsInput;
  readonly #words: Uint32Array;
  readonly #byName: () => NameIndex;

  constructor(input: ElfSymbolsInput) {
    this.count = Math.floor(input.symtab.length / SYM_SIZE);
    this.#input = input;
    this.#words = asWords(input.symtab);
    this.#byName = once(() => this.#indexNames());
  }

  named(name: string): number[] {
    return this.#byName()
      .find(name)
      .filter((index) => this.isNamed(index));
  }

  name(index: number): string {
    return stringAt(this.#input.strtab, this.#nameOffset(index));
  }

  size(index: number): number {
    return u53At(this.#input.symtab, index * SYM_SIZE + 16);
  }

  /**
   * Which of several names an address bears: functions before labels, global before local, sized before not. Names
   * that say less give way: padding before functions (`__pfx_`), a system call's 32-bit entry that is the same code as
   * the native one, what early code calls a function by (`__pi_`), the linker's marks where sections begin and end, and
   * the `init_module` that every module calls its init function by.
   */
  rank(index: number): number {
    const info = this.#info(index);
    const sized = (this.#words[index * SYM_WORDS + 4] as number) > 0;
    const rank = ((info & 0xf) === STT_FUNC ? 4 : 0) + (info >> 4 === STB_GLOBAL ? 2 : 0) + (sized ? 1 : 0);
    const { strtab } = this.#input;
    const name = this.#nameOffset(index);
    if (SECOND_NAMES.some((prefix) => startsWith(strtab, name, prefix)) || this.isPadding(index)) return rank - 0.5;
    if (MODULE_ALIASES.some((alias) => startsWith(strtab, name, alias))) return -1;
    return !sized && rank < 4 && isSectionMark(stringAt(strtab, name)) ? rank - 0.5 : rank;
  }

  letter(index: number): string {
    const local = this.#info(index) >> 4 === STB_LOCAL;
    const given = this.#input.letters?.[index];
    if (given !== undefined && given >= 0x20) {
      // The kernel's letters are small for global symbols, too.
      const letter = String.fromCharCode(given);
      return local ? letter : letter.toUpperCase();
    }
    const sectionIndex = this.#section(index);
    const letter = sectionIndex === SHN_ABS ? 'a' : sectionLetter(this.#input.sections?.[sectionIndex]);
    return local ? letter : letter.toUpperCase();
  }

  value(index: number): number {
    const at = index * SYM_WORDS + 2;
    return ((this.#words[at + 1] as number) | 0) * 0x1_0000_0000 + (this.#words[at] as number);
  }

  isNamed(index: number): boolean {
    const name = this.#nameOffset(index);
    return this.#isDefined(index) && name < this.#input.strtab.length && this.#input.strtab[name] !== 0;
  }

  hasAddress(index: number): boolean {
    if (!this.#isDefined(index)) return false;
    const section = this.#section(index);
    const sections = this.#input.sections;
    if (sections === undefined) return section !== SHN_ABS || this.value(index) < 0;
    return section < SHN_LORESERVE && ((sections[section]?.addressable ?? true) || this.value(index) < 0);
  }

  namesAddress(index: number): boolean {
    const { strtab } = this.#input;
    const name = this.#nameOffset(index);
    const first = strtab[name];
    return this.isNamed(index) && first !== DOLLAR && (first !== DOT || strtab[name + 1] !== CAPITAL_L);
  }

  isPerCpuOffset(index: number): boolean {
    return this.#input.sections !== undefined && !this.hasAddress(index) && this.#section(index) < SHN_LORESERVE;
  }

  isPadding(index: number): boolean {
    return startsWith(this.#input.strtab, this.#nameOffset(index), PADDING_PREFIX);
  }

  #indexNames(): NameIndex {
    const offsets = new Uint32Array(this.count);
    for (let index = 0; index < this.count; index++) offsets[index] = this.#words[index * SYM_WORDS] || NO_NAME;
    return new NameIndex(offsets, this.#input.strtab);
  }

  #nameOffset(index: number): number {
    return this.#words[index * SYM_WORDS] as number;
  }

  #info(index: number): number {
    return (this.#words[index * SYM_WORDS + 1] as number) & 0xff;
  }

  #section(index: number): number {
    return (this.#words[index * SYM_WORDS + 1] as number) >>> 16;
  }

  #isDefined(index: number): boolean {
    const type = this.#info(index) & 0xf;
    return type !== STT_SECTION && type !== STT_FILE && this.#section(index) !== SHN_UNDEF;
  }
}

const DOLLAR = 0x24;
const DOT = 0x2e;
const CAPITAL_L = 0x4c;
const SECOND_NAMES = ['__ia32_', '__pi_'].map((prefix) => new TextEncoder().encode(prefix));
const MODULE_ALIASES = ['init_module\0', 'cleanup_module\0'].map((name) => new TextEncoder().encode(name));
const PADDING_PREFIX = new TextEncoder().encode('__pfx_');
