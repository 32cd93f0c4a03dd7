/**
 * Look-up in a maple tree: kernel include/linux/maple_tree.h, lib/maple_tree.c.
 *
 * A node's address is a multiple of 256; the bits below tell its type (bits 3 to 6). Slot i covers what lies above
 * pivot i − 1 up to pivot i; a pivot of 0 behind the first ends the node. Slots of a leaf are the entries.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { strip, type CompoundType } from '../debuginfo/types/type.ts';
import { memberOf, offsetOf } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';

const NODE_MASK = ~0xffn;
/** enum maple_type. */
const LEAF = 1;
const RANGE = 2;
const ARANGE = 3;
const DEEPEST = 32;
/** Tells a root that is a node from one that is the only entry (xa_is_node()). */
const isNode = (entry: bigint): boolean => (entry & 3n) === 2n && entry > 4096n;

/** The entry of an index in the tree whose struct maple_tree is at `tree`; undefined where there is none. */
export function mapleEntry(kernel: Kernel, tree: VirtAddr, index: bigint): VirtAddr | undefined {
  const { memory, types } = kernel;
  let entry: bigint = memory.u64(addVirt(tree, offsetOf(types.struct('maple_tree'), 'ma_root')));
  if (!isNode(entry)) return index === 0n ? asEntry(entry) : undefined;
  for (let depth = 0; depth < DEEPEST && entry !== 0n; depth++) {
    const node = virtAddr(entry & NODE_MASK);
    const type = Number((entry >> 3n) & 0xfn);
    if (type < LEAF || type > ARANGE) return undefined;
    const shape = types.struct(type === ARANGE ? 'maple_arange_64' : 'maple_range_64');
    const slot = slotOf(kernel, node, shape, index);
    const slots = arrayOf(shape, 'slot');
    if (slot >= slots.count) return undefined;
    entry = memory.u64(addVirt(node, slots.offset + slot * 8));
    if (type < RANGE) return asEntry(entry);
  }
  return undefined;
}

/** Which slot of a node covers an index. */
function slotOf(kernel: Kernel, node: VirtAddr, shape: CompoundType, index: bigint): number {
  const { offset, count } = arrayOf(shape, 'pivot');
  for (let slot = 0; slot < count; slot++) {
    const pivot = kernel.memory.u64(addVirt(node, offset + slot * 8));
    if (index <= pivot || (pivot === 0n && slot > 0)) return slot;
  }
  return count;
}

/** Entries of bits ..10 are the tree's own marks, not pointers. */
function asEntry(entry: bigint): VirtAddr | undefined {
  return entry === 0n || (entry & 3n) === 2n ? undefined : virtAddr(entry);
}

function arrayOf(type: CompoundType, name: string): { offset: number; count: number } {
  const member = memberOf(type, name);
  const array = member && strip(member.type);
  return { offset: offsetOf(type, name), count: array?.kind === 'array' ? (array.count ?? 0) : 0 };
}
