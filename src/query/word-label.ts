/** What a word of memory points at: a symbol, an object of a slab cache, a struct page, or nothing that is known. */

import { PAGE_SIZE, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { strip } from '../debuginfo/types/type.ts';
import { pagesOf } from '../kernel/pages.ts';
import { slabObjectAt, type SlabObject } from '../kernel/slab.ts';
import { typeOfVariable } from '../kernel/symbol-types.ts';
import type { Provenance } from '../values/provenance.ts';
import { memberPath, objectTypes } from './object-type.ts';

/** What an object is, and where in it the word points. */
export interface TypedPlace {
  /** The name of the struct. */
  readonly type: string;
  /** In bytes from its start. */
  readonly offset: number;
  /** ".vfs_inode": the member there; undefined at the start of the object. */
  readonly member: string | undefined;
  readonly provenance: Provenance;
}

/** A word that is an address in the kernel or one of its modules. */
export interface SymbolWord {
  readonly kind: 'symbol';
  readonly value: VirtAddr;
  readonly symbol: string;
  /** In bytes from the symbol. */
  readonly offset: number;
  readonly module: string | undefined;
  /** Of a variable that is a struct, where it was asked for. */
  readonly place: TypedPlace | undefined;
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
  /** Where it was asked for, and something tells. */
  readonly place: TypedPlace | undefined;
}

/** A word that points at a struct page. */
export interface PageWord {
  readonly kind: 'page';
  readonly value: VirtAddr;
  /** Of the page it describes, in bytes. */
  readonly physical: number;
}

/** Any other word. */
export interface NumberWord {
  readonly kind: 'number';
  readonly value: VirtAddr;
}

export type WordLabel = SymbolWord | SlabWord | PageWord | NumberWord;

/** 1: a slab object by its cache's name; 2: and its address; 3: and what it is, pages too. Symbols are named by each. */
export type WordDetail = 1 | 2 | 3;

/**
 * What `value` points at. Below detail 3 nothing is read but what tells slab pages from others; at 3 more is known
 * where `objectTypes(kernel).learn` has met the words that belong together.
 */
export function describeWord(kernel: Kernel, value: VirtAddr, detail: WordDetail): WordLabel {
  const symbol = describeSymbol(kernel, value);
  if (symbol !== undefined)
    return detail < 3 ? symbol : { ...symbol, place: attempt(() => placeInVariable(kernel, value)) };
  const slab = attempt(() => slabObjectAt(kernel, value));
  if (slab !== undefined) {
    const { cache, object, offset } = slab;
    const place = detail < 3 ? undefined : placeInObject(kernel, slab);
    return { kind: 'slab', value, cache: cache.name, object, offset, place };
  }
  const frame = detail < 3 ? undefined : attempt(() => pagesOf(kernel).frameOfPage(value));
  return frame === undefined ? { kind: 'number', value } : { kind: 'page', value, physical: frame * PAGE_SIZE };
}

/** What an object is, and the member an address in it is at; undefined where nothing tells. */
export function placeInObject(kernel: Kernel, slab: SlabObject): TypedPlace | undefined {
  const found = slab.offset < 0 ? undefined : objectTypes(kernel).typeOf(slab);
  if (found === undefined || slab.offset >= found.type.size) return undefined;
  return {
    type: found.type.name ?? '{...}',
    offset: slab.offset,
    member: memberPath(found.type, slab.offset),
    provenance: { kind: 'inferred', how: found.how },
  };
}

/** The debug information says what a variable is. */
function placeInVariable(kernel: Kernel, value: VirtAddr): TypedPlace | undefined {
  const found = kernel.symbols.at(value);
  if (found === undefined || kernel.symbols.isText(value)) return undefined;
  const type = typeOfVariable(kernel, found.symbol);
  const bare = type && strip(kernel.userTypes.definition(type));
  if (bare?.kind !== 'struct' || found.offset >= bare.size) return undefined;
  const member = memberPath(bare, found.offset);
  return { type: bare.name ?? '{...}', offset: found.offset, member, provenance: { kind: 'known' } };
}

/** As `describeWord`, by symbols alone. */
export function describeSymbol(kernel: Kernel, value: VirtAddr): SymbolWord | undefined {
  const found = kernel.symbols.at(value);
  if (found === undefined) return undefined;
  const { symbol, offset } = found;
  return { kind: 'symbol', value, symbol: symbol.name, offset, module: symbol.module, place: undefined };
}
