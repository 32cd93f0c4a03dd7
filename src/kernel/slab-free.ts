/** Which objects of one slab are free: those on its own freelist, and those on that of the CPU that allocates from it. */

import { attempt } from '../base/errors.ts';
import type { Kernel } from './kernel.ts';
import { walkFreelist } from './slab-freelist.ts';
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

/** What SLUB's freelists say of a slab, read when first asked for. Sheaves are another place. */
export function freeInSlab(kernel: Kernel, slab: Slab): FreeObjects {
  let objects = remembered.get(slab);
  if (objects === undefined) {
    objects = readFree(kernel, slab);
    remembered.set(slab, objects);
  }
  return objects;
}

function readFree(kernel: Kernel, slab: Slab): FreeObjects {
  const free = new Map<number, Stocked | undefined>();
  const view = slabView(kernel, slab.address);
  const head = view && attempt(() => view.pointer('freelist'));
  if (view === undefined || head === undefined) return { free, broken: 'the slab cannot be read' };
  const own = walkFreelist(kernel, slab, head);
  for (const index of own.indices) free.set(index, undefined);
  const inUse = attempt(() => view.number('inuse'));
  const missing = inUse === undefined ? 0 : slab.objects - inUse - own.indices.length;
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
