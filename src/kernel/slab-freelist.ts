/**
 * Free objects of SLUB: each holds the pointer to the next. Kernel mm/slub.c (get_freepointer, freelist_ptr_decode).
 *
 * With CONFIG_SLAB_FREELIST_HARDENED (`kmem_cache.random`) a stored pointer is XORed with that number and with the
 * address it is stored at (2482ddec670f, v4.14), the latter with its bytes reversed since 1ad53d9fa3f6 (v5.7, and in
 * stable kernels). Nothing in the types tells these two apart: that of which the pointers lead into their slab holds.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Kernel } from './kernel.ts';
import type { SlabCache } from './slab-cache.ts';

/** What a freelist needs to know of its slab. */
export interface SlabPlace {
  readonly cache: SlabCache;
  readonly first: VirtAddr;
  readonly objects: number;
}

export interface Freelist {
  /** Which objects are on it, in order. */
  readonly indices: readonly number[];
  /** Where it breaks, why. */
  readonly broken: string | undefined;
}

type Decode = (stored: bigint, random: bigint, at: bigint) => bigint;

const plain: Decode = (stored) => stored;
const xored: Decode = (stored, random, at) => stored ^ random ^ at;
const swapped: Decode = (stored, random, at) => stored ^ random ^ reverseBytes(at);

const decodings = new WeakMap<Kernel, Decode>();

/** The objects of a freelist from its first on. It ends where a pointer leads out of the slab or back. */
export function walkFreelist(kernel: Kernel, slab: SlabPlace, head: VirtAddr): Freelist {
  const indices: number[] = [];
  const seen = new Set<number>();
  const random = randomOf(kernel, slab.cache);
  let pointer = head;
  let from = 'its head';
  const stop = (why: string): Freelist => ({ indices, broken: `${from} ${why}` });
  while (pointer !== 0n) {
    const index = indexOf(slab, pointer);
    if (index === undefined) return stop(`points at ${pointer.toString(16)}, which is no object of the slab`);
    if (seen.has(index)) return stop(`points back at ${pointer.toString(16)}`);
    seen.add(index);
    indices.push(index);
    from = `free object ${pointer.toString(16)}`;
    const next = nextOf(kernel, slab, pointer, random);
    if (typeof next === 'string') return stop(next);
    pointer = next;
  }
  return { indices, broken: undefined };
}

/** The index of an object by the address of its user part; undefined where there is none. */
export function indexOf(slab: SlabPlace, object: VirtAddr): number | undefined {
  const place = object - slab.first - BigInt(slab.cache.padding);
  const size = BigInt(slab.cache.size);
  const index = place / size;
  return place >= 0n && place % size === 0n && index < slab.objects ? Number(index) : undefined;
}

/** The next object's address, or why it is not known. */
function nextOf(kernel: Kernel, slab: SlabPlace, object: VirtAddr, random: bigint | undefined): VirtAddr | string {
  const at = addVirt(object, slab.cache.freePointer ?? 0);
  const stored = attempt(() => kernel.memory.u64(at));
  if (stored === undefined) return 'cannot be read';
  if (random === undefined) return virtAddr(plain(stored, 0n, at));
  const known = decodings.get(kernel);
  if (known !== undefined) return virtAddr(known(stored, random, at));
  const leadsIntoSlab = (decode: Decode): boolean => {
    const next = virtAddr(decode(stored, random, at));
    return next === 0n || indexOf(slab, next) !== undefined;
  };
  const fitting = [swapped, xored].filter(leadsIntoSlab);
  const [decode] = fitting;
  if (decode === undefined) return 'holds a pointer that leads nowhere';
  if (fitting.length === 1) decodings.set(kernel, decode);
  return virtAddr(decode(stored, random, at));
}

function randomOf(kernel: Kernel, cache: SlabCache): bigint | undefined {
  const view = kernel.struct('kmem_cache', cache.address);
  return view.has('random') ? view.integer('random') : undefined;
}

function reverseBytes(value: bigint): bigint {
  let left = value;
  let reversed = 0n;
  for (let byte = 0; byte < 8; byte++) {
    reversed = (reversed << 8n) | (left & 0xffn);
    left >>= 8n;
  }
  return reversed;
}
