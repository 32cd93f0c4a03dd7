/**
 * A linked list of any kind, entry by entry, for whoever asks about one: list.ts is for those that the engine itself
 * has to read. Linux's list_head (include/linux/list.h), and structures that point at the next one themselves.
 *
 * Invariants: every walk ends; a list that breaks says where and why.
 */

import { addVirt, hex, type VirtAddr } from '../base/addr.ts';
import { checkCancelled } from '../base/cancel.ts';
import { FaultError } from '../base/errors.ts';
import type { AddressSpace } from '../memory/address-space.ts';

export interface ListShape {
  /** The list's own head, which is no entry; undefined where the list begins with an entry. */
  readonly head: VirtAddr | undefined;
  /** The first entry, where there is no head. */
  readonly start: VirtAddr | undefined;
  /** In bytes from an entry to its link. */
  readonly offset: number;
  /** Whether links point at links (list_head), or at entries. */
  readonly embedded: boolean;
  /** Follow list_head.prev. */
  readonly reverse: boolean;
  /** An address that ends the list, of an entry or link. */
  readonly end: VirtAddr | undefined;
}

export type ListEnd =
  | { readonly kind: 'end' }
  /** Links lead back to an entry that is not the first. */
  | { readonly kind: 'loop'; readonly behind: VirtAddr; readonly to: VirtAddr; readonly length: number | undefined }
  | { readonly kind: 'broken'; readonly behind: VirtAddr | undefined; readonly why: string };

const PREV = 8;

/** The entries, in order; the generator's return value says how the list ended. */
export function* walkList(
  memory: AddressSpace,
  shape: ListShape,
  repeats: RepeatDetector,
): Generator<VirtAddr, ListEnd> {
  const { head, start, offset, embedded, reverse, end } = shape;
  const step = reverse ? PREV : 0;
  let behind: VirtAddr | undefined;
  let first: VirtAddr | undefined;
  let second: VirtAddr | undefined;
  let entry = start;
  for (let count = 0; ; count++) {
    if ((count & 1023) === 0) checkCancelled();
    if (entry !== undefined) {
      const repeated = repeats.seen(entry);
      if (repeated !== undefined) return { kind: 'loop', behind: behind ?? entry, to: entry, length: repeated.length };
      // What cannot be read is no entry.
      const why = whyUnreadable(memory, addVirt(entry, offset + step));
      if (why !== undefined) return { kind: 'broken', behind, why };
      if (first !== undefined) second ??= entry;
      first ??= entry;
      yield entry;
    }
    const link: VirtAddr | undefined = entry === undefined ? head : addVirt(entry, offset);
    if (link === undefined) return { kind: 'end' };
    let next: VirtAddr;
    try {
      next = memory.pointer(addVirt(link, step));
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      return { kind: 'broken', behind, why: error.message };
    }
    if (next === head) return { kind: 'end' };
    if (next === 0n) return embedded ? { kind: 'broken', behind: entry, why: 'its link is NULL' } : { kind: 'end' };
    const poison = poisonName(next);
    if (poison !== undefined) return { kind: 'broken', behind: entry, why: poison };
    const target = embedded ? addVirt(next, -offset) : next;
    if (next === end || target === end) return { kind: 'end' };
    if (head === undefined && (target === first || target === second || target === entry)) return { kind: 'end' };
    behind = entry;
    entry = target;
  }
}

function whyUnreadable(memory: AddressSpace, address: VirtAddr): string | undefined {
  try {
    memory.pointer(address);
    return undefined;
  } catch (error) {
    if (error instanceof FaultError) return error.message;
    throw error;
  }
}

/** include/linux/poison.h; the offset is CONFIG_ILLEGAL_POINTER_VALUE. */
const POISON_OFFSET = 0xdead_0000_0000_0000n;

function poisonName(address: VirtAddr): string | undefined {
  const which = address === POISON_OFFSET + 0x100n ? 'LIST_POISON1' : address === POISON_OFFSET + 0x122n ? 'LIST_POISON2' : undefined; // prettier-ignore
  return which && `its link is ${which} (${hex(address)}): the entry was deleted from its list`;
}

/** Tells that an entry came before. */
export interface RepeatDetector {
  /** The length of the loop, where it is known. */
  seen(entry: VirtAddr): { readonly length: number | undefined } | undefined;
}

/** As many as a Set takes, and half: beyond, memory is dear. */
const MOST_REMEMBERED = 1 << 23;

/** Remembers every entry: finds the first that comes again. Of very long lists it remembers no more, and does as Brent. */
export class RememberAll implements RepeatDetector {
  readonly #entries = new Set<bigint>();
  readonly #most: number;
  #beyond: Brent | undefined;

  constructor(most: number = MOST_REMEMBERED) {
    this.#most = most;
  }

  seen(entry: VirtAddr): { length: number | undefined } | undefined {
    if (this.#entries.has(entry)) return { length: undefined };
    if (this.#entries.size < this.#most) {
      this.#entries.add(entry);
      return undefined;
    }
    this.#beyond ??= new Brent();
    return this.#beyond.seen(entry);
  }
}

/** R. P. Brent's algorithm (BIT 20, 1980): no memory, but entries of a loop may come more than once. */
export class Brent implements RepeatDetector {
  #tortoise: VirtAddr | undefined;
  #power = 1;
  #length = 0;

  seen(entry: VirtAddr): { length: number } | undefined {
    if (this.#tortoise === undefined) {
      this.#tortoise = entry;
      return undefined;
    }
    this.#length++;
    if (entry === this.#tortoise) return { length: this.#length };
    if (this.#length === this.#power) {
      this.#tortoise = entry;
      this.#power *= 2;
      this.#length = 0;
    }
    return undefined;
  }
}
