/** The kernel's own table of its symbols: names that are packed, and addresses. It has no sizes. */

import { isSectionMark } from '../symbols/section-marks.ts';
import type { SymbolRecords } from '../symbols/symbol-records.ts';
import type { CompressedNames } from './names.ts';

/** Not the weak ones, V and W. */
/**
 * A system call's 32-bit entry; the name by which code that runs before its relocation calls a function; per-CPU
 * variables that are read by another name where they do not change.
 */
const SECOND_NAME = /^(?:(?:__pfx_)?(?:__ia32_|__pi_)|const_|__ref_)/;
const GLOBAL = /[A-TX-Z]/;

export class KallsymsSymbols implements SymbolRecords {
  readonly count: number;
  readonly #names: CompressedNames;
  readonly #addresses: Float64Array;

  /** @param addresses a symbol each, signed; NaN where one is missing */
  constructor(names: CompressedNames, addresses: Float64Array) {
    this.count = addresses.length;
    this.#names = names;
    this.#addresses = addresses;
  }

  isNamed(index: number): boolean {
    return this.#names.has(index) && !Number.isNaN(this.#addresses[index]);
  }

  hasAddress(index: number): boolean {
    return (this.#addresses[index] ?? 0) < 0;
  }

  /** The only values that are no addresses: absolute symbols are left out when the table is made. */
  isPerCpuOffset(index: number): boolean {
    return (this.#addresses[index] ?? Number.NaN) >= 0;
  }

  value(index: number): number {
    return this.#addresses[index] ?? Number.NaN;
  }

  size(): number {
    return 0;
  }

  letter(index: number): string {
    return this.#names.letter(index);
  }

  name(index: number): string {
    return this.#names.name(index);
  }

  namesAddress(index: number): boolean {
    return this.isNamed(index) && !/^(\$|\.L)/.test(this.name(index));
  }

  /** Global before weak and local; what says less than another name gives way, as in an ELF table. */
  rank(index: number): number {
    const name = this.name(index);
    // Without sizes a function (`stop_sched_class`) could be taken for a mark, which the linker's never are.
    if (name.startsWith('_') && isSectionMark(name)) return -1;
    const rank = GLOBAL.test(this.letter(index)) ? 2 : 0;
    return rank - (SECOND_NAME.test(name) ? 0.5 : 0) - (this.isPadding(index) ? 0.5 : 0);
  }

  isPadding(index: number): boolean {
    return this.name(index).startsWith('__pfx_');
  }

  named(name: string): number[] {
    return this.#names.named(name).filter((index) => this.isNamed(index));
  }
}
