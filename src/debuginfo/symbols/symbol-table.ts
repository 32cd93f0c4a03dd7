/**
 * The symbols of one object (vmlinux or a module), found by address and by name.
 *
 * Values are signed 64-bit integers in doubles, exact for every kernel address that bears a symbol. A symbol is found
 * by address only where it stands for one: per-CPU offsets (a section linked at zero) and absolute values do not, and
 * take no slide. Names are decoded when asked for; finding by address needs no sort, only buckets.
 */

import { virtAddr, type VirtAddr } from '../../base/addr.ts';
import { once } from '../../base/search.ts';
import { AddressBuckets } from './address-buckets.ts';
import type { SymbolRecords } from './symbol-records.ts';

export interface KernelSymbol {
  readonly name: string;
  /** Run-time address; for a zero-based per-CPU symbol its offset. */
  readonly address: VirtAddr;
  /** In bytes; zero where the assembler gave none, and where the table has no sizes. */
  readonly size: number;
  /** As nm prints it: T, t, D, d, B, b, R, r, A, W … */
  readonly letter: string;
  readonly module: string | undefined;
}

export class SymbolTable {
  readonly module: string | undefined;
  readonly count: number;
  readonly #records: SymbolRecords;
  readonly #slide: bigint;
  readonly #byAddress: () => AddressBuckets;

  /**
   * @param slide run-time minus link-time address (KASLR); zero where the records are at run-time addresses
   * @param module the module's name; undefined for the kernel itself
   * @param original a table of the same records at another slide
   */
  constructor(records: SymbolRecords, slide: bigint, module: string | undefined, original?: SymbolTable) {
    this.module = module;
    this.count = records.count;
    this.#records = records;
    this.#slide = slide;
    this.#byAddress = original === undefined ? once(() => bucketAddresses(records)) : original.#byAddress;
  }

  /** The same symbols, `slide` above their link-time addresses. */
  slid(slide: bigint): SymbolTable {
    return new SymbolTable(this.#records, slide, this.module, this);
  }

  /** The symbol nearest at or below a run-time address, the best one of those at the same address. */
  at(address: VirtAddr): KernelSymbol | undefined {
    const records = this.#records;
    const index = this.#byAddress().nearest(this.#linked(address), (candidate) =>
      records.namesAddress(candidate) ? records.rank(candidate) : undefined,
    );
    return index === undefined ? undefined : this.#symbol(index);
  }

  /**
   * The nearest run-time address above another that bears a symbol.
   * @param padding whether padding before functions (`__pfx_`) counts, too
   */
  nextAddress(address: VirtAddr, padding = true): VirtAddr | undefined {
    const records = this.#records;
    const found = this.#byAddress().above(
      this.#linked(address),
      (candidate) => records.namesAddress(candidate) && (padding || !records.isPadding(candidate)),
    );
    return found === undefined ? undefined : virtAddr(BigInt(found) + this.#slide);
  }

  /** Every symbol of that name. */
  named(name: string): KernelSymbol[] {
    return this.#records.named(name).map((index) => this.#symbol(index));
  }

  /** Every named symbol, in the order of addresses, those without one last. */
  *all(): Generator<KernelSymbol> {
    const records = this.#records;
    for (const index of this.#byAddress().sorted()) if (records.namesAddress(index)) yield this.#symbol(index);
    for (let index = 0; index < this.count; index++) {
      if (records.isNamed(index) && !records.hasAddress(index)) yield this.#symbol(index);
    }
  }

  /** Symbols of sections that are linked at zero: their addresses are offsets in a per-CPU area. */
  *offsets(): Generator<KernelSymbol> {
    const records = this.#records;
    for (let index = 0; index < this.count; index++) {
      if (records.isNamed(index) && records.isPerCpuOffset(index)) yield this.#symbol(index);
    }
  }

  #symbol(index: number): KernelSymbol {
    const records = this.#records;
    return {
      name: records.name(index),
      address: virtAddr(BigInt(records.value(index)) + (records.hasAddress(index) ? this.#slide : 0n)),
      size: records.size(index),
      letter: records.letter(index),
      module: this.module,
    };
  }

  #linked(address: VirtAddr): number {
    return Number(BigInt.asIntN(64, address)) - Number(this.#slide);
  }
}

function bucketAddresses(records: SymbolRecords): AddressBuckets {
  const indices = new Uint32Array(records.count);
  const values = new Float64Array(records.count);
  let used = 0;
  for (let index = 0; index < records.count; index++) {
    if (!records.hasAddress(index)) continue;
    indices[used] = index;
    values[used++] = records.value(index);
  }
  return new AddressBuckets(indices.subarray(0, used), values.subarray(0, used));
}
