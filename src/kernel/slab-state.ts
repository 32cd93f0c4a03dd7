/** Whether an object of the slab allocator is in use, and where it waits if it is not. */

import type { Kernel } from './kernel.ts';
import { guardedObjectAt } from './kfence.ts';
import { freeInSlab } from './slab-free.ts';
import { slabAt, type SlabObject } from './slab.ts';
import { cacheStockOf, type Stocked } from './slab-stock.ts';

export type ObjectState = 'allocated' | 'free' | { readonly unknown: string };

export interface ObjectPlace {
  readonly state: ObjectState;
  /** Where it waits although its slab counts it in use; undefined where it does not. */
  readonly stocked: Stocked | undefined;
}

/** Whether an object is in use. Walks freelists: done only for those that are asked for. */
export function objectState(kernel: Kernel, object: SlabObject): ObjectState {
  return objectPlace(kernel, object).state;
}

/** As `objectState`, with where the object waits. What was given to kfree_rcu() counts as allocated until it is freed. */
export function objectPlace(kernel: Kernel, { cache, object, index }: SlabObject): ObjectPlace {
  const unknown = (why: string): ObjectPlace => ({ state: { unknown: why }, stocked: undefined });
  const slab = slabAt(kernel, object);
  if (slab === undefined) return unknown('its slab cannot be read');
  const guarded = guardedObjectAt(kernel, object);
  if (guarded !== undefined) return { state: guarded.state, stocked: undefined };
  const stock = cacheStockOf(kernel, cache);
  const stocked = stock.sheaved.get(String(object));
  if (stocked !== undefined) return { state: stocked.kind === 'rcu-sheaf' ? 'allocated' : 'free', stocked };
  const { free, broken } = freeInSlab(kernel, slab);
  if (free.has(index)) return { state: 'free', stocked: free.get(index) };
  const why = broken ?? stock.broken[0];
  return why === undefined ? { state: 'allocated', stocked: undefined } : unknown(why);
}
