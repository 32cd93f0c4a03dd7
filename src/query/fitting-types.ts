/**
 * Which structs an object of a slab cache may be by their sizes. kmalloc() takes the smallest cache that is large enough:
 * kernel mm/slab_common.c (kmalloc_info); kmem_cache_create() and merging round sizes up to a cache line.
 */

import { sizeOf, strip, type CompoundType, type Type } from '../debuginfo/types/type.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { oncePerKernel } from '../kernel/once-per-kernel.ts';
import { slabCaches, type SlabCache } from '../kernel/slab.ts';

const CACHE_LINE = 64;

/** Sizes of what may be in an object of a cache, in bytes. */
export interface SizeRange {
  readonly from: number;
  /** Included. */
  readonly to: number;
}

/** For allocations of any kind: kmalloc-64, kmalloc-cg-2k, dma-kmalloc-64, msg_msg-1k, memdup_user-8, bio-256, size-64. */
export function isGeneral(cache: SlabCache): boolean {
  return GENERAL_NAME.test(cache.name);
}

const GENERAL_NAME = /-\d+k?M?$/;

export function sizesIn(kernel: Kernel, cache: SlabCache): SizeRange {
  const { objectSize: to } = cache;
  if (!isGeneral(cache)) return { from: Math.max(1, to - CACHE_LINE + 1), to };
  const family = familyOf(cache);
  let from = 1;
  for (const other of slabCaches(kernel))
    if (other.objectSize < to && isGeneral(other) && familyOf(other) === family)
      from = Math.max(from, other.objectSize + 1);
  return { from, to };
}

function familyOf(cache: SlabCache): string {
  return cache.name.replace(GENERAL_NAME, '');
}

const sizesOf = oncePerKernel(readSizes);

/** Structs that fit in an object of the cache as one thing; where anything is allocated there, any that ends in an array, too. */
export function* fittingTypes(kernel: Kernel, cache: SlabCache): Generator<CompoundType> {
  const sizes = sizesOf(kernel);
  const { from, to } = sizesIn(kernel, cache);
  for (let size = from; size <= to; size++) yield* sizes.fixed.get(size) ?? [];
  for (const type of sizes.extended) {
    if (type.size <= to && (type.size >= from || isGeneral(cache))) yield type;
  }
}

interface StructSizes {
  readonly fixed: ReadonlyMap<number, readonly CompoundType[]>;
  /** Those that end in an array without a length. */
  readonly extended: readonly CompoundType[];
}

function readSizes(kernel: Kernel): StructSizes {
  const fixed = new Map<number, CompoundType[]>();
  const extended: CompoundType[] = [];
  for (const type of kernel.userTypes.compounds()) {
    if (type.kind !== 'struct' || !type.complete) continue;
    if (endsInArray(type)) extended.push(type);
    else if (!fixed.get(type.size)?.push(type)) fixed.set(type.size, [type]);
  }
  return { fixed, extended };
}

const DEEPEST_TAIL = 8;

function endsInArray(type: Type, depth = 0): boolean {
  const bare = strip(type);
  if (bare.kind !== 'struct' && bare.kind !== 'union') return bare.kind === 'array' && sizeOf(bare) === 0;
  if (depth > DEEPEST_TAIL) return false;
  const last = bare.kind === 'struct' ? bare.members.slice(-1) : bare.members;
  return last.some((member) => endsInArray(member.type, depth + 1));
}
