/** Red-black trees: kernel include/linux/rbtree.h. Every walk has a bound and visits no node twice. */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { checkCancelled } from '../base/cancel.ts';
import { FaultError, isExpected } from '../base/errors.ts';
import { noteLoss } from '../base/losses.ts';
import type { AddressSpace } from '../memory/address-space.ts';

const MOST_NODES = 10_000_000;
/** A balanced tree of 2^64 nodes is no deeper. */
const DEEPEST = 128;
/** Offsets of the links in struct rb_node. */
const RIGHT = 8;
const LEFT = 16;

export interface TreeWalk {
  /** The nodes, in order: struct rb_node. */
  readonly nodes: readonly VirtAddr[];
  /** Why nodes are missing. */
  readonly broken: string | undefined;
}

/** Every node of the tree whose struct rb_root is at `root`. A part that cannot be read is left out. */
export function rbNodes(memory: AddressSpace, root: VirtAddr): TreeWalk {
  const nodes: VirtAddr[] = [];
  const seen = new Set<bigint>();
  const path: VirtAddr[] = [];
  let broken: string | undefined;
  /** What a link holds: 0 at the end of a branch, undefined where it cannot be read. */
  const link = (at: VirtAddr): VirtAddr | undefined => {
    try {
      return memory.pointer(at);
    } catch (error) {
      if (!isExpected(error)) throw error;
      if (error instanceof FaultError) noteLoss(error);
      broken ??= error.message;
      return undefined;
    }
  };
  let node = link(root);
  for (;;) {
    while (node !== undefined && node !== 0n) {
      if (seen.has(node)) {
        broken ??= `it loops back to ${node.toString(16)}`;
        break;
      }
      if (path.length >= DEEPEST || seen.size >= MOST_NODES) {
        broken ??= 'it does not end';
        break;
      }
      if ((seen.size & 1023) === 0) checkCancelled();
      seen.add(node);
      const left = link(addVirt(node, LEFT));
      // What cannot be read is no node.
      if (left !== undefined) path.push(node);
      node = left;
    }
    const next = path.pop();
    if (next === undefined) return { nodes, broken };
    nodes.push(next);
    node = link(addVirt(next, RIGHT));
  }
}

/**
 * The node that `compare` calls equal: it tells whether what is looked for lies left (negative) or right of a node.
 * Throws FaultError where the way there cannot be read.
 */
export function rbFind(
  memory: AddressSpace,
  root: VirtAddr,
  compare: (node: VirtAddr) => number,
): VirtAddr | undefined {
  let node = memory.pointer(root);
  for (let depth = 0; node !== 0n && depth < DEEPEST; depth++) {
    const side = compare(node);
    if (side === 0) return node;
    node = memory.pointer(addVirt(node, side < 0 ? LEFT : RIGHT));
  }
  return undefined;
}
