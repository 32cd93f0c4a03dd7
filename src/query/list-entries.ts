/** The entries of a linked list, with what they hold: the answer to `list`. */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import type { CompoundType } from '../debuginfo/types/type.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { walkList, type ListEnd, type ListShape, type RepeatDetector } from '../kernel/linked-list.ts';
import { requiredMember, structureAt, type StructureReport } from './structure.ts';

export interface ListEntry {
  readonly address: VirtAddr;
  readonly object: StructureReport | undefined;
}

/** A part of a list; the last one says how the list ended. */
export interface ListReport {
  readonly type: 'list';
  readonly entries: readonly ListEntry[];
  /** Members in crash's short form (`-S`). */
  readonly short: boolean;
  /** Undefined where more follows. */
  readonly end: ListEnd | undefined;
  /** How many entries came, this part's too. */
  readonly count: number;
}

export interface EntryObject {
  readonly type: CompoundType;
  readonly paths: readonly string[];
  /** In bytes from the start of the object to the entry. */
  readonly before: number;
  readonly radix: 10 | 16;
  readonly short: boolean;
}

const PART = 256;

/** @throws LookupError where the type has no such member */
export function* listEntries(
  kernel: Kernel,
  shape: ListShape,
  object: EntryObject | undefined,
  repeats: RepeatDetector,
): Generator<ListReport> {
  for (const path of object?.paths ?? []) if (object !== undefined) requiredMember(object.type, path);
  const short = object?.short ?? false;
  const walk = walkList(kernel.memory, shape, repeats);
  let entries: ListEntry[] = [];
  let count = 0;
  for (let step = walk.next(); ; step = walk.next()) {
    if (step.done === true) {
      yield { type: 'list', entries, short, end: step.value, count };
      return;
    }
    entries.push({ address: step.value, object: object && objectOf(kernel, object, step.value) });
    count++;
    if (entries.length === PART) {
      yield { type: 'list', entries, short, end: undefined, count };
      entries = [];
    }
  }
}

function objectOf(kernel: Kernel, { type, paths, before, radix }: EntryObject, entry: VirtAddr): StructureReport {
  return structureAt(kernel, kernel.memory, type, addVirt(entry, -before), { paths, followPointers: false, radix });
}
