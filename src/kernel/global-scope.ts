/** The names of C expressions outside of any frame: the kernel's and its modules' variables, functions, per-CPU variables. */

import type { VirtAddr } from '../base/addr.ts';
import { UsageError } from '../base/errors.ts';
import { nearestNames } from '../base/suggest.ts';
import type { KernelSymbol } from '../debuginfo/symbols/symbol-table.ts';
import type { TypeCatalog } from '../debuginfo/types/catalog.ts';
import type { Type } from '../debuginfo/types/type.ts';
import type { Scope } from '../expr/scope.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { valueAt, type Value } from '../values/value.ts';
import { readCpus } from './cpus.ts';
import type { Kernel } from './kernel.ts';
import { functionTypeAt, typeOfVariable, whyNoType } from './symbol-types.ts';

export class GlobalScope implements Scope {
  readonly types: TypeCatalog;
  readonly memory: AddressSpace;
  readonly #kernel: Kernel;
  readonly #history: (number: number) => Value | undefined;

  /**
   * @param memory where pointers lead: the kernel's, or that of a process
   * @param history earlier values: by their number, 0 the last one, -1 the one before that
   * @param types the types that casts may name
   */
  constructor(
    kernel: Kernel,
    memory: AddressSpace = kernel.memory,
    history: (number: number) => Value | undefined = () => undefined,
    types: TypeCatalog = kernel.userTypes,
  ) {
    this.types = types;
    this.memory = memory;
    this.#kernel = kernel;
    this.#history = history;
  }

  variable(name: string): Value | undefined {
    const [symbol] = this.#kernel.symbols.named(name);
    if (symbol === undefined) return undefined;
    if (this.#kernel.perCpu.isPerCpu(symbol))
      throw new UsageError(`${name} is a per-CPU variable: say of which CPU, as in ${name}:0`);
    const type = this.#typeOf(symbol);
    if (type === undefined) throw unknownType(this.#kernel, symbol);
    return valueAt(this.#kernel.memory, type, symbol.address);
  }

  untyped(name: string): VirtAddr | undefined {
    const [symbol] = this.#kernel.symbols.named(name);
    if (symbol === undefined || this.#kernel.perCpu.isPerCpu(symbol)) return undefined;
    return this.#typeOf(symbol) === undefined ? symbol.address : undefined;
  }

  perCpu(name: string, cpu: number): Value | undefined {
    const symbol = this.#perCpuSymbol(name);
    if (symbol === undefined) return undefined;
    const type = typeOfVariable(this.#kernel, symbol);
    if (type === undefined) throw unknownType(this.#kernel, symbol);
    // The offset of a CPU that cannot be leads to the initial values of the variables: no CPU's.
    const { possible } = readCpus(this.#kernel);
    if (!possible.includes(cpu))
      throw new UsageError(`there is no CPU ${cpu} in this dump (${possible.join(', ')}), so it has no ${name}`);
    return valueAt(this.#kernel.memory, type, this.#kernel.perCpu.at(symbol.address, cpu));
  }

  isPerCpu(name: string): boolean {
    return this.#perCpuSymbol(name) !== undefined;
  }

  isVariable(name: string): boolean {
    return this.#kernel.symbols.named(name).length > 0;
  }

  history(number: number): Value | undefined {
    return this.#history(number);
  }

  suggestions(name: string): readonly string[] {
    const { symbols } = this.#kernel;
    return nearestNames(name, namesOf(symbols.all()));
  }

  #perCpuSymbol(name: string): KernelSymbol | undefined {
    return this.#kernel.symbols.named(name).find((symbol) => this.#kernel.perCpu.isPerCpu(symbol));
  }

  #typeOf(symbol: KernelSymbol): Type | undefined {
    return this.#kernel.symbols.isText(symbol.address)
      ? (functionTypeAt(this.#kernel, symbol.address) ?? unknownFunction)
      : typeOfVariable(this.#kernel, symbol);
  }
}

const unknownFunction = { kind: 'function', returns: { kind: 'void' }, parameters: [], variadic: true } as const;

function unknownType(kernel: Kernel, symbol: KernelSymbol): UsageError {
  return new UsageError(`${whyNoType(kernel, symbol)}; a cast can give it one: *(int *)&${symbol.name}`);
}

function* namesOf(symbols: Iterable<KernelSymbol>): Generator<string> {
  for (const symbol of symbols) yield symbol.name;
}
