/**
 * The ELF symbols of one object (vmlinux or a module), found by address and by name. gABI chapter 4, "Symbol Table".
 *
 * Values are kept as signed 64-bit integers in doubles, exact for every kernel address that bears a symbol. A symbol
 * is found by address only where it stands for one: per-CPU offsets (a section linked at zero) and absolute values
 * are not, and take no slide. Names are decoded when asked for.
 */

import { virtAddr, type VirtAddr } from '../../base/addr.ts';
import { upperBound, once } from '../../base/search.ts';
import { s64At, stringAt, u16At, u32At, u53At } from '../../bytes/read.ts';
import { SHN_ABS, SHN_LORESERVE, SHN_UNDEF, SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_NOBITS, STB_GLOBAL, STB_LOCAL, STT_FILE, STT_FUNC, STT_SECTION } from '../../formats/elf/constants.ts';

const SYM_SIZE = 24;

export interface SymbolSection {
  readonly flags: number;
  readonly type: number;
  /** Whether addresses in it are memory addresses: not so for zero-based per-CPU sections. */
  readonly addressable: boolean;
}

export interface SymbolTableInput {
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
  readonly #slide: number;
  readonly #byAddress: () => { values: Float64Array; indices: Uint32Array };
  readonly #byName: () => NameIndex;

  /** @param original a table of the same symbols at another slide, whose indices are shared */
  constructor(input: SymbolTableInput, original?: SymbolTable) {
    this.module = input.module;
    this.count = Math.floor(input.symtab.length / SYM_SIZE);
    this.#input = input;
    this.#slide = Number(input.slide);
    this.#byAddress = original === undefined ? once(() => this.#sortByAddress()) : original.#byAddress;
    this.#byName =
      original === undefined
        ? once(() => new NameIndex(this.count, (index) => this.#nameOffset(index), input.strtab))
        : original.#byName;
  }

  /** The same symbols, `slide` above their link-time addresses. */
  slid(slide: bigint): SymbolTable {
    return new SymbolTable({ ...this.#input, slide }, this);
  }

  /** The symbol nearest at or below a run-time address, with the best one of those at the same address. */
  at(address: VirtAddr): KernelSymbol | undefined {
    const { values, indices } = this.#byAddress();
    const wanted = Number(BigInt.asIntN(64, address)) - this.#slide;
    let position = upperBound(values, wanted) - 1;
    const value = values[position];
    if (value === undefined) return undefined;
    let best = indices[position] as number;
    for (position--; values[position] === value; position--) {
      const other = indices[position] as number;
      if (this.#rank(other) > this.#rank(best)) best = other;
    }
    return this.#symbol(best);
  }

  /** Every symbol of that name. */
  named(name: string): KernelSymbol[] {
    return this.#byName().find(name).filter((index) => this.#isNamed(index)).map((index) => this.#symbol(index));
  }

  /** Every named symbol, in the order of addresses, those without one last. */
  *all(): Generator<KernelSymbol> {
    const { indices } = this.#byAddress();
    for (const index of indices) yield this.#symbol(index);
    for (let index = 0; index < this.count; index++) {
      if (this.#isNamed(index) && !this.#hasAddress(index)) yield this.#symbol(index);
    }
  }

  #sortByAddress(): { values: Float64Array; indices: Uint32Array } {
    const chosen: number[] = [];
    let lowest = Infinity;
    for (let index = 0; index < this.count; index++) {
      if (!this.#isNamed(index) || !this.#hasAddress(index) || this.#isHidden(index)) continue;
      chosen.push(index);
      lowest = Math.min(lowest, this.#value(index));
    }
    // Value and index packed into one double sort natively: 25 times faster than by a comparator.
    const factor = this.count;
    const keys = new Float64Array(chosen.length);
    for (const [position, index] of chosen.entries()) keys[position] = (this.#value(index) - lowest) * factor + index;
    if (keys.some((key) => key > Number.MAX_SAFE_INTEGER)) {
      chosen.sort((a, b) => this.#value(a) - this.#value(b) || a - b);
    } else {
      keys.sort();
      for (const [position, key] of keys.entries()) chosen[position] = key % factor;
    }
    const indices = Uint32Array.from(chosen);
    return { values: Float64Array.from(chosen, (index) => this.#value(index)), indices };
  }

  #symbol(index: number): KernelSymbol {
    const { slide, strtab, module } = this.#input;
    const value = this.#value(index);
    return {
      name: stringAt(strtab, this.#nameOffset(index)),
      address: virtAddr(BigInt(value) + (this.#hasAddress(index) ? slide : 0n)),
      size: u53At(this.#input.symtab, index * SYM_SIZE + 16),
      letter: this.#letter(index),
      module,
    };
  }

  /**
   * Functions before labels, global before local, sized before not: which of several names an address bears. A system
   * call's 32-bit entry that is the same code as the native one gives way to it.
   */
  #rank(index: number): number {
    const info = this.#info(index);
    const size = u32At(this.#input.symtab, index * SYM_SIZE + 16);
    const rank = ((info & 0xf) === STT_FUNC ? 4 : 0) + (info >> 4 === STB_GLOBAL ? 2 : 0) + (size > 0 ? 1 : 0);
    return startsWith(this.#input.strtab, this.#nameOffset(index), COMPAT_PREFIX) ? rank - 0.5 : rank;
  }

  #letter(index: number): string {
    const given = this.#input.letters?.[index];
    if (given !== undefined && given >= 0x20) return String.fromCharCode(given);
    const sectionIndex = this.#section(index);
    const global = this.#info(index) >> 4 !== STB_LOCAL;
    const letter = sectionIndex === SHN_ABS ? 'a' : sectionLetter(this.#input.sections?.[sectionIndex]);
    return global ? letter.toUpperCase() : letter;
  }

  #value(index: number): number {
    return s64At(this.#input.symtab, index * SYM_SIZE + 8);
  }

  #nameOffset(index: number): number {
    return u32At(this.#input.symtab, index * SYM_SIZE);
  }

  #info(index: number): number {
    return this.#input.symtab[index * SYM_SIZE + 4] as number;
  }

  #section(index: number): number {
    return u16At(this.#input.symtab, index * SYM_SIZE + 6);
  }

  #isNamed(index: number): boolean {
    const type = this.#info(index) & 0xf;
    const name = this.#nameOffset(index);
    if (type === STT_SECTION || type === STT_FILE || this.#section(index) === SHN_UNDEF) return false;
    return name < this.#input.strtab.length && this.#input.strtab[name] !== 0;
  }

  #hasAddress(index: number): boolean {
    const section = this.#section(index);
    const sections = this.#input.sections;
    if (sections === undefined) return section !== SHN_ABS || this.#value(index) < 0;
    if (section >= SHN_LORESERVE) return false;
    return sections[section]?.addressable ?? true;
  }

  /** Symbols that are no name for an address: padding before functions (`__pfx_`), assembler-local labels, `$x`. */
  #isHidden(index: number): boolean {
    const { strtab } = this.#input;
    const name = this.#nameOffset(index);
    const first = strtab[name];
    if (first === 0x24) return true;
    if (first === 0x2e) return strtab[name + 1] === 0x4c;
    return first === 0x5f && startsWith(strtab, name, PADDING_PREFIX);
  }
}

const COMPAT_PREFIX = new TextEncoder().encode('__ia32_');
const PADDING_PREFIX = new TextEncoder().encode('__pfx_');

function startsWith(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  return prefix.every((byte, index) => bytes[at + index] === byte);
}

/** The lower-case letter nm gives symbols of a section. */
function sectionLetter(section: SymbolSection | undefined): string {




  if (section === undefined) return '?';
  if ((section.flags & SHF_EXECINSTR) !== 0) return 't';
  if (section.type === SHT_NOBITS) return 'b';
  if ((section.flags & SHF_WRITE) !== 0) return 'd';
  return (section.flags & SHF_ALLOC) !== 0 ? 'r' : 'n';
}

/** An open-addressing hash of names to indices; equal names stand in several slots. */
class NameIndex {
  readonly #slots: Int32Array;
  readonly #nameOffset: (index: number) => number;
  readonly #strtab: Uint8Array;

  constructor(count: number, nameOffset: (index: number) => number, strtab: Uint8Array) {
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(count * 2 + 2))).fill(-1);
    this.#nameOffset = nameOffset;
    this.#strtab = strtab;
    const mask = this.#slots.length - 1;
    for (let index = 0; index < count; index++) {
      let slot = hashName(strtab, nameOffset(index)) & mask;
      while (this.#slots[slot] !== -1) slot = (slot + 1) & mask;
      this.#slots[slot] = index;
    }
  }

  find(name: string): number[] {
    const wanted = new TextEncoder().encode(`${name}\0`);
    const mask = this.#slots.length - 1;
    const found: number[] = [];
    for (let slot = hashName(wanted, 0) & mask; ; slot = (slot + 1) & mask) {
      const index = this.#slots[slot] as number;
      if (index === -1) return found;
      if (startsWith(this.#strtab, this.#nameOffset(index), wanted)) found.push(index);
    }
  }
}

/** FNV-1a over the bytes up to a zero. */
function hashName(bytes: Uint8Array, start: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === 0) break;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash ^ (hash >>> 15);
}
