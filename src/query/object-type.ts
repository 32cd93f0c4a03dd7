/**
 * Which struct an object of the slab allocator is. The allocator does not know: it is inferred, from the name and size
 * of its cache, from pointers of known types that lead to it, and from its own contents; and every answer says from
 * what. An object of a cache that several kinds of objects share is never taken for the one the cache is named for.
 *
 * Pointers are followed from the objects one asks about, not from everywhere: `learn` them first.
 */

import { addVirt, hex, type VirtAddr } from '../base/addr.ts';
import { checkCancelled } from '../base/cancel.ts';
import { attempt } from '../base/errors.ts';
import { embedsAt, memberAt } from '../debuginfo/types/member-at.ts';
import type { CompoundType } from '../debuginfo/types/type.ts';
import { sizeAgrees, structOfCacheName } from '../kernel/cache-types.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { slabAliases, slabObjectAt, type SlabCache, type SlabObject } from '../kernel/slab.ts';
import { plausibility, type Plausibility } from './plausibility.ts';
import { tellingMembers } from './telling-members.ts';

export interface InferredType {
  readonly type: CompoundType;
  /** From what it was inferred, for people. */
  readonly how: string;
}

/** A pointer of a known type that leads into an object. */
interface Evidence {
  readonly target: CompoundType;
  /** In bytes from the start of the object. */
  readonly offset: number;
  /** "file.f_inode of ff1b…". */
  readonly from: string;
}

/** Objects whose pointers are followed for one question. */
const MOST_FOLLOWED = 2000;
const MOST_EVIDENCE = 8;

const remembered = new WeakMap<Kernel, ObjectTypes>();

export function objectTypes(kernel: Kernel): ObjectTypes {
  let types = remembered.get(kernel);
  if (types === undefined) {
    types = new ObjectTypes(kernel);
    remembered.set(kernel, types);
  }
  return types;
}

export class ObjectTypes {
  readonly #kernel: Kernel;
  /** By address of the object. */
  readonly #evidence = new Map<string, Evidence[]>();
  readonly #followed = new Set<string>();
  readonly #byCache = new Map<string, InferredType | undefined>();
  readonly #bySize = new Map<number, readonly CompoundType[]>();
  readonly #answers = new Map<string, InferredType | undefined>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Follows the pointers in the objects that some words point at, and in those they lead to. */
  learn(words: Iterable<VirtAddr>): void {
    const queue: SlabObject[] = [];
    const add = (address: VirtAddr): SlabObject | undefined => {
      const object = attempt(() => slabObjectAt(this.#kernel, address));
      if (object !== undefined && !this.#followed.has(keyOf(object))) queue.push(object);
      return object;
    };
    for (const word of words) add(word);
    let followed = 0;
    for (let object = queue.shift(); object !== undefined; object = queue.shift()) {
      if (this.#followed.has(keyOf(object))) continue;
      const type = this.#byNameOrEvidence(object);
      if (type === undefined) continue;
      this.#followed.add(keyOf(object));
      if (++followed > MOST_FOLLOWED) return;
      if ((followed & 63) === 0) checkCancelled();
      for (const { address, evidence } of this.#pointersOf(object, type.type)) {
        const target = add(address);
        if (target !== undefined) this.#note(target, { ...evidence, offset: target.offset });
      }
    }
  }

  /** Undefined where nothing tells. */
  typeOf(object: SlabObject): InferredType | undefined {
    const key = keyOf(object);
    if (!this.#answers.has(key)) this.#answers.set(key, this.#byNameOrEvidence(object) ?? this.#byContents(object));
    return this.#answers.get(key);
  }

  #note(object: SlabObject, evidence: Evidence): void {
    const key = keyOf(object);
    const known = this.#evidence.get(key) ?? [];
    if (known.length >= MOST_EVIDENCE) return;
    if (known.some(({ target, offset }) => target === evidence.target && offset === evidence.offset)) return;
    known.push(evidence);
    this.#evidence.set(key, known);
    this.#answers.delete(key);
  }

  /** Pointers to structs in an object that is taken for a type. */
  *#pointersOf(
    { object }: SlabObject,
    type: CompoundType,
  ): Generator<{ address: VirtAddr; evidence: Omit<Evidence, 'offset'> }> {
    const { memory, userTypes } = this.#kernel;
    for (const { kind, path, offset, target } of tellingMembers(type)) {
      if (kind !== 'pointer' || target === undefined) continue;
      const address = attempt(() => memory.pointer(addVirt(object, offset)));
      if (address === undefined || address === 0n) continue;
      const defined = userTypes.definition(target);
      if (defined.kind !== 'struct' || !defined.complete) continue;
      yield { address, evidence: { target: defined, from: `${type.name ?? '?'}.${path} of ${hex(object)}` } };
    }
  }

  #byNameOrEvidence(object: SlabObject): InferredType | undefined {
    const evidence = this.#evidence.get(keyOf(object)) ?? [];
    const named = this.#ofCache(object.cache);
    if (named !== undefined) {
      const agreeing = evidence.find(({ target, offset }) => embedsAt(named.type, offset, target));
      if (agreeing === undefined) return named;
      return { type: named.type, how: `${named.how}; ${agreeing.from} points at it` };
    }
    for (const one of evidence) {
      const type = this.#containing(object.cache, one);
      if (type !== undefined) return { type, how: howPointed(type, one) };
    }
    return undefined;
  }

  /** Of a cache that is nobody else's. */
  #ofCache(cache: SlabCache): InferredType | undefined {
    const key = String(cache.address);
    if (!this.#byCache.has(key)) this.#byCache.set(key, this.#inferOfCache(cache));
    return this.#byCache.get(key);
  }

  #inferOfCache(cache: SlabCache): InferredType | undefined {
    if (isShared(this.#kernel, cache)) return undefined;
    const type = structOfCacheName(this.#kernel, cache.name, cache.objectSize);
    return type && { type, how: `the cache is named ${cache.name} and its objects have the size of one` };
  }

  /** The struct that has what a pointer leads to at its place, and the size of the cache's objects. */
  #containing(cache: SlabCache, { target, offset }: Evidence): CompoundType | undefined {
    if (offset === 0 && sizeAgrees(target.size, cache.objectSize)) return target;
    const fitting = this.#ofSize(cache.objectSize).filter((type) => embedsAt(type, offset, target));
    return fitting.length === 1 ? fitting[0] : undefined;
  }

  #ofSize(size: number): readonly CompoundType[] {
    if (this.#bySize.size === 0) {
      const all = new Map<number, CompoundType[]>();
      for (const type of this.#kernel.userTypes.compounds()) {
        if (type.kind !== 'struct') continue;
        const same = all.get(type.size);
        if (same === undefined) all.set(type.size, [type]);
        else same.push(type);
      }
      for (const [bytes, types] of all) this.#bySize.set(bytes, types);
    }
    return this.#bySize.get(size) ?? [];
  }

  /** In a cache that several kinds share, the one kind whose struct the object's contents agree with. */
  #byContents(object: SlabObject): InferredType | undefined {
    const { cache } = object;
    if (!isShared(this.#kernel, cache)) return undefined;
    const names = [cache.name, ...slabAliases(this.#kernel, cache)];
    const fitting = new Map<CompoundType, Plausibility>();
    const unknown: string[] = [];
    for (const name of names) {
      const type = structOfCacheName(this.#kernel, name, cache.objectSize);
      if (type === undefined) unknown.push(name);
      const found = type && attempt(() => plausibility(this.#kernel, type, object.object, cache.objectSize));
      if (type !== undefined && found !== undefined && found.against === undefined && found.signs > 0)
        fitting.set(type, found);
    }
    const [best, second] = [...fitting].sort(([, a], [, b]) => b.signs - a.signs);
    // Two that fit about as well are no answer.
    if (best === undefined) return undefined;
    const [type, { signs, witnesses }] = best;
    if (signs < LEAST_SIGNS || witnesses < LEAST_WITNESSES) return undefined;
    if (second !== undefined && signs < 2 * second[1].signs) return undefined;
    const but = unknown.length === 0 ? '' : ` (what ${unknown.join(', ')} objects look like is not known)`;
    return {
      type,
      how: `of ${names.length} kinds that share the cache ${cache.name}, its contents fit this one alone${but}`,
    };
  }
}

const LEAST_SIGNS = 4;
const LEAST_WITNESSES = 2;

/** Merged, or for allocations of any kind: the name says nothing of one object. */
function isShared(kernel: Kernel, cache: SlabCache): boolean {
  return isGeneral(cache.name) || cache.users > 1 || slabAliases(kernel, cache).length > 0;
}

/** Caches of a size and of no type: kmalloc-64, kmalloc-cg-2k, dma-kmalloc-64, msg_msg-1k, memdup_user-8, bio-256, size-64. */
function isGeneral(name: string): boolean {
  return /-\d+k?M?$/.test(name);
}

function howPointed(type: CompoundType, { target, offset, from }: Evidence): string {
  if (type === target) return `${from} points at it`;
  const { path } = memberAt(type, offset, target);
  return `${from} points at a ${target.name ?? '?'} ${offset} bytes into it, and only this struct of its size has one there (.${path ?? ''})`;
}

function keyOf({ object }: SlabObject): string {
  return hex(object);
}

/** The member of an object that an address inside of it is at. */
export function memberPath(type: CompoundType, offset: number): string | undefined {
  const { path, rest } = memberAt(type, offset);
  if (path === undefined) return undefined;
  return `.${path}${rest === 0 ? '' : `+${rest}`}`;
}
