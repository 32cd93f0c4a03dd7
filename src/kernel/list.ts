/** Linked lists: kernel include/linux/list.h. Every walk has a bound and stops where it meets its own steps again. */

import type { VirtAddr } from '../base/addr.ts';
import { checkCancelled } from '../base/cancel.ts';
import { FaultError, FormatError } from '../base/errors.ts';
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
  const entries: VirtAddr[] = [];
  const seen = new Set<bigint>();
  let node = head;
  try {
    for (;;) {
      node = memory.pointer(node);
      if (node === head) return { entries, broken: undefined };
      if (node === 0n) return { entries, broken: 'a next pointer is NULL' };
      if (seen.has(node)) return { entries, broken: `the list loops back to ${node.toString(16)}` };
      if (entries.length >= LONGEST_LIST) return { entries, broken: 'the list does not end' };
      if ((entries.length & 1023) === 0) checkCancelled();
      seen.add(node);
      entries.push(containerOf(node, type, member));
    }
  } catch (error) {
    if (error instanceof FaultError || error instanceof FormatError) return { entries, broken: error.message };
    throw error;
  }
}
