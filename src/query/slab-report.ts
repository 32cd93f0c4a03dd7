/** Slabs and their caches as data: the answer to `kmem -s`, and what `kmem ADDRESS` says of a slab object. */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { isUnavailable, type Available } from '../base/available.ts';
import { checkCancelled } from '../base/cancel.ts';
import { attempt, LookupError } from '../base/errors.ts';
import { nearestNames } from '../base/suggest.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { guardedObjectAt } from '../kernel/kfence.ts';
import { memoryNodeOf } from '../kernel/memory-nodes.ts';
import { pagesOf } from '../kernel/pages.ts';
import { slabCacheList, type SlabCache } from '../kernel/slab-cache.ts';
import { freeInSlab } from '../kernel/slab-free.ts';
import {
  objectPlace,
  slabAliases,
  slabCacheNamed,
  type ObjectPlace,
  type Slab,
  type SlabObject,
} from '../kernel/slab.ts';
import { cacheStockOf } from '../kernel/slab-stock.ts';
import { slabUsage, type SlabUsage } from '../kernel/slab-usage.ts';

export interface SlabCacheRow {
  readonly cache: VirtAddr;
  readonly name: string;
  readonly objectSize: number;
  readonly usage: Available<SlabUsage>;
  /** Of a slab, in bytes. */
  readonly slabSize: number;
  /** The other names of a merged cache. */
  readonly aliases: readonly string[];
  /** Whether it was merged with others, be their names known or not. */
  readonly merged: boolean;
}

export interface SlabCacheReport {
  readonly type: 'slab-caches';
  readonly caches: readonly SlabCacheRow[];
  /** Whether they were asked for by name. */
  readonly named: boolean;
  readonly warning: string | undefined;
}

/** One object in its slab. */
export interface SlabObjectRow extends ObjectPlace {
  readonly object: VirtAddr;
  readonly index: number;
}

/** A slab, and of its objects those that were asked for. */
export interface SlabContent {
  readonly slab: VirtAddr;
  readonly memory: VirtAddr;
  /** Its memory node. */
  readonly node: number | undefined;
  readonly total: number;
  readonly free: number;
  readonly objects: readonly SlabObjectRow[];
  /** The CPU that allocates from it, or has it among its partial slabs. */
  readonly cpu: { readonly id: number; readonly how: 'active' | 'partial' } | undefined;
  /** Whether it is a page of KFENCE's, with one object between pages that fault. */
  readonly guarded: boolean;
  /** What is wrong with its freelists. */
  readonly broken: string | undefined;
}

export interface SlabReport extends SlabContent {
  readonly cache: SlabCacheRow;
}

/** The caches of these names, or all. Throws LookupError where one is not there. */
export function slabCacheReport(kernel: Kernel, names: readonly string[]): SlabCacheReport {
  const chosen = chosenCaches(kernel, names);
  const { broken } = slabCacheList(kernel);
  return {
    type: 'slab-caches',
    caches: chosen.map((cache) => {
      checkCancelled();
      return cacheRow(kernel, cache);
    }),
    named: names.length > 0,
    warning: broken && `the list of caches is broken: ${broken}`,
  };
}

/** The caches of these names, or all. Throws LookupError where one is not there. */
export function chosenCaches(kernel: Kernel, names: readonly string[]): readonly SlabCache[] {
  const { caches } = slabCacheList(kernel);
  if (caches.length === 0) kernel.structType('kmem_cache');
  if (caches.length === 0) throw new LookupError('symbol', 'slab_caches (this kernel has no list of slab caches)');
  return names.length === 0 ? caches : names.map((name) => cacheCalled(kernel, name));
}

/** Whether a cache bears that name, or one that was merged into another. */
export function isCacheName(kernel: Kernel, name: string): boolean {
  return cacheNamed(kernel, name) !== undefined;
}

function cacheNamed(kernel: Kernel, name: string): SlabCache | undefined {
  const { caches } = slabCacheList(kernel);
  return slabCacheNamed(kernel, name) ?? caches.find((cache) => slabAliases(kernel, cache).includes(name));
}

function cacheCalled(kernel: Kernel, name: string): SlabCache {
  const found = cacheNamed(kernel, name);
  if (found !== undefined) return found;
  const { caches, broken } = slabCacheList(kernel);
  const known = caches.flatMap((cache) => [cache.name, ...slabAliases(kernel, cache)]);
  const among = broken === undefined ? '' : ` (the list of caches is broken: ${broken})`;
  throw new LookupError(`slab cache${among}`, name, nearestNames(name, known));
}

/** A slab with one of its objects, or with all. */
export function slabReport(kernel: Kernel, slab: Slab, wanted: SlabObject | 'all' | 'none'): SlabReport {
  return { cache: cacheRow(kernel, slab.cache), ...slabContent(kernel, slab, wanted) };
}

export function slabContent(kernel: Kernel, slab: Slab, wanted: SlabObject | 'all' | 'none'): SlabContent {
  const { cache } = slab;
  const guarded = guardedObjectAt(kernel, slab.memory);
  const stock = cacheStockOf(kernel, cache);
  const free = freeInSlab(kernel, slab);
  const rows = wanted === 'none' ? [] : wanted === 'all' ? objectsOf(kernel, slab) : [wanted];
  const objects = rows.map((row) => ({ ...objectPlace(kernel, row), object: row.object, index: row.index }));
  const active = stock.cpuSlabs.find((entry) => entry.slab === slab.address);
  const partial = stock.cpuPartial.find((entry) => entry.slab === slab.address);
  const owner = active ?? partial;
  return {
    slab: slab.address,
    memory: slab.memory,
    node: attempt(() => memoryNodeOf(kernel, pagesOf(kernel).frameOf(slab.memory) ?? 0)),
    total: slab.objects,
    free: guarded === undefined ? free.free.size + sheavedIn(kernel, slab) : Number(guarded.state === 'free'),
    guarded: guarded !== undefined,
    objects,
    cpu: owner && { id: owner.cpu, how: active === undefined ? 'partial' : 'active' },
    broken: guarded === undefined ? free.broken : undefined,
  };
}

function objectsOf(kernel: Kernel, slab: Slab): SlabObject[] {
  const guarded = guardedObjectAt(kernel, slab.memory);
  if (guarded !== undefined)
    return [{ cache: slab.cache, object: guarded.object, index: 0, slab: slab.address, offset: 0 }];
  return Array.from({ length: slab.objects }, (_, index) => ({
    cache: slab.cache,
    object: addVirt(slab.first, index * slab.cache.size + slab.cache.padding),
    index,
    slab: slab.address,
    offset: 0,
  }));
}

/** How many of a slab's objects wait in sheaves. */
function sheavedIn(kernel: Kernel, slab: Slab): number {
  const { sheaved } = cacheStockOf(kernel, slab.cache);
  if (sheaved.size === 0) return 0;
  return objectsOf(kernel, slab).filter(({ object }) => {
    const place = sheaved.get(String(object));
    return place !== undefined && place.kind !== 'rcu-sheaf';
  }).length;
}

export function cacheRow(kernel: Kernel, cache: SlabCache): SlabCacheRow {
  const usage = slabUsage(kernel, cache);
  return {
    cache: cache.address,
    name: cache.name,
    objectSize: cache.objectSize,
    usage: isUnavailable(usage) ? usage : { ...usage },
    slabSize: 4096 * 2 ** cache.order,
    aliases: slabAliases(kernel, cache),
    merged: cache.users > 1,
  };
}
