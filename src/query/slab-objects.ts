/** The slabs of a cache that the allocator keeps track of, with their objects: the answer to `kmem -S`. */

import type { VirtAddr } from '../base/addr.ts';
import { checkCancelled } from '../base/cancel.ts';
import { attempt } from '../base/errors.ts';
import { readCpus } from '../kernel/cpus.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { ListWalk } from '../kernel/list.ts';
import type { SlabCache } from '../kernel/slab-cache.ts';
import { nodePointers } from '../kernel/slab-nodes.ts';
import { cacheStockOf } from '../kernel/slab-stock.ts';
import { slabsOnList } from '../kernel/slab-usage.ts';
import { slabOfPage } from '../kernel/slab.ts';
import { cacheRow, slabContent, type SlabCacheRow, type SlabContent } from './slab-report.ts';

export interface SlabObjects {
  readonly type: 'slab-objects';
  readonly cache: SlabCacheRow;
  /** Empty where CPUs have no slabs of their own (SLAB; SLUB since Linux 7.0). */
  readonly cpus: readonly CpuSlabs[];
  readonly nodes: readonly NodeSlabs[];
  /** What could not be followed or read, and is left out. */
  readonly problems: readonly string[];
}

export interface CpuSlabs {
  readonly cpu: number;
  /** struct kmem_cache_cpu. */
  readonly address: VirtAddr;
  /** The one it allocates from, where it has one. */
  readonly active: readonly SlabContent[];
  readonly partial: readonly SlabContent[];
}

export interface NodeSlabs {
  readonly node: number;
  /** struct kmem_cache_node. */
  readonly address: VirtAddr;
  /** How many there are in all; undefined where the kernel does not count them. */
  readonly slabs: number | undefined;
  /** How many of them CPUs allocate from. */
  readonly perCpu: number;
  readonly partial: readonly SlabContent[];
  /** Empty unless the cache tracks its full slabs, for debugging. */
  readonly full: readonly SlabContent[];
}

const MOST_NODES = 1024;

export function slabObjects(kernel: Kernel, cache: SlabCache): SlabObjects {
  const problems = [...cacheStockOf(kernel, cache).broken];
  const contents = (addresses: readonly VirtAddr[]): SlabContent[] =>
    addresses.flatMap((address) => {
      checkCancelled();
      const slab = slabOfPage(kernel, address);
      const content = slab && attempt(() => slabContent(kernel, slab, 'all'));
      if (content === undefined) problems.push(`the slab at ${address.toString(16)} cannot be read`);
      return content ?? [];
    });
  const cpus = cpuSlabs(kernel, cache, contents);
  const active = cpus.flatMap((cpu) => cpu.active);
  const followed = (what: string, { entries, broken }: ListWalk): SlabContent[] => {
    if (broken !== undefined) problems.push(`${what}: ${broken}`);
    return contents(entries);
  };
  const nodes = nodePointers(kernel, kernel.struct('kmem_cache', cache.address), MOST_NODES).flatMap(({ id, node }) => {
    if (node === undefined) return [];
    const view = kernel.struct('kmem_cache_node', node);
    return {
      node: id,
      address: node,
      slabs: attempt(() => view.number('nr_slabs.counter')),
      perCpu: active.filter((slab) => slab.node === id).length,
      partial: followed(`node ${id}'s partial slabs`, slabsOnList(kernel, view.at('partial'))),
      full: view.has('full') ? followed(`node ${id}'s full slabs`, slabsOnList(kernel, view.at('full'))) : [],
    };
  });
  return { type: 'slab-objects', cache: cacheRow(kernel, cache), cpus, nodes, problems };
}

function cpuSlabs(
  kernel: Kernel,
  cache: SlabCache,
  contents: (addresses: readonly VirtAddr[]) => SlabContent[],
): CpuSlabs[] {
  const view = kernel.struct('kmem_cache', cache.address);
  const pointer = view.has('cpu_slab') ? view.pointer('cpu_slab') : 0n;
  if (pointer === 0n) return [];
  const stock = cacheStockOf(kernel, cache);
  const { present, possible } = readCpus(kernel);
  const active = slabsByCpu(stock.cpuSlabs);
  const partial = slabsByCpu(stock.cpuPartial);
  return possible
    .filter((cpu) => present.includes(cpu) || active.has(cpu) || partial.has(cpu))
    .map((cpu) => ({
      cpu,
      address: kernel.perCpu.at(pointer, cpu),
      active: contents(active.get(cpu) ?? []),
      partial: contents(partial.get(cpu) ?? []),
    }));
}

function slabsByCpu(entries: readonly { readonly cpu: number; readonly slab: VirtAddr }[]): Map<number, VirtAddr[]> {
  const slabs = new Map<number, VirtAddr[]>();
  for (const { cpu, slab } of entries) {
    const own = slabs.get(cpu);
    if (own === undefined) slabs.set(cpu, [slab]);
    else own.push(slab);
  }
  return slabs;
}
