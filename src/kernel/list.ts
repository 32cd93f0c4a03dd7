/** Linked lists: kernel include/linux/list.h. Every walk has a bound and stops where it meets its own steps again. */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { checkCancelled } from '../base/cancel.ts';
import { FaultError, FormatError } from '../base/errors.ts';
import { noteLoss } from '../base/losses.ts';
import type { CompoundType } from '../debuginfo/types/type.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { containerOf } from '../values/struct-view.ts';

const LONGEST_LIST = 10_000_000;

export interface ListWalk {
  /** The structures that embed the list, in order. */
  readonly entries: readonly VirtAddr[];
  /** Why the walk ended before it came back to its head. */
  readonly broken: string | undefined;
}

/**
 * list_for_each_entry(): the structures of `type` that are linked through `member` on the list at `head`.
 * A list that is broken gives what comes before the break, and says so.
 */
export function listForEachEntry(memory: AddressSpace, head: VirtAddr, type: CompoundType, member: string): ListWalk {
  const forward = walk(memory, head, NEXT);
  let nodes = forward.nodes;
  if (forward.broken !== undefined) {
    // list_head is doubly linked: what lies behind the break is reached from the other end.
    const known = new Set<bigint>(nodes);
    const behind = walk(memory, head, PREV).nodes.filter((node) => !known.has(node));
    nodes = [...nodes, ...behind.reverse()];
  }
  return { entries: nodes.map((node) => containerOf(node, type, member)), broken: forward.broken };
}

/** Offsets of the links in struct list_head. */
const NEXT = 0;
const PREV = 8;

/** The nodes from a head on, up to the head again or to where the chain breaks. */
function walk(memory: AddressSpace, head: VirtAddr, link: number): { nodes: VirtAddr[]; broken: string | undefined } {
  const nodes: VirtAddr[] = [];
  const seen = new Set<bigint>();
  let node = head;
  try {
    for (;;) {
      node = memory.pointer(addVirt(node, link));
      if (node === head) return { nodes, broken: undefined };
      if (node === 0n) return { nodes, broken: 'a link is NULL' };
      if (seen.has(node)) return { nodes, broken: `it loops back to ${node.toString(16)}` };
      if (nodes.length >= LONGEST_LIST) return { nodes, broken: 'it does not end' };
      if ((nodes.length & 1023) === 0) checkCancelled();
      // What cannot be read is no node: the walk ends before it.
      memory.pointer(addVirt(node, link));
      seen.add(node);
      nodes.push(node);
    }
  } catch (error) {
    if (error instanceof FaultError) noteLoss(error);
    if (error instanceof FaultError || error instanceof FormatError) return { nodes, broken: error.message };
    throw error;
  }
}
