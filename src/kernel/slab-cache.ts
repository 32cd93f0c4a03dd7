/**
 * Slab caches: struct kmem_cache, kernel mm/slab.h (SLUB), include/linux/slab_def.h (SLAB, up to v6.7).
 *
 * Probes: `oo`, `offset`, `red_left_pad` (d86bd1bece6f, v4.8) are SLUB's; `num`, `gfporder`, `obj_offset` SLAB's.
 */

import type { VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { StructView } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';
import { oncePerKernel } from './once-per-kernel.ts';
import { listForEachEntry } from './list.ts';

/** The cache that objects of one size, or of several kinds of that size, come from. */
export interface SlabCache {
  /** struct kmem_cache. */
  readonly address: VirtAddr;
  readonly name: string;
  /** What a user of an object may use of it, in bytes. */
  readonly objectSize: number;
  /** From one object to the next, in bytes. */
  readonly size: number;
  /** From the start of an object's place to its user part, in bytes: a red zone or other debug data lies before it. */
  readonly padding: number;
  /** Where in a free object the pointer to the next one is; undefined where objects are not chained (SLAB). */
  readonly freePointer: number | undefined;
  /** A new slab has 2^order pages, if there are as many. */
  readonly order: number;
  readonly objectsPerSlab: number;
  /** More than 1 where caches were merged into it: kmem_cache_create() gave it to that many. */
  readonly users: number;
}

export interface SlabCacheList {
  readonly caches: readonly SlabCache[];
  /** Where the kernel's list is broken, why. */
  readonly broken: string | undefined;
}

/** Every cache, in the order of the kernel's list, newest first; none where there is no such list. */
export function slabCaches(kernel: Kernel): readonly SlabCache[] {
  return slabCacheList(kernel).caches;
}

/** As `slabCaches`, with what is wrong with the list. */
export const slabCacheList = oncePerKernel(readList);

/** The cache of that name; undefined where there is none. */
export function slabCacheNamed(kernel: Kernel, name: string): SlabCache | undefined {
  return slabCaches(kernel).find((cache) => cache.name === name);
}

function readList(kernel: Kernel): SlabCacheList {
  const head = kernel.addressOf('slab_caches');
  const type = kernel.types.compound('struct', 'kmem_cache');
  if (head === undefined || type === undefined) return { caches: [], broken: undefined };
  const walk = attempt(() => listForEachEntry(kernel.memory, head, type, 'list'));
  const caches = (walk?.entries ?? []).flatMap((address) => readSlabCache(kernel, address) ?? []);
  return { caches, broken: walk?.broken };
}

const LARGEST_SIZE = 1 << 26;
const LARGEST_ORDER = 20;

/** A struct kmem_cache; undefined where what is there cannot be one. */
export function readSlabCache(kernel: Kernel, address: VirtAddr): SlabCache | undefined {
  return attempt(() => {
    const view = kernel.struct('kmem_cache', address);
    const objectSize = view.number('object_size');
    const size = view.number('size');
    const { order, objectsPerSlab } = shapeOf(view);
    if (objectSize < 1 || size < objectSize || size > LARGEST_SIZE || order > LARGEST_ORDER) return undefined;
    return {
      address,
      name: view.string('name', 256),
      objectSize,
      size,
      padding: numberOr(view, 0, 'red_left_pad', 'obj_offset'),
      freePointer: view.has('offset') ? view.number('offset') : undefined,
      order,
      objectsPerSlab,
      users: numberOr(view, 1, 'refcount'),
    };
  });
}

/** struct kmem_cache_order_objects: the order above the count, each of 16 bits. */
function shapeOf(view: StructView): { order: number; objectsPerSlab: number } {
  if (!view.has('oo.x')) return { order: numberOr(view, 0, 'gfporder'), objectsPerSlab: numberOr(view, 0, 'num') };
  const packed = view.number('oo.x');
  return { order: packed >>> 16, objectsPerSlab: packed & 0xffff };
}

function numberOr(view: StructView, otherwise: number, ...paths: readonly string[]): number {
  const path = paths.find((member) => view.has(member));
  return path === undefined ? otherwise : view.number(path);
}
