/** Objects of a type that stand one behind the other; those that cannot be read are one answer a run. */

import { addVirt, lo32, PAGE_SIZE, type VirtAddr } from '../base/addr.ts';
import { checkCancelled } from '../base/cancel.ts';
import { attempt } from '../base/errors.ts';
import { sizeOf, type CompoundType } from '../debuginfo/types/type.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { neighbour, structureAt, type StructureOptions, type StructureReport } from './structure.ts';
import { whyUnread } from './unread.ts';

/** Several objects, one behind the other, of which nothing can be read. */
export interface UnreadObjects {
  readonly type: 'unread-objects';
  /** `struct page`. */
  readonly name: string;
  readonly first: VirtAddr;
  readonly last: VirtAddr;
  readonly count: number;
  /** Of the first one among all that were asked for, from 0. */
  readonly index: number;
  /** Why the first cannot be read. */
  readonly why: string;
}

/** @throws LookupError where the type has no such member */
export function* objectArray(
  kernel: Kernel,
  space: AddressSpace,
  type: CompoundType,
  address: VirtAddr,
  count: number,
  options: StructureOptions,
): Generator<StructureReport | UnreadObjects> {
  const at = (index: number): StructureReport =>
    structureAt(kernel, space, type, neighbour(address, type, index), { ...options, index });
  for (let index = 0; index < count;) {
    checkCancelled();
    const report = at(index);
    const why = whyUnread(report);
    let end = why === undefined ? index + 1 : nextToTry(space, type, address, index, count);
    if (why === undefined) yield report;
    else {
      while (end < count && whyUnread(at(end)) !== undefined) end = nextToTry(space, type, address, end, count);
      yield run(report, why, neighbour(address, type, end - 1), end - index);
    }
    index = end;
  }
}

function run(report: StructureReport, why: string, last: VirtAddr, count: number): StructureReport | UnreadObjects {
  const { name, address: first, index } = report;
  return count === 1 ? report : { type: 'unread-objects', name, first, last, count, index, why };
}

/** The first object behind an unreadable one that is not wholly on pages that cannot be read. */
function nextToTry(space: AddressSpace, type: CompoundType, address: VirtAddr, index: number, count: number): number {
  const size = sizeOf(type);
  const next = index + 1;
  if (size <= 0 || size > PAGE_SIZE) return next;
  let at = next * size - 1;
  for (let pages = 0; at < count * size && attempt(() => space.bytes(addVirt(address, at), 1)) === undefined; pages++) {
    if (pages % 1024 === 0) checkCancelled();
    at += PAGE_SIZE - (lo32(addVirt(address, at)) & (PAGE_SIZE - 1));
  }
  return Math.max(next, Math.min(count, Math.floor(at / size)));
}
