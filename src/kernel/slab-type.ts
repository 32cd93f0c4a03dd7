/** What describes a slab: struct slab (d122019bf061, v5.17), or the same members in struct page. */

import type { VirtAddr } from '../base/addr.ts';
import type { CompoundType } from '../debuginfo/types/type.ts';
import { StructView } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';

/** The type itself; undefined where the types have none. */
export function slabType(kernel: Kernel): CompoundType | undefined {
  return kernel.types.compound('struct', 'slab') ?? kernel.types.compound('struct', 'page');
}

/** A slab's own structure; undefined where the types have none. */
export function slabView(kernel: Kernel, slab: VirtAddr): StructView | undefined {
  const type = slabType(kernel);
  return type && new StructView(kernel.memory, type, slab);
}
