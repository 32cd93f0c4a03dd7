/**
 * A slab cache's parts per memory node: kernel mm/slab.h, mm/slub.c.
 *
 * Probes: `per_node[]` of {barn, node} (5ba6bc27b1f9, v7.1), or `node[]`, with the barn in kmem_cache_node
 * (2d517aa09bbc, v6.18) or none.
 */

import type { VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { strip } from '../debuginfo/types/type.ts';
import { memberOf, type StructView } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';

export interface NodePointers {
  readonly id: number;
  /** struct kmem_cache_node. */
  readonly node: VirtAddr | undefined;
  /** struct node_barn. */
  readonly barn: VirtAddr | undefined;
}

/** The nodes of a cache that have a part in it, `most` at most. Throws FaultError. */
export function nodePointers(kernel: Kernel, cache: StructView, most: number): NodePointers[] {
  const array = cache.has('per_node') ? 'per_node' : 'node';
  const type = strip(memberOf(cache.type, array)?.type ?? { kind: 'void' });
  const symbol = kernel.addressOf('nr_node_ids');
  // Without CONFIG_NUMA there is one node, and nr_node_ids is no variable.
  const nodes = symbol === undefined ? 1 : (attempt(() => kernel.memory.u32(symbol)) ?? 1);
  const count = Math.min(nodes, most, type.kind === 'array' ? (type.count ?? 1) : 0);
  const found: NodePointers[] = [];
  const orNone = (pointer: VirtAddr): VirtAddr | undefined => (pointer === 0n ? undefined : pointer);
  for (let id = 0; id < count; id++) {
    if (array === 'per_node') {
      const node = orNone(cache.pointer(`per_node[${id}].node`));
      found.push({ id, node, barn: orNone(cache.pointer(`per_node[${id}].barn`)) });
      continue;
    }
    const node = orNone(cache.pointer(`node[${id}]`));
    const view = node && kernel.struct('kmem_cache_node', node);
    found.push({ id, node, barn: view?.has('barn') === true ? orNone(view.pointer('barn')) : undefined });
  }
  return found;
}
