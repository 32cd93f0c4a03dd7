/**
 * Which object of the slab allocator an address is in: kernel mm/slab.h, mm/slub.c; include/linux/slab_def.h for SLAB.
 * Whether the object is in use is slab-state.ts's.
 *
 * Probes: struct slab (d122019bf061, v5.17), or the same members in struct page. SLUB's objects begin with the slab's
 * first page, SLAB's at `s_mem`.
 */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Kernel } from './kernel.ts';
import { oncePerKernel } from './once-per-kernel.ts';
import { guardedObjectAt } from './kfence.ts';
import { pageUseOf, type PageUse } from './page-flags.ts';
import { pagesOf, type Pages } from './pages.ts';
import { readSlabCache, slabCaches, type SlabCache } from './slab-cache.ts';
import { slabView } from './slab-type.ts';

export { slabCacheNamed, slabCaches, type SlabCache } from './slab-cache.ts';
export { slabAliases } from './slab-aliases.ts';
export { objectPlace, objectState, type ObjectPlace, type ObjectState } from './slab-state.ts';

/** Pages that hold the objects of one cache. */
export interface Slab {
  /** struct slab, or struct page before v5.17: the head page's. */
  readonly address: VirtAddr;
  readonly cache: SlabCache;
  /** Where its first page is in the direct map. */
  readonly memory: VirtAddr;
  /** Where the place of its first object begins. */
  readonly first: VirtAddr;
  /** How many objects fit. */
  readonly objects: number;
}

export interface SlabObject {
  readonly cache: SlabCache;
  /** Start of the object's user part. */
  readonly object: VirtAddr;
  /** Which object of its slab. */
  readonly index: number;
  /** struct slab, or struct page before v5.17. */
  readonly slab: VirtAddr;
  /** Of the address in the object, in bytes; negative in a red zone before it. */
  readonly offset: number;
}

/** The object an address is in; undefined where it is in none. Cheap where it is not in the direct map. */
export function slabObjectAt(kernel: Kernel, address: VirtAddr): SlabObject | undefined {
  return slabsOf(kernel).objectAt(address);
}

/** The slab an address is in, be it in an object or behind the last; undefined where it is in none. */
export function slabAt(kernel: Kernel, address: VirtAddr): Slab | undefined {
  return slabsOf(kernel).at(address);
}

/** The slab that a struct slab or a struct page describes. */
export function slabOfPage(kernel: Kernel, page: VirtAddr): Slab | undefined {
  const frame = pagesOf(kernel).frameOfPage(page);
  return frame === undefined ? undefined : slabsOf(kernel).ofFrame(frame);
}

const slabsOf = oncePerKernel((kernel) => new Slabs(kernel));

const MOST_FRAMES = 1 << 20;

/** The slabs that were met, by page frame. */
class Slabs {
  readonly #kernel: Kernel;
  readonly #pages: Pages;
  readonly #use: PageUse;
  readonly #caches: ReadonlyMap<string, SlabCache>;
  readonly #unlisted = new Map<string, SlabCache | undefined>();
  readonly #frames = new Map<number, Slab | undefined>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#pages = pagesOf(kernel);
    this.#use = pageUseOf(kernel);
    this.#caches = new Map(slabCaches(kernel).map((cache) => [String(cache.address), cache]));
  }

  at(address: VirtAddr): Slab | undefined {
    const frame = this.#pages.frameOf(address);
    return frame === undefined ? undefined : this.ofFrame(frame);
  }

  ofFrame(frame: number): Slab | undefined {
    let slab = this.#frames.get(frame);
    if (slab === undefined && !this.#frames.has(frame)) {
      slab = attempt(() => this.#read(frame));
      if (this.#frames.size >= MOST_FRAMES) this.#frames.clear();
      this.#frames.set(frame, slab);
    }
    return slab;
  }

  objectAt(address: VirtAddr): SlabObject | undefined {
    const slab = this.at(address);
    if (slab === undefined || address < slab.first) return undefined;
    const { cache } = slab;
    const guarded = guardedObjectAt(this.#kernel, address);
    if (guarded !== undefined) {
      const { object } = guarded;
      return { cache, object, index: 0, slab: slab.address, offset: Number(address - object) };
    }
    const place = Number(address - slab.first);
    const index = Math.floor(place / cache.size);
    if (index >= slab.objects) return undefined;
    const start = index * cache.size + cache.padding;
    return { cache, object: addVirt(slab.first, start), index, slab: slab.address, offset: place - start };
  }

  #read(frame: number): Slab | undefined {
    const head = this.#pages.headOf(this.#pages.pageOf(frame));
    const first = this.#pages.frameOfPage(head);
    const marked = this.#use.isSlab(head);
    if (first === undefined || marked === false) return undefined;
    if (first !== frame) return this.ofFrame(first);
    const view = slabView(this.#kernel, head);
    if (view?.has('slab_cache') !== true) return undefined;
    const cache = this.#cacheAt(view.pointer('slab_cache'), marked === true);
    if (cache === undefined) return undefined;
    const chained = cache.freePointer !== undefined;
    const memory = this.#pages.addressOf(frame);
    return {
      address: head,
      cache,
      memory,
      first: chained || !view.has('s_mem') ? memory : view.pointer('s_mem'),
      objects: chained && view.has('objects') ? view.number('objects') : cache.objectsPerSlab,
    };
  }

  /** Of the kernel's list; where a mark says that the page is a slab's, any that can be read: the list may be broken. */
  #cacheAt(address: VirtAddr, marked: boolean): SlabCache | undefined {
    const key = String(address);
    const listed = this.#caches.get(key);
    if (listed !== undefined || !marked || address === 0n) return listed;
    if (!this.#unlisted.has(key)) this.#unlisted.set(key, readSlabCache(this.#kernel, address));
    return this.#unlisted.get(key);
  }
}
