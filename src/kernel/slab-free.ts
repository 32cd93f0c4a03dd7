/** Which objects of one slab are free: those on its own freelist, and those on that of the CPU that allocates from it. */

import { available, isUnavailable } from '../base/available.ts';
import { attempt } from '../base/errors.ts';
import type { StructView } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';
import { walkFreelist, type Freelist } from './slab-freelist.ts';
import { freeIndices } from './slab-indices.ts';
import type { Slab } from './slab.ts';
import { cacheStockOf, type Stocked } from './slab-stock.ts';
import { slabView } from './slab-type.ts';

export interface FreeObjects {
  /** By index; where each waits, undefined for the slab's own freelist. */
  readonly free: ReadonlyMap<number, Stocked | undefined>;
  /** Why some that are free may not be among them. */
  readonly broken: string | undefined;
}

const remembered = new WeakMap<Slab, FreeObjects>();

/** What freelists say of a slab, read when first asked for. Sheaves and SLAB's array caches are another place. */
export function freeInSlab(kernel: Kernel, slab: Slab): FreeObjects {
  let objects = remembered.get(slab);
  if (objects === undefined) {
    objects = readFree(kernel, slab);
    remembered.set(slab, objects);
  }
  return objects;
}

function readFree(kernel: Kernel, slab: Slab): FreeObjects {
  const view = slabView(kernel, slab.address);
  if (view === undefined) return { free: new Map(), broken: 'the types have no struct slab' };
  const own = available(() => ownFreelist(kernel, slab, view));
  if (isUnavailable(own)) return { free: new Map(), broken: own.unavailable };
  const free = new Map<number, Stocked | undefined>(own.indices.map((index) => [index, undefined]));
  const missing = missingByCounts(slab, view, own.indices.length);
  let broken = own.broken === undefined ? undefined : `its freelist breaks: ${own.broken}`;
  if (missing !== 0)
    broken ??= `its freelist has ${own.indices.length} objects, its counts say ${own.indices.length + missing}`;
  for (const { cpu, slab: active, freelist } of cacheStockOf(kernel, slab.cache).cpuSlabs) {
    if (active !== slab.address) continue;
    const kept = walkFreelist(kernel, slab, freelist);
    for (const index of kept.indices) free.set(index, { kind: 'cpu', of: cpu });
    if (kept.broken !== undefined) broken ??= `CPU ${cpu}'s freelist breaks: ${kept.broken}`;
  }
  return { free, broken };
}

function ownFreelist(kernel: Kernel, slab: Slab, view: StructView): Freelist {
  return slab.cache.freePointer === undefined
    ? freeIndices(kernel, slab, view)
    : walkFreelist(kernel, slab, view.pointer('freelist'));
}

/** SLUB counts those in use, too: how many more are free than its freelist has. */
function missingByCounts(slab: Slab, view: StructView, found: number): number {
  if (slab.cache.freePointer === undefined) return 0;
  const inUse = attempt(() => view.number('inuse'));
  return inUse === undefined ? 0 : slab.objects - inUse - found;
}
