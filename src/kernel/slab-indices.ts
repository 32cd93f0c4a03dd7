/**
 * Free objects of the SLAB allocator (up to v6.7): kernel mm/slab.c. A slab's `freelist` is an array of the numbers of
 * its objects, of which those from `active` on are free; more wait in array caches of CPUs and nodes.
 *
 * Probes: `active` and `freelist` in struct slab or struct page (8456a648cf44, v3.13); `alien_cache` around a node's
 * array caches (c8522a3a5832, v3.17).
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { FormatError, LookupError } from '../base/errors.ts';
import { sizeOf } from '../debuginfo/types/type.ts';
import { offsetOf, type StructView } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';
import type { Freelist, SlabPlace } from './slab-freelist.ts';

/** The objects on the freelist of a slab. Throws where it cannot be read. */
export function freeIndices(kernel: Kernel, slab: SlabPlace, view: StructView): Freelist {
  const active = view.number('active');
  if (active > slab.objects) return { indices: [], broken: `${active} objects are in use, of ${slab.objects}` };
  const type = kernel.types.typedef('freelist_idx_t');
  if (type === undefined) throw new LookupError('type', 'freelist_idx_t');
  const wide = sizeOf(type) === 2;
  const first = view.pointer('freelist');
  const indices: number[] = [];
  for (let position = active; position < slab.objects; position++) {
    const at = addVirt(first, wide ? position * 2 : position);
    const index = wide ? kernel.memory.u16(at) : kernel.memory.u8(at);
    if (index >= slab.objects || indices.includes(index))
      return {
        indices,
        broken: `its entry ${position} is ${index}, which is ${index < slab.objects ? 'there twice' : 'no object'}`,
      };
    indices.push(index);
  }
  return { indices, broken: undefined };
}

const NONE = virtAddr(0);
const MOST_ENTRIES = 1 << 16;

/** The objects in an array cache, by where their places begin. Throws where it cannot be read. */
export function arrayCacheEntries(kernel: Kernel, cache: VirtAddr): VirtAddr[] {
  const view = kernel.struct('array_cache', cache);
  const available = view.number('avail');
  if (available > MOST_ENTRIES || available > view.number('limit'))
    throw new FormatError('array_cache', `${available} entries are more than it may have`);
  const first = addVirt(cache, offsetOf(view.type, 'entry'));
  return Array.from({ length: available }, (_, index) => kernel.memory.pointer(addVirt(first, index * 8)));
}

/** The array caches of a memory node: one that its CPUs share, and one for each other node. */
export function nodeArrayCaches(kernel: Kernel, node: VirtAddr, nodes: number): VirtAddr[] {
  const view = kernel.struct('kmem_cache_node', node);
  const caches: VirtAddr[] = [];
  const shared = view.has('shared') ? view.pointer('shared') : NONE;
  if (shared !== NONE) caches.push(shared);
  const alien = view.has('alien') ? view.pointer('alien') : NONE;
  const around = kernel.types.compound('struct', 'alien_cache');
  const others = alien === NONE ? 0 : nodes;
  for (let other = 0; other < others; other++) {
    const cache = kernel.memory.pointer(addVirt(alien, other * 8));
    if (cache !== NONE) caches.push(addVirt(cache, around === undefined ? 0 : offsetOf(around, 'ac')));
  }
  return caches;
}
