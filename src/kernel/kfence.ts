/**
 * Objects that KFENCE guards: each alone in a page of its pool, between pages that fault. Kernel mm/kfence/core.c,
 * mm/kfence/kfence.h. Their pages are marked as slabs, but have no freelist: kfence_metadata[] tells their state.
 *
 * Probes: `kfence_metadata` is a pointer to the array (cabdf74e6b31, v6.6), or the array.
 */

import { addVirt, PAGE_SIZE, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Kernel } from './kernel.ts';
import { oncePerKernel } from './once-per-kernel.ts';

export interface GuardedObject {
  readonly object: VirtAddr;
  /** What was asked for, in bytes. */
  readonly size: number;
  /** struct kmem_cache. */
  readonly cache: VirtAddr;
  readonly state: 'allocated' | 'free';
}

/** CONFIG_KFENCE_NUM_OBJECTS is no more. */
const MOST_OBJECTS = 65_535;

/** The object in whose page of KFENCE's pool an address is; undefined where it is in none. */
export function guardedObjectAt(kernel: Kernel, address: VirtAddr): GuardedObject | undefined {
  const pool = poolOf(kernel);
  if (pool === 0n || address < pool) return undefined;
  // Two pages an object, and two before the first.
  const index = Math.floor(Number(address - pool) / (2 * PAGE_SIZE)) - 1;
  if (index < 0 || index >= MOST_OBJECTS) return undefined;
  return attempt(() => metadata(kernel, index, address));
}

/** `__kfence_pool`; 0 where KFENCE is off. */
const poolOf = oncePerKernel((kernel): bigint => {
  const symbol = kernel.addressOf('__kfence_pool');
  return (symbol && attempt(() => kernel.memory.pointer(symbol))) ?? 0n;
});

function metadata(kernel: Kernel, index: number, address: VirtAddr): GuardedObject | undefined {
  const { types } = kernel;
  const symbol = kernel.symbol('kfence_metadata');
  const type = types.struct('kfence_metadata');
  const unused = types.enumerator('KFENCE_OBJECT_UNUSED')?.value ?? 0n;
  const allocated = types.enumerator('KFENCE_OBJECT_ALLOCATED')?.value ?? 1n;
  for (const array of [attempt(() => kernel.memory.pointer(symbol)), symbol]) {
    const found = array && attempt(() => kernel.struct('kfence_metadata', addVirt(array, index * type.size)));
    const object = found && attempt(() => found.pointer('addr'));
    // What is in the same page is the address's own: that proves the array, too.
    if (found === undefined || object === undefined || object >> 12n !== address >> 12n) continue;
    const state = found.integer('state');
    if (state === unused) return undefined;
    const cache = found.pointer('cache');
    return { object, size: found.number('size'), cache, state: state === allocated ? 'allocated' : 'free' };
  }
  return undefined;
}
