/**
 * Symbols of the kernel and its modules at run-time addresses. Which object owns an address is decided by the module
 * whose memory holds it, so that a module's freed init text never names another module's code.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { once, upperBoundBy } from '../base/search.ts';
import { isSectionMark } from '../debuginfo/symbols/section-marks.ts';
import type { KernelSymbol, SymbolTable } from '../debuginfo/symbols/symbol-table.ts';
import type { Target } from '../target/target.ts';
import type { ModuleList } from './modules.ts';

export interface SymbolAt {
  readonly symbol: KernelSymbol;
  /** In bytes from the symbol. */
  readonly offset: number;
}

/** Code that bears one name, from its symbol to its end. */
export interface CodeRange {
  readonly symbol: KernelSymbol;
  readonly start: VirtAddr;
  /** As the symbol's size says; where that says nothing, the next symbol. */
  readonly end: VirtAddr;
}

interface Bounds {
  readonly start: VirtAddr;
  readonly end: VirtAddr;
}

/** An offset from a symbol beyond which it says nothing of an address. */
const LONGEST_OFFSET = 1 << 26;
/** Between variables, for the alignment of the next one. */
const LARGEST_GAP = 64;

export class KernelSymbols {
  readonly #kernel: SymbolTable;
  readonly #slide: bigint;
  readonly #modules: () => ModuleList;
  readonly #image: () => Bounds;
  readonly #text: () => readonly Bounds[];
  readonly #perCpu: () => readonly KernelSymbol[];

  constructor(target: Target, modules: () => ModuleList) {
    const { slide } = target.load;
    this.#kernel = target.vmlinux.symbols.slid(slide);
    this.#slide = slide;
    this.#modules = modules;
    this.#image = once(() => this.#bounds('_text', '_end'));
    this.#text = once(() => [this.#bounds('_stext', '_etext'), this.#bounds('_sinittext', '_einittext')]);
    this.#perCpu = once(() => Array.from(this.#kernel.offsets()).sort((a, b) => Number(a.address - b.address)));
  }

  kernelAddress(name: string): VirtAddr | undefined {
    return this.#kernel.named(name)[0]?.address;
  }

  /** Every symbol of that name, the kernel's first. */
  named(name: string): KernelSymbol[] {
    const found = this.#kernel.named(name);
    for (const module of this.#modules().modules) found.push(...(module.symbols()?.named(name) ?? []));
    return found;
  }

  /** The symbol an address belongs to. */
  at(address: VirtAddr): SymbolAt | undefined {
    const image = this.isImage(address);
    const module = image ? undefined : this.#modules().at(address);
    const symbol = (image ? this.#kernel : module?.symbols())?.at(address);
    if (symbol === undefined) return undefined;
    // A module's regions lie apart: the last symbol of one says nothing of what begins the next.
    if (module !== undefined && module.regionAt(address) !== module.regionAt(symbol.address)) return undefined;
    const offset = address - symbol.address;
    return offset > LONGEST_OFFSET || this.#isBeyondData(address, symbol)
      ? undefined
      : { symbol, offset: Number(offset) };
  }

  /** A variable's name says nothing of what lies behind its end: constants without a name. */
  #isBeyondData(address: VirtAddr, { address: start, size }: KernelSymbol): boolean {
    return size > 0 && address >= addVirt(start, size + LARGEST_GAP) && !this.isText(address);
  }

  /** The code around an address that bears one name. */
  codeAt(address: VirtAddr): CodeRange | undefined {
    const symbol = this.at(address)?.symbol;
    if (symbol === undefined) return undefined;
    const start = symbol.address;
    const sized = addVirt(start, symbol.size);
    if (address < sized) return { symbol, start, end: sized };
    const next = this.#tableAt(address)?.nextAddress(address) ?? addVirt(address, 1);
    const bounds = this.#text().find((text) => address >= text.start && address < text.end);
    return { symbol, start, end: bounds !== undefined && bounds.end < next ? bounds.end : next };
  }

  /**
   * Where code that begins at an address ends in the eyes of the kernel, which knows no sizes: at the next symbol, or
   * the end of the text. Whether padding before functions has symbols there differs between kernels: several answers.
   */
  endsAt(start: VirtAddr): VirtAddr[] {
    const table = this.#tableAt(start);
    const region = this.#modules()
      .textAt(start)
      ?.regions.find(({ base, textSize }) => start >= base && start < addVirt(base, textSize));
    const limit = region === undefined ? undefined : addVirt(region.base, region.textSize);
    return [true, false].flatMap((padding) => {
      const next = table?.nextAddress(start, padding);
      return limit !== undefined && (next === undefined || next > limit) ? [limit] : (next ?? []);
    });
  }

  /** The nearest address above another that bears a symbol of the same object. */
  next(address: VirtAddr): VirtAddr | undefined {
    return this.#tableAt(address)?.nextAddress(address);
  }

  /** What lies at an address of the per-CPU area: an offset from zero, or, in newer kernels, a symbol's address. */
  perCpuAt(address: VirtAddr): SymbolAt | undefined {
    const start = this.kernelAddress('__per_cpu_start');
    const end = this.kernelAddress('__per_cpu_end');
    if (start === undefined || end === undefined) return undefined;
    if (address < start || address >= end) return this.#modulePerCpuAt(address);
    if (start !== 0n) return this.at(address);
    const symbols = this.#perCpu();
    const index = upperBoundBy(symbols, address, (symbol) => symbol.address);
    return best(symbols.slice(Math.max(0, index - MOST_AT_ONE_PLACE), index), address);
  }

  /** Modules' variables lie in the same area; only those whose symbol covers the address are believed. */
  #modulePerCpuAt(address: VirtAddr): SymbolAt | undefined {
    for (const module of this.#modules().modules) {
      if (module.holds(address)) return undefined;
      const symbol = module.symbols()?.at(address);
      if (symbol !== undefined && !module.holds(symbol.address) && address < addVirt(symbol.address, symbol.size))
        return { symbol, offset: Number(address - symbol.address) };
    }
    return undefined;
  }

  /** Whether an address is code: of the kernel, or of a module. */
  isText(address: VirtAddr): boolean {
    return this.isKernelText(address) || this.#modules().textAt(address) !== undefined;
  }

  /** Where code is that stays when the kernel has started: the kernel's, then its modules'. */
  textRanges(): readonly Bounds[] {
    const modules = this.#modules().modules.flatMap(({ regions }) =>
      regions.flatMap(({ base, textSize }) => (textSize > 0 ? { start: base, end: addVirt(base, textSize) } : [])),
    );
    return [...this.#text().slice(0, 1), ...modules];
  }

  /** By the linker's bounds: on 7.2 even data bears the letter T. */
  isKernelText(address: VirtAddr): boolean {
    return this.#text().some(({ start, end }) => address >= start && address < end);
  }

  /** Whether an address is code that the kernel frees when it has started. */
  isInitText(address: VirtAddr): boolean {
    const init = this.#text()[1];
    return init !== undefined && address >= init.start && address < init.end;
  }

  /** Whether an address lies in the kernel image, code or data. */
  isImage(address: VirtAddr): boolean {
    const { start, end } = this.#image();
    return address >= start && address < end;
  }

  /** Every symbol of the kernel itself. */
  ofKernel(): Generator<KernelSymbol> {
    return this.#kernel.all();
  }

  *all(): Generator<KernelSymbol> {
    yield* this.#kernel.all();
    for (const module of this.#modules().modules) yield* module.symbols()?.all() ?? [];
  }

  /** "name+0x13" for an address, or undefined. */
  label(address: VirtAddr): string | undefined {
    const found = this.at(address);
    if (found === undefined) return undefined;
    return found.offset === 0 ? found.symbol.name : `${found.symbol.name}+${found.offset}`;
  }

  /** A run-time address of the image as linked. */
  linked(address: VirtAddr): VirtAddr {
    return addVirt(address, -this.#slide);
  }

  #tableAt(address: VirtAddr): SymbolTable | undefined {
    return this.isImage(address) ? this.#kernel : this.#modules().at(address)?.symbols();
  }

  #bounds(from: string, to: string): Bounds {
    return { start: this.kernelAddress(from) ?? virtAddr(0), end: this.kernelAddress(to) ?? virtAddr(0) };
  }
}

/** Symbols at the same address, or in one another, that are looked at. */
const MOST_AT_ONE_PLACE = 8;

/** The last symbol that covers an address, else the last of all, the linker's marks only for want of others. */
function best(symbols: readonly KernelSymbol[], address: VirtAddr): SymbolAt | undefined {
  const symbol =
    symbols.findLast((one) => address < addVirt(one.address, one.size)) ??
    symbols.findLast((one) => !isSectionMark(one.name)) ??
    symbols.at(-1);
  return symbol && { symbol, offset: Number(address - symbol.address) };
}
