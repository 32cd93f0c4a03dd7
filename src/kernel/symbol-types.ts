/**
 * What a symbol is in C: the type of a variable, the prototype of a function. Statics of several units and modules
 * share names, so the address decides: BTF lists the per-CPU variables with their places, DWARF has the address of
 * every variable that is defined; without DWARF there are declarations of the best known ones.
 */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Btf } from '../debuginfo/btf/btf.ts';
import type { DwarfInfo } from '../debuginfo/dwarf/dwarf-info.ts';
import type { KernelSymbol } from '../debuginfo/symbols/symbol-table.ts';
import type { FunctionType, Type } from '../debuginfo/types/type.ts';
import { declaredType } from './declared-types.ts';
import type { Kernel } from './kernel.ts';
import type { Module } from './modules.ts';

/** The type of the variable a symbol stands for; undefined where nothing tells. Throws NeedResource. */
export function typeOfVariable(kernel: Kernel, symbol: KernelSymbol): Type | undefined {
  const owner = ownerOf(kernel, symbol.module);
  return (
    attempt(() => perCpuType(owner, symbol)) ??
    attempt(() => {
      const dwarf = owner.dwarf();
      if (dwarf === undefined) return declaredType(kernel, symbol);
      const there = dwarf.types.variableAt(symbol.name, owner.toTable(symbol.address));
      if (there !== undefined) return there;
      // A local symbol is nobody else's: a declaration of that name speaks of another variable.
      return symbol.letter === symbol.letter.toLowerCase() ? undefined : dwarf.types.declaredVariable(symbol.name);
    })
  );
}

/** For a variable or function whose type is not known: why, for the user. */
export function whyNoType(kernel: Kernel, symbol: KernelSymbol): string {
  const owner = ownerOf(kernel, symbol.module);
  const why = attempt(owner.dwarf) === undefined ? owner.whyNoDwarf() : 'the debug information does not have it';
  return `the type of ${symbol.name} is not known (${why})`;
}

/** The prototype of the function an address is in, with the names of its parameters. Throws NeedResource. */
export function functionTypeAt(kernel: Kernel, address: VirtAddr): FunctionType | undefined {
  const symbol = kernel.symbols.at(address)?.symbol;
  if (symbol === undefined || !kernel.symbols.isText(address)) return undefined;
  const owner = ownerOf(kernel, symbol.module);
  const fromBtf = (): FunctionType | undefined => attempt(() => owner.btf()?.functionNamed(symbol.name));
  const fromDwarf = (): FunctionType | undefined =>
    attempt(() => {
      const dwarf = owner.dwarf();
      const [die] = dwarf?.scopesAt(owner.toTable(address)) ?? [];
      return die && dwarf?.types.functionType(die);
    });
  // BTF knows functions by name alone: of several with one name it may mean another.
  const namesakes = kernel.symbols.named(symbol.name).length;
  return namesakes > 1 ? (fromDwarf() ?? fromBtf()) : (fromBtf() ?? fromDwarf());
}

/** Whose symbol it is, and how that object's tables have addresses. */
interface Owner {
  readonly btf: () => Btf | undefined;
  readonly dwarf: () => DwarfInfo | undefined;
  readonly whyNoDwarf: () => string;
  /** Where the object's per-CPU section begins, as its symbols have it. */
  readonly perCpuStart: () => VirtAddr | undefined;
  toTable(address: VirtAddr): number;
}

function ownerOf(kernel: Kernel, moduleName: string | undefined): Owner {
  const module = moduleName === undefined ? undefined : kernel.modules().named(moduleName);
  return module === undefined ? ownerKernel(kernel) : ownerModule(kernel, module);
}

function ownerKernel(kernel: Kernel): Owner {
  const { vmlinux } = kernel.target;
  return {
    btf: vmlinux.btf,
    dwarf: vmlinux.dwarf,
    whyNoDwarf: () => vmlinux.whyNoDwarf,
    perCpuStart: () => kernel.symbols.named('__per_cpu_start').find((symbol) => symbol.module === undefined)?.address,
    // Per-CPU symbols that are offsets took no slide.
    toTable: (at) => signed(kernel.symbols.isImage(at) ? kernel.linked(at) : at),
  };
}

function ownerModule(kernel: Kernel, module: Module): Owner {
  return {
    btf: module.btf,
    dwarf: () => module.debug()?.dwarf,
    whyNoDwarf: () => kernel.moduleDebug.whyNoDwarf(module),
    perCpuStart: () => module.perCpuStart,
    toTable: signed,
  };
}

const signed = (address: VirtAddr): number => Number(BigInt.asIntN(64, address));

/** BTF's offsets are relative to the section, whatever the symbols are. */
function perCpuType(owner: Owner, symbol: KernelSymbol): Type | undefined {
  const variables = owner.btf()?.variables(symbol.name) ?? [];
  const start = variables.length === 0 ? undefined : owner.perCpuStart();
  if (start === undefined) return undefined;
  return variables.find(
    ({ section, offset }) => section === PER_CPU_SECTION && addVirt(start, offset) === symbol.address,
  )?.type;
}

const PER_CPU_SECTION = '.data..percpu';
