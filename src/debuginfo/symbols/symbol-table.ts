/**
 * The ELF symbols of one object (vmlinux or a module), found by address and by name. gABI chapter 4, "Symbol Table".
 *
 * Values are signed 64-bit integers in doubles, exact for every kernel address that bears a symbol. A symbol is found
 * by address only where it stands for one: per-CPU offsets (a section linked at zero) and absolute values do not, and
 * take no slide. Names are decoded when asked for; finding by address needs no sort, only buckets.
 */

import { virtAddr, type VirtAddr } from '../../base/addr.ts';
import { once } from '../../base/search.ts';
import { NameIndex, NO_NAME, startsWith } from '../../bytes/name-index.ts';
import { stringAt, u53At } from '../../bytes/read.ts';
import {
  SHN_ABS,
  SHN_LORESERVE,
  SHN_UNDEF,
  STB_GLOBAL,
  STB_LOCAL,
  STT_FILE,
  STT_FUNC,
  STT_SECTION,
} from '../../formats/elf/constants.ts';
import { AddressBuckets } from './address-buckets.ts';
import { sectionLetter, type SymbolSection } from './symbol-section.ts';

const SYM_SIZE = 24;
const SYM_WORDS = SYM_SIZE / 4;

export interface SymbolTableInput {
  /** Elf64_Sym entries. */
  readonly symtab: Uint8Array;
  readonly strtab: Uint8Array;
  /** Run-time minus link-time address (KASLR); zero for modules, whose symbols are read from memory. */
  readonly slide: bigint;
  /** The module's name; undefined for the kernel itself. */
  readonly module: string | undefined;
  /** By section index; undefined where the sections are not known: then every defined symbol has an address. */
  readonly sections?: readonly SymbolSection[] | undefined;
  /** The kernel's `typetab`: the letter of each symbol. */
  readonly letters?: Uint8Array | undefined;
}

export interface KernelSymbol {
  readonly name: string;
  /** Run-time address; for a zero-based per-CPU symbol its offset. */
  readonly address: VirtAddr;
  /** In bytes; zero where the assembler gave none. */
  readonly size: number;
  /** As nm prints it: T, t, D, d, B, b, R, r, A, W … */
  readonly letter: string;
  readonly module: string | undefined;
}

export class SymbolTable {
  readonly module: string | undefined;
  readonly count: number;
  readonly #input: SymbolTableInput;
  readonly #words: Uint32Array;
  readonly #slide: number;
  readonly #byAddress: () => AddressBuckets;
  readonly #byName: () => NameIndex;

  /** @param original a table of the same symbols at another slide, whose indices are shared */
  constructor(input: SymbolTableInput, original?: SymbolTable) {
    this.module = input.module;
    this.count = Math.floor(input.symtab.length / SYM_SIZE);
    this.#input = input;
    this.#words = original === undefined ? wordsOf(input.symtab) : original.#words;
    this.#slide = Number(input.slide);
    this.#byAddress = original === undefined ? once(() => this.#bucketAddresses()) : original.#byAddress;
    this.#byName = original === undefined ? once(() => this.#indexNames()) : original.#byName;
  }

  /** The same symbols, `slide` above their link-time addresses. */
  slid(slide: bigint): SymbolTable {
    return new SymbolTable({ ...this.#input, slide }, this);
  }

  /** The symbol nearest at or below a run-time address, the best one of those at the same address. */
  at(address: VirtAddr): KernelSymbol | undefined {
    const wanted = Number(BigInt.asIntN(64, address)) - this.#slide;
    const index = this.#byAddress().nearest(wanted, (candidate) => this.#rank(candidate));
    return index === undefined ? undefined : this.#symbol(index);
  }

  /**
   * The nearest run-time address above another that bears a symbol.
   * @param padding whether padding before functions (`__pfx_`) counts, too
   */
  nextAddress(address: VirtAddr, padding = true): VirtAddr | undefined {
    const after = Number(BigInt.asIntN(64, address)) - this.#slide;
    const found = this.#byAddress().above(
      after,
      (candidate) => this.#rank(candidate) !== undefined && (padding || !this.#isPadding(candidate)),
    );
    return found === undefined ? undefined : virtAddr(BigInt(found) + this.#input.slide);
  }

  /** Every symbol of that name. */
  named(name: string): KernelSymbol[] {
    const found = this.#byName().find(name);
    return found.filter((index) => this.#isNamed(index)).map((index) => this.#symbol(index));
  }

  /** Every named symbol, in the order of addresses, those without one last. */
  *all(): Generator<KernelSymbol> {
    for (const index of this.#byAddress().sorted())
      if (this.#isNamed(index) && !this.#isHidden(index)) yield this.#symbol(index);
    for (let index = 0; index < this.count; index++) {
      if (this.#isNamed(index) && !this.#hasAddress(index)) yield this.#symbol(index);
    }
  }

  /** Symbols of sections that are linked at zero: their addresses are offsets in a per-CPU area. */
  *offsets(): Generator<KernelSymbol> {
    if (this.#input.sections === undefined) return;
    for (let index = 0; index < this.count; index++) {
      if (this.#isNamed(index) && !this.#hasAddress(index) && this.#section(index) < SHN_LORESERVE)
        yield this.#symbol(index);
    }
  }

  #bucketAddresses(): AddressBuckets {
    const indices = new Uint32Array(this.count);
    const values = new Float64Array(this.count);
    let used = 0;
    for (let index = 0; index < this.count; index++) {
      if (!this.#hasAddress(index)) continue;
      indices[used] = index;
      values[used++] = this.#value(index);
    }
    return new AddressBuckets(indices.subarray(0, used), values.subarray(0, used));
  }

  #indexNames(): NameIndex {
    const offsets = new Uint32Array(this.count);
    for (let index = 0; index < this.count; index++) offsets[index] = this.#words[index * SYM_WORDS] || NO_NAME;
    return new NameIndex(offsets, this.#input.strtab);
  }

  #symbol(index: number): KernelSymbol {
    const { slide, strtab, module, symtab } = this.#input;
    return {
      name: stringAt(strtab, this.#nameOffset(index)),
      address: virtAddr(BigInt(this.#value(index)) + (this.#hasAddress(index) ? slide : 0n)),
      size: u53At(symtab, index * SYM_SIZE + 16),
      letter: this.#letter(index),
      module,
    };
  }

  /**
   * Which of several names an address bears: functions before labels, global before local, sized before not. Names
   * that say less give way: padding before functions (`__pfx_`), a system call's 32-bit entry that is the same code as
   * the native one, the linker's marks where sections begin and end, and the `init_module` that every module calls its
   * init function by. Undefined for what is no name of an address: assembler-local labels, `$x`.
   */
  #rank(index: number): number | undefined {
    if (!this.#isNamed(index) || this.#isHidden(index)) return undefined;
    const info = this.#info(index);
    const sized = (this.#words[index * SYM_WORDS + 4] as number) > 0;
    const rank = ((info & 0xf) === STT_FUNC ? 4 : 0) + (info >> 4 === STB_GLOBAL ? 2 : 0) + (sized ? 1 : 0);
    const { strtab } = this.#input;
    const name = this.#nameOffset(index);
    if (startsWith(strtab, name, COMPAT_PREFIX) || this.#isPadding(index)) return rank - 0.5;
    if (MODULE_ALIASES.some((alias) => startsWith(strtab, name, alias))) return -1;
    return !sized && rank < 4 && SECTION_MARK.test(stringAt(strtab, name)) ? rank - 0.5 : rank;
  }

  #letter(index: number): string {
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

  #value(index: number): number {
    const at = index * SYM_WORDS + 2;
    return ((this.#words[at + 1] as number) | 0) * 0x1_0000_0000 + (this.#words[at] as number);
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

  #isNamed(index: number): boolean {
    const name = this.#nameOffset(index);
    return this.#isDefined(index) && name < this.#input.strtab.length && this.#input.strtab[name] !== 0;
  }

  #isDefined(index: number): boolean {
    const type = this.#info(index) & 0xf;
    return type !== STT_SECTION && type !== STT_FILE && this.#section(index) !== SHN_UNDEF;
  }

  #hasAddress(index: number): boolean {
    if (!this.#isDefined(index)) return false;
    const section = this.#section(index);
    const sections = this.#input.sections;
    if (sections === undefined) return section !== SHN_ABS || this.#value(index) < 0;
    return section < SHN_LORESERVE && (sections[section]?.addressable ?? true);
  }

  #isHidden(index: number): boolean {
    const { strtab } = this.#input;
    const name = this.#nameOffset(index);
    const first = strtab[name];
    return first === DOLLAR || (first === DOT && strtab[name + 1] === CAPITAL_L);
  }

  #isPadding(index: number): boolean {
    return startsWith(this.#input.strtab, this.#nameOffset(index), PADDING_PREFIX);
  }
}

const DOLLAR = 0x24;
const DOT = 0x2e;
const CAPITAL_L = 0x4c;
const COMPAT_PREFIX = new TextEncoder().encode('__ia32_');
const MODULE_ALIASES = ['init_module\0', 'cleanup_module\0'].map((name) => new TextEncoder().encode(name));
/** Labels of a linker script: __start_rodata, __end_rodata_aligned, __bss_stop, _edata. */
const SECTION_MARK = /(^|_)(start|begin|end|stop|[se](text|data|rodata|inittext))(_|$)/;
const PADDING_PREFIX = new TextEncoder().encode('__pfx_');

/** The bytes as 32-bit words, copied where they are not aligned. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const aligned = (bytes.byteOffset & 3) === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 2);
}
