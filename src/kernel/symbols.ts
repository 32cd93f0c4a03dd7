/**
 * Symbols of the kernel and its modules at run-time addresses. Which object owns an address is decided by the module
 * whose memory holds it, so that a module's freed init text never names another module's code.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { once } from '../base/search.ts';
import type { KernelSymbol, SymbolTable } from '../debuginfo/symbols/symbol-table.ts';
import type { Target } from '../target/target.ts';
import type { ModuleList } from './modules.ts';

export interface SymbolAt {
  readonly symbol: KernelSymbol;
  /** In bytes from the symbol. */
  readonly offset: number;
}

interface Bounds {
  readonly start: VirtAddr;
  readonly end: VirtAddr;
}

/** An offset from a symbol beyond which it says nothing of an address. */
const LONGEST_OFFSET = 1 << 26;

export class KernelSymbols {
  readonly #kernel: SymbolTable;
  readonly #slide: bigint;
  readonly #modules: () => ModuleList;
  readonly #image: () => Bounds;
  readonly #text: () => readonly Bounds[];

  constructor(target: Target, modules: () => ModuleList) {
    const { slide } = target.load;
    this.#kernel = target.vmlinux.symbols.slid(slide);
    this.#slide = slide;
    this.#modules = modules;
    this.#image = once(() => this.#bounds('_text', '_end'));
    this.#text = once(() => [this.#bounds('_stext', '_etext'), this.#bounds('_sinittext', '_einittext')]);
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
    const table = this.isImage(address) ? this.#kernel : this.#modules().at(address)?.symbols();
    const symbol = table?.at(address);
    if (symbol === undefined) return undefined;
    const offset = address - symbol.address;
    return offset > LONGEST_OFFSET ? undefined : { symbol, offset: Number(offset) };
  }

  /** Whether an address is code: of the kernel, or of a module. */
  isText(address: VirtAddr): boolean {
    return this.isKernelText(address) || this.#modules().textAt(address) !== undefined;
  }

  /** By the linker's bounds: on 7.2 even data bears the letter T. */
  isKernelText(address: VirtAddr): boolean {
    return this.#text().some(({ start, end }) => address >= start && address < end);
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

  #bounds(from: string, to: string): Bounds {
    return { start: this.kernelAddress(from) ?? virtAddr(0), end: this.kernelAddress(to) ?? virtAddr(0) };
  }
}
