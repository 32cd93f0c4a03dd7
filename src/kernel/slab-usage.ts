/**
 * How many objects a slab cache has and how many of them are in use: kernel mm/slub.c. The allocator keeps no count of
 * free objects: they are counted on the nodes' partial slabs, at the CPUs and in sheaves.
 *
 * Probes: SLAB's `total_slabs`, `free_objects` (bf00bd345804, v4.10); `nr_slabs`, `total_objects` (CONFIG_SLUB_DEBUG); the link of a partial slab, `slab_list` (4da1984edbbe,
 * v4.18) or `lru`.
 */

import type { VirtAddr } from '../base/addr.ts';
import { available, type Available } from '../base/available.ts';
import { LookupError } from '../base/errors.ts';
import { firstMember } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';
import { listForEachEntry, type ListWalk } from './list.ts';
import type { SlabCache } from './slab-cache.ts';
import { walkFreelist } from './slab-freelist.ts';
import { nodePointers } from './slab-nodes.ts';
import { cacheStockOf } from './slab-stock.ts';
import { slabType, slabView } from './slab-type.ts';
import { slabOfPage } from './slab.ts';

export interface SlabUsage {
  readonly total: number;
  readonly allocated: number;
  readonly slabs: number;
  /** What could not be counted: `allocated` is then too high. */
  readonly broken: readonly string[];
}

const MOST_NODES = 1024;

/** The counts of a cache, or why this kernel does not keep them. */
export function slabUsage(kernel: Kernel, cache: SlabCache): Available<SlabUsage> {
  return available(() => count(kernel, cache));
}

function count(kernel: Kernel, cache: SlabCache): SlabUsage {
  const stock = cacheStockOf(kernel, cache);
  const broken = [...stock.broken];
  let [total, slabs, free] = [0, 0, 0];
  for (const { id, node } of nodePointers(kernel, kernel.struct('kmem_cache', cache.address), MOST_NODES)) {
    if (node === undefined) continue;
    const view = kernel.struct('kmem_cache_node', node);
    if (view.has('total_slabs')) {
      slabs += view.number('total_slabs');
      total += view.number('total_slabs') * cache.objectsPerSlab;
      free += view.number('free_objects');
      continue;
    }
    if (!view.has('total_objects.counter'))
      throw new LookupError('member', 'kmem_cache_node.total_objects (the kernel is without CONFIG_SLUB_DEBUG)');
    total += view.number('total_objects.counter');
    slabs += view.number('nr_slabs.counter');
    const partial = slabsOnList(kernel, view.at('partial'));
    if (partial.broken !== undefined) broken.push(`node ${id}'s partial slabs: ${partial.broken}`);
    for (const slab of partial.entries) free += freeBySlab(kernel, slab);
  }
  for (const { slab } of stock.cpuPartial) free += freeBySlab(kernel, slab);
  for (const { cpu, slab, freelist } of stock.cpuSlabs) {
    free += freeBySlab(kernel, slab);
    const place = slabOfPage(kernel, slab);
    const kept = place && walkFreelist(kernel, place, freelist);
    free += kept?.indices.length ?? 0;
    if (kept?.broken !== undefined) broken.push(`CPU ${cpu}'s freelist: ${kept.broken}`);
  }
  for (const { kind } of stock.sheaved.values()) if (kind !== 'rcu-sheaf') free++;
  return { total, allocated: total - free, slabs, broken };
}

/** The slabs on one of a node's lists. */
export function slabsOnList(kernel: Kernel, head: VirtAddr): ListWalk {
  const type = slabType(kernel);
  const member = type && firstMember(type, ['slab_list', 'lru']);
  if (type === undefined || member === undefined) throw new LookupError('member', 'slab.slab_list');
  return listForEachEntry(kernel.memory, head, type, member);
}

/** Objects on a slab's own freelist, by its counts. */
function freeBySlab(kernel: Kernel, slab: VirtAddr): number {
  const view = slabView(kernel, slab);
  return view === undefined ? 0 : view.number('objects') - view.number('inuse');
}
