/** What a word of memory points at: a symbol, an object of a slab cache, or nothing that is known. */

import type { VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { slabObjectAt } from '../kernel/slab.ts';

/** A word that is an address in the kernel or one of its modules. */
export interface SymbolWord {
  readonly kind: 'symbol';
  readonly value: VirtAddr;
  readonly symbol: string;
  /** In bytes from the symbol. */
  readonly offset: number;
  readonly module: string | undefined;
}

/** A word that points into an object of a slab cache, allocated or free, or into the red zone before it. */
export interface SlabWord {
  readonly kind: 'slab';
  readonly value: VirtAddr;
  readonly cache: string;
  /** Where the object begins. */
  readonly object: VirtAddr;
  /** In bytes from there; negative in a red zone. */
  readonly offset: number;
}

/** Any other word. */
export interface NumberWord {
  readonly kind: 'number';
  readonly value: VirtAddr;
}

export type WordLabel = SymbolWord | SlabWord | NumberWord;

/** 1: a slab object by its cache's name; 2: and its address; 3: and what it is. Symbols are named by each. */
export type WordDetail = 1 | 2 | 3;

/**
 * What `value` points at. Reads nothing but what tells slab pages from others.
 * @param _detail how much is wanted to be known of an object
 */
export function describeWord(kernel: Kernel, value: VirtAddr, _detail: WordDetail): WordLabel {
  const symbol = describeSymbol(kernel, value);
  if (symbol !== undefined) return symbol;
  const slab = attempt(() => slabObjectAt(kernel, value));
  if (slab === undefined) return { kind: 'number', value };
  return { kind: 'slab', value, cache: slab.cache.name, object: slab.object, offset: slab.offset };
}

/** As `describeWord`, by symbols alone. */
export function describeSymbol(kernel: Kernel, value: VirtAddr): SymbolWord | undefined {
  const found = kernel.symbols.at(value);
  if (found === undefined) return undefined;
  const { symbol, offset } = found;
  return { kind: 'symbol', value, symbol: symbol.name, offset, module: symbol.module };
}
