/** What describes a slab: struct slab (d122019bf061, v5.17), or the same members in struct page. */

import type { VirtAddr } from '../base/addr.ts';
import { StructView } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';

/** A slab's own structure; undefined where the types have none. */
export function slabView(kernel: Kernel, slab: VirtAddr): StructView | undefined {
  const type = kernel.types.compound('struct', 'slab') ?? kernel.types.compound('struct', 'page');
  return type && new StructView(kernel.memory, type, slab);
}
