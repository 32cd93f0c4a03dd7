/**
 * Free objects that a slab cache keeps at hand beside its slabs: the slabs that CPUs allocate from, their partial
 * slabs, and sheaves. Kernel mm/slub.c. Every possible CPU counts: after a panic most are not online any more.
 *
 * Probes: `cpu_slab` (struct kmem_cache_cpu, up to 32c894c7274b, v7.0) with `slab` (bb192ed9aa71, v5.17) or `page`, and
 * `partial` where there is CONFIG_SLUB_CPU_PARTIAL; `cpu_sheaves` (2d517aa09bbc, v6.18), with the barns of full sheaves
 * in `per_node` (5ba6bc27b1f9, v7.1) or in kmem_cache_node; SLAB's `cpu_cache` and the nodes' array caches.
 */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { available, isUnavailable } from '../base/available.ts';
import { offsetOf, type StructView } from '../values/struct-view.ts';
import { readCpus } from './cpus.ts';
import type { Kernel } from './kernel.ts';
import { listForEachEntry } from './list.ts';
import type { SlabCache } from './slab-cache.ts';
import { arrayCacheEntries, nodeArrayCaches } from './slab-indices.ts';
import { nodePointers } from './slab-nodes.ts';
import { slabView } from './slab-type.ts';

/** Where an object waits that its slab counts in use. */
export interface Stocked {
  /** rcu-sheaf: given to kfree_rcu(), its readers may not be done with it. node: an array cache of SLAB's. */
  readonly kind: 'cpu' | 'sheaf' | 'rcu-sheaf' | 'barn' | 'node';
  /** The CPU, or for a barn and a node's array cache the memory node. */
  readonly of: number;
}

/** The slab a CPU allocates from. */
export interface CpuSlab {
  readonly cpu: number;
  readonly slab: VirtAddr;
  readonly freelist: VirtAddr;
}

export interface CacheStock {
  readonly cpuSlabs: readonly CpuSlab[];
  /** Slabs on a CPU's partial list, with the CPU. */
  readonly cpuPartial: readonly { readonly cpu: number; readonly slab: VirtAddr }[];
  /** Objects in sheaves and array caches, by address. */
  readonly sheaved: ReadonlyMap<string, Stocked>;
  /** What of it could not be read, and so may hold any object. */
  readonly broken: readonly string[];
}

const remembered = new WeakMap<Kernel, Map<string, CacheStock>>();

/** What a cache keeps at hand, read when first asked for. */
export function cacheStockOf(kernel: Kernel, cache: SlabCache): CacheStock {
  let stocks = remembered.get(kernel);
  if (stocks === undefined) {
    stocks = new Map();
    remembered.set(kernel, stocks);
  }
  const key = String(cache.address);
  let stock = stocks.get(key);
  if (stock === undefined) {
    stock = new StockReader(kernel, cache).read();
    stocks.set(key, stock);
  }
  return stock;
}

/** More slabs than a CPU's partial list ever holds, more objects than a sheaf does. */
const MOST_PARTIAL = 1 << 16;
const LARGEST_SHEAF = 1 << 12;
const MOST_NODES = 1024;

class StockReader {
  readonly #kernel: Kernel;
  readonly #cache: SlabCache;
  readonly #view: StructView;
  readonly #cpuSlabs: CpuSlab[] = [];
  readonly #cpuPartial: { cpu: number; slab: VirtAddr }[] = [];
  readonly #sheaved = new Map<string, Stocked>();
  readonly #broken: string[] = [];

  constructor(kernel: Kernel, cache: SlabCache) {
    this.#kernel = kernel;
    this.#cache = cache;
    this.#view = kernel.struct('kmem_cache', cache.address);
  }

  read(): CacheStock {
    const { possible } = readCpus(this.#kernel);
    if (this.#view.has('cpu_slab')) {
      for (const cpu of possible) this.#try(`CPU ${cpu}'s slab`, () => this.#readCpuSlab(cpu));
    }
    if (this.#view.has('cpu_sheaves')) {
      for (const cpu of possible) this.#try(`CPU ${cpu}'s sheaves`, () => this.#readCpuSheaves(cpu));
      this.#try('the barns', () => this.#readBarns());
    }
    if (this.#view.has('cpu_cache')) {
      for (const cpu of possible) this.#try(`CPU ${cpu}'s array cache`, () => this.#readCpuArray(cpu));
      this.#try("the nodes' array caches", () => this.#readNodeArrays());
    }
    return {
      cpuSlabs: this.#cpuSlabs,
      cpuPartial: this.#cpuPartial,
      sheaved: this.#sheaved,
      broken: this.#broken,
    };
  }

  #try(what: string, read: () => void): void {
    const why = available(read);
    if (isUnavailable(why)) this.#broken.push(`${what}: ${why.unavailable}`);
  }

  #readCpuSlab(cpu: number): void {
    const pointer = this.#view.pointer('cpu_slab');
    if (pointer === 0n) return;
    const view = this.#kernel.struct('kmem_cache_cpu', this.#kernel.perCpu.at(pointer, cpu));
    const slab = view.pointer(view.pick('slab', 'page'));
    if (slab !== 0n) this.#cpuSlabs.push({ cpu, slab, freelist: view.pointer('freelist') });
    if (!view.has('partial')) return;
    const seen = new Set<bigint>();
    for (let next = view.pointer('partial'); next !== 0n;) {
      const partial = slabView(this.#kernel, next);
      if (partial === undefined) return;
      if (seen.has(next) || seen.size >= MOST_PARTIAL) {
        this.#broken.push(`CPU ${cpu}'s partial slabs: the list loops back to ${next.toString(16)}`);
        return;
      }
      // What cannot be read is no slab.
      const after = partial.pointer('next');
      seen.add(next);
      this.#cpuPartial.push({ cpu, slab: next });
      next = after;
    }
  }

  #readCpuSheaves(cpu: number): void {
    const pointer = this.#view.pointer('cpu_sheaves');
    if (pointer === 0n) return;
    const view = this.#kernel.struct('slub_percpu_sheaves', this.#kernel.perCpu.at(pointer, cpu));
    for (const member of ['main', 'spare', 'rcu_free']) {
      if (!view.has(member)) continue;
      const sheaf = view.pointer(member);
      if (sheaf !== 0n) this.#readSheaf(sheaf, { kind: member === 'rcu_free' ? 'rcu-sheaf' : 'sheaf', of: cpu });
    }
  }

  #readBarns(): void {
    const { types, memory } = this.#kernel;
    for (const { id, barn } of nodePointers(this.#kernel, this.#view, MOST_NODES)) {
      if (barn === undefined) continue;
      const head = this.#kernel.struct('node_barn', barn).at('sheaves_full');
      const { entries, broken } = listForEachEntry(memory, head, types.struct('slab_sheaf'), 'barn_list');
      if (broken !== undefined) this.#broken.push(`node ${id}'s full sheaves: ${broken}`);
      for (const sheaf of entries) this.#readSheaf(sheaf, { kind: 'barn', of: id });
    }
  }

  #readCpuArray(cpu: number): void {
    const pointer = this.#view.pointer('cpu_cache');
    if (pointer !== 0n) this.#readArray(this.#kernel.perCpu.at(pointer, cpu), { kind: 'cpu', of: cpu });
  }

  #readNodeArrays(): void {
    const nodes = nodePointers(this.#kernel, this.#view, MOST_NODES);
    for (const { id, node } of nodes) {
      for (const array of node === undefined ? [] : nodeArrayCaches(this.#kernel, node, nodes.length))
        this.#readArray(array, { kind: 'node', of: id });
    }
  }

  #readArray(array: VirtAddr, place: Stocked): void {
    for (const start of arrayCacheEntries(this.#kernel, array))
      this.#sheaved.set(String(addVirt(start, this.#cache.padding)), place);
  }

  #readSheaf(sheaf: VirtAddr, place: Stocked): void {
    const view = this.#kernel.struct('slab_sheaf', sheaf);
    const size = view.number('size');
    if (size > LARGEST_SHEAF) {
      this.#broken.push(`the sheaf at ${sheaf.toString(16)} claims ${size} objects`);
      return;
    }
    const first = addVirt(sheaf, offsetOf(view.type, 'objects'));
    for (let index = 0; index < size; index++) {
      this.#sheaved.set(String(this.#kernel.memory.pointer(addVirt(first, index * 8))), place);
    }
  }
}
