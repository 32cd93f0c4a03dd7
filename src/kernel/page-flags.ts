/**
 * What a page is used for: its flags by name, and its type. Kernel include/linux/page-flags.h.
 *
 * Probes of a page's type: an enumerator PGTY_… in the upper byte of `page_type` (4ffca5a96678, v6.12); the value that
 * VMCOREINFO names (46df8e73a4a3, v6.10, where "slab" became a type); bits of `page_type` that are clear (6.10, 6.11);
 * before, "slab" is a flag, and a free page's `_mapcount` has a value that VMCOREINFO names.
 */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { firstMember, offsetOf } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';
import { oncePerKernel } from './once-per-kernel.ts';
import { pagesOf } from './pages.ts';

type Test = (page: VirtAddr) => boolean;

export class PageUse {
  readonly #slab: Test | undefined;
  readonly #free: Test | undefined;
  readonly #types: readonly { readonly name: string; readonly holds: Test }[];
  readonly #names: readonly { readonly name: string; readonly bit: bigint }[];

  constructor(kernel: Kernel) {
    this.#slab = typeTest(kernel, 'slab', 'PAGE_SLAB_MAPCOUNT_VALUE') ?? flagTest(kernel, 'PG_slab');
    this.#free = typeTest(kernel, 'buddy', 'PAGE_BUDDY_MAPCOUNT_VALUE');
    this.#types = pageTypes(kernel);
    this.#names = flagNames(kernel);
  }

  /** Whether a head page is of the slab allocator; undefined where this kernel's mark is not known. */
  isSlab(head: VirtAddr): boolean | undefined {
    return this.#slab?.(head);
  }

  /** Whether a page is the first of a free block of the page allocator; undefined where the mark is not known. */
  isFree(page: VirtAddr): boolean | undefined {
    return this.#free?.(page);
  }

  /** What else than a part of a file or of a process a page is: "table", "hugetlb", "slab" …, as far as types tell. */
  typeOf(page: VirtAddr): string | undefined {
    return this.#types.find(({ holds }) => holds(page))?.name;
  }

  /** The names of the flags that are set, lowest bit first, without "PG_". */
  flagNames(flags: bigint): string[] {
    return this.#names.filter(({ bit }) => ((flags >> bit) & 1n) === 1n).map(({ name }) => name);
  }
}

/** How a kernel marks what its pages are used for, found out once. */
export const pageUseOf = oncePerKernel((kernel) => new PageUse(kernel));

/** Two flags of one bit have two names (PG_swapcache is PG_owner_priv_1): the first is the bit's own. */
function flagNames(kernel: Kernel): { name: string; bit: bigint }[] {
  const flags = kernel.types.enumeration('pageflags')?.enumerators ?? [];
  const end = flags.find(({ name }) => name === '__NR_PAGEFLAGS')?.value ?? 64n;
  const names = new Map<bigint, string>();
  for (const { name, value } of flags) {
    if (name.startsWith('PG_') && value < end && !names.has(value)) names.set(value, name.slice(3));
  }
  return [...names].map(([bit, name]) => ({ name, bit })).sort((a, b) => Number(a.bit - b.bit));
}

function flagTest(kernel: Kernel, name: string): Test | undefined {
  const bit = kernel.types.enumeration('pageflags')?.enumerators.find((flag) => flag.name === name)?.value;
  if (bit === undefined) return undefined;
  const pages = pagesOf(kernel);
  return (page) => ((pages.flagsOf(page) >> bit) & 1n) === 1n;
}

/** Every page type whose test is known, by the kernel's own names. */
function pageTypes(kernel: Kernel): { name: string; holds: Test }[] {
  const kinds = kernel.types.enumeration('pagetype')?.enumerators ?? [];
  const names = kinds.flatMap(({ name }) => /^(?:PGTY|PG)_(.*)$/.exec(name)?.[1] ?? []);
  return names
    .filter((name) => name !== 'mapcount_underflow')
    .flatMap((name) => {
      const holds = typeTest(kernel, name, '');
      return holds === undefined ? [] : [{ name, holds }];
    });
}

function typeTest(kernel: Kernel, name: string, key: string): Test | undefined {
  const type = kernel.types.compound('struct', 'page');
  const member = type && firstMember(type, ['page_type', '_mapcount']);
  const offset = type && member && attempt(() => offsetOf(type, member));
  if (offset === undefined || offset === '') return undefined;
  const { memory } = kernel;
  const read: (page: VirtAddr) => number = (page) => memory.u32(addVirt(page, offset));
  const kinds = kernel.types.enumeration('pagetype')?.enumerators ?? [];
  const byte = kinds.find((kind) => kind.name === `PGTY_${name}`)?.value;
  if (byte !== undefined) return (page) => read(page) >>> 24 === Number(byte);
  const kept = kernel.target.vmcoreinfo()?.number(key);
  if (kept !== undefined) return (page) => read(page) === Number(BigInt.asUintN(32, kept));
  const bit = kinds.find((kind) => kind.name === `PG_${name}`)?.value;
  const base = kinds.find((kind) => kind.name === 'PAGE_TYPE_BASE')?.value;
  if (bit === undefined || base === undefined) return undefined;
  const mask = Number(BigInt.asUintN(32, base | bit));
  return (page) => (read(page) & mask) >>> 0 === Number(BigInt.asUintN(32, base));
}
