/**
 * The running kernel as the dump has it: what every reader of kernel structures starts from. Joins the target with
 * what is read out of the dump's own memory: the modules, their symbols and unwind tables.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt, LookupError } from '../base/errors.ts';
import { once } from '../base/search.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { TypeCatalog } from '../debuginfo/types/catalog.ts';
import type { CompoundType } from '../debuginfo/types/type.ts';
import type { Target } from '../target/target.ts';
import { StructView } from '../values/struct-view.ts';
import { listModuleBtf, type ModuleBtfEntry } from './module-btf.ts';
import { ModuleDebugFiles } from './module-debug.ts';
import { readModules, type ModuleList } from './modules.ts';
import { PerCpu } from './per-cpu.ts';
import { KernelSymbols } from './symbols.ts';
import { indexedTypes, userTypes } from './user-types.ts';

export class Kernel {
  readonly target: Target;
  readonly memory: AddressSpace;
  /** For readers of kernel structures. A name it lacks costs nothing. */
  readonly types: TypeCatalog;
  readonly symbols: KernelSymbols;
  readonly perCpu: PerCpu;
  readonly modules: () => ModuleList;
  /** The modules' debug files, and what the user chose of them. */
  readonly moduleDebug: ModuleDebugFiles;
  /** Of the types a user may name those that cost nothing to look for. */
  readonly indexedTypes: () => TypeCatalog;
  readonly moduleBtf: () => readonly ModuleBtfEntry[];

  #userTypes: { readonly generation: number; readonly catalog: TypeCatalog } | undefined;

  constructor(target: Target) {
    this.target = target;
    this.memory = target.memory;
    this.types = target.types;
    this.symbols = new KernelSymbols(target, () => this.modules());
    this.perCpu = new PerCpu(this);
    this.modules = once(() => readModules(this));
    this.indexedTypes = once(() => indexedTypes(this));
    this.moduleBtf = once(() => attempt(() => listModuleBtf(this)) ?? []);
    this.moduleDebug = new ModuleDebugFiles(this);
  }

  /** For a user's question: the modules' types, too, and what only vmlinux's DWARF knows. */
  get userTypes(): TypeCatalog {
    const { generation } = this.moduleDebug;
    if (this.#userTypes?.generation !== generation) this.#userTypes = { generation, catalog: userTypes(this) };
    return this.#userTypes.catalog;
  }

  /** The structure of that name at an address. Throws LookupError where the type is not known. */
  struct(name: string, address: VirtAddr): StructView {
    return new StructView(this.memory, this.structType(name), address);
  }

  /** @throws LookupError */
  structType(name: string): CompoundType {
    const type = this.types.compound('struct', name);
    if (type !== undefined) return type;
    const why = this.whyNoTypes();
    throw new LookupError('struct', why === undefined ? name : `${name} (${why})`);
  }

  /** Where no type is known at all: why, for the user. */
  whyNoTypes(): string | undefined {
    const { vmlinux } = this.target;
    if (vmlinux.btf() !== undefined || vmlinux.dwarf() !== undefined) return undefined;
    return `the kernel carries no types (BTF) in memory; ${vmlinux.whyNoDwarf}`;
  }

  /** The run-time address of a symbol of the kernel itself; undefined where there is none. */
  addressOf(name: string): VirtAddr | undefined {
    return this.symbols.kernelAddress(name);
  }

  /** As `addressOf`. Throws LookupError. */
  symbol(name: string): VirtAddr {
    const address = this.addressOf(name);
    if (address === undefined) throw new LookupError('symbol', name);
    return address;
  }

  /** The first of several symbols that there is, newest spelling first. Throws LookupError. */
  firstSymbol(...names: readonly string[]): VirtAddr {
    for (const name of names) {
      const address = this.addressOf(name);
      if (address !== undefined) return address;
    }
    throw new LookupError('symbol', names.join(' or '));
  }

  /** A link-time address of vmlinux at run time. */
  running(linkAddress: bigint): VirtAddr {
    return addVirt(virtAddr(linkAddress), this.target.load.slide);
  }

  /** A run-time address of the kernel image as linked. */
  linked(address: VirtAddr): VirtAddr {
    return addVirt(address, -this.target.load.slide);
  }
}
