/**
 * The types of the kernel's global variables where no DWARF tells them: kernels' BTF describes per-CPU variables only.
 * They come from declarations in globals/, which are the same in every kernel that was looked at, and are believed only
 * where they hold on the kernel at hand: its types know every name in the declaration, and a variable of that size fits
 * between its symbol and the next one.
 */

import { addVirt } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { once } from '../base/search.ts';
import type { KernelSymbol } from '../debuginfo/symbols/symbol-table.ts';
import type { TypeCatalog } from '../debuginfo/types/catalog.ts';
import { sizeOf, strip, type Type } from '../debuginfo/types/type.ts';
import { parseTypeName } from '../expr/parser.ts';
import type { Scope } from '../expr/scope.ts';
import { bootVariables } from './globals/boot.ts';
import { devicesVariables } from './globals/devices.ts';
import { filesVariables } from './globals/files.ts';
import { interruptsVariables } from './globals/interrupts.ts';
import { logVariables } from './globals/log.ts';
import { memoryVariables } from './globals/memory.ts';
import { networkVariables } from './globals/network.ts';
import { processorsVariables } from './globals/processors.ts';
import { tasksVariables } from './globals/tasks.ts';
import { timeVariables } from './globals/time.ts';
import { tracingVariables } from './globals/tracing.ts';
import type { Kernel } from './kernel.ts';

/** The type of a variable of the kernel itself; undefined where no declaration of it holds. */
export function declaredType(kernel: Kernel, symbol: KernelSymbol): Type | undefined {
  const declaration = declarations().get(symbol.name);
  if (declaration === undefined || symbol.module !== undefined) return undefined;
  const namesakes = kernel.symbols.named(symbol.name).filter(({ module }) => module === undefined);
  if (namesakes.length > 1) return undefined;
  const type = attempt(() => parseTypeName(withBounds(declaration, kernel.types), scopeOf(kernel)));
  return type !== undefined && fits(kernel, symbol, type) ? type : undefined;
}

/** Every variable that has a declaration, with its type as a C type name. */
export const declarations = once((): ReadonlyMap<string, string> => {
  const tables = [
    bootVariables, logVariables, processorsVariables, tasksVariables, timeVariables, interruptsVariables,
    memoryVariables, filesVariables, networkVariables, devicesVariables, tracingVariables,
  ]; // prettier-ignore
  const found = new Map<string, string>();
  for (const table of tables) {
    for (const [, before = '', name = '', bounds = ''] of table.matchAll(DECLARATION))
      found.set(name, `${before}${bounds}`);
  }
  return found;
});

/** `struct list_head slab_caches;` */
const DECLARATION = /^(.*?)(\w+)((?:\[\w*\])*);$/gm;

/** The bounds of arrays that are the kernel's configuration, as its bitmaps tell them. */
function withBounds(declaration: string, types: TypeCatalog): string {
  return declaration
    .replace('[NR_CPUS]', () => `[${(types.compound('struct', 'cpumask')?.size ?? 0) * 8}]`)
    .replace('[MAX_NUMNODES]', () => `[${sizeOf(types.typedef('nodemask_t') ?? { kind: 'void' }) * 8}]`);
}

/** Nothing but types has a meaning in a declaration. */
function scopeOf({ types, memory }: Kernel): Scope {
  const none = (): undefined => undefined;
  return {
    types,
    memory,
    variable: none,
    untyped: none,
    perCpu: none,
    isPerCpu: () => false,
    isVariable: () => false,
    history: none,
    suggestions: () => [],
  };
}

/** Between a variable and the next one there is nothing but what that one's alignment takes. */
function fits({ symbols }: Kernel, { address, size }: KernelSymbol, type: Type): boolean {
  const wanted = sizeOf(type);
  const isOpen = hasOpenEnd(type);
  if (wanted === 0) return isOpen;
  if (size > 0) return isOpen ? size >= wanted : size === wanted;
  const next = symbols.next(address);
  if (next === undefined) return false;
  const padding = Number(next - addVirt(address, wanted));
  if (isOpen || padding <= 0) return isOpen ? padding >= 0 : padding === 0;
  const alignment = 2 ** (Math.floor(Math.log2(padding)) + 1);
  return next % BigInt(alignment) === 0n;
}

/** Whether a variable may be larger than its type: an array without a bound, alone or at the end of a structure. */
function hasOpenEnd(type: Type, depth = 0): boolean {
  const bare = strip(type);
  if (bare.kind === 'array') return (bare.count ?? 0) === 0;
  const last = bare.kind === 'struct' && depth < DEEPEST_NESTING ? bare.members.at(-1) : undefined;
  return last !== undefined && hasOpenEnd(last.type, depth + 1);
}

/** Damaged types may hold themselves. */
const DEEPEST_NESTING = 32;
