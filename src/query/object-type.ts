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
import { embeddedPath, embedsAt, memberAt } from '../debuginfo/types/member-at.ts';
import type { CompoundType } from '../debuginfo/types/type.ts';
import { structOfCacheName } from '../kernel/cache-types.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { oncePerKernel } from '../kernel/once-per-kernel.ts';
import { slabAliases, slabObjectAt, type SlabCache, type SlabObject } from '../kernel/slab.ts';
import { readTasks } from '../kernel/tasks.ts';
import { fittingTypes, isGeneral, sizesIn } from './fitting-types.ts';
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

export const objectTypes = oncePerKernel((kernel) => new ObjectTypes(kernel));

export class ObjectTypes {
  readonly #kernel: Kernel;
  /** By address of the object. */
  readonly #evidence = new Map<string, Evidence[]>();
  readonly #followed = new Set<string>();
  #knowsTasks = false;
  readonly #byCache = new Map<string, InferredType | undefined>();
  /** Structs that have what a pointer leads to at its place. */
  readonly #byPlace = new Map<string, readonly CompoundType[]>();
  readonly #answers = new Map<string, InferredType | undefined>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Follows the pointers from the tasks: what every question about an object knows. */
  #learnOfTasks(): void {
    if (this.#knowsTasks) return;
    this.#knowsTasks = true;
    this.learn((attempt(() => readTasks(this.#kernel).tasks) ?? []).map(({ address }) => address));
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
    if (this.#ofCache(object.cache) === undefined) this.#learnOfTasks();
    const key = keyOf(object);
    if (!this.#answers.has(key)) this.#answers.set(key, this.#infer(object));
    return this.#answers.get(key);
  }

  #infer(object: SlabObject): InferredType | undefined {
    const pointed = this.#byNameOrEvidence(object);
    const contents = this.#byContents(object);
    if (pointed === undefined || contents === undefined) return pointed ?? contents;
    // A pointer may be to the first member only; of two that exclude each other neither is believed.
    if (contents.type === pointed.type) return { type: contents.type, how: `${contents.how}; ${pointed.how}` };
    return embedsAt(contents.type, 0, pointed.type) ? contents : undefined;
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
    const pointed = this.#ofEvidence(object.cache, evidence);
    const against =
      pointed &&
      attempt(() => plausibility(this.#kernel, pointed.type, object.object, object.cache.objectSize))?.against;
    return against === undefined ? pointed : undefined;
  }

  /** The one struct that all pointers agree with. */
  #ofEvidence(cache: SlabCache, evidence: readonly Evidence[]): InferredType | undefined {
    const agrees = (type: CompoundType): boolean =>
      evidence.every(({ target, offset }) => embedsAt(type, offset, target));
    const { from, to } = sizesIn(this.#kernel, cache);
    const whole = evidence.find(({ target, offset }) => offset === 0 && agrees(target));
    if (whole !== undefined && whole.target.size <= to && whole.target.size > to / 2) {
      const rest = whole.target.size < from ? ' at its start; what else is in it is not known' : '';
      const { target } = whole;
      return {
        type: target,
        how: `${whole.from} points at ${rest === '' ? 'it' : `the ${target.name ?? '?'}`}${rest}`,
      };
    }
    const [first] = evidence;
    const fitting = first && this.#fitting(cache, first).filter(agrees);
    const only = fitting?.length === 1 ? fitting[0] : undefined;
    return first && only && { type: only, how: howPointed(only, first, `${from} to ${to} bytes`) };
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

  #fitting(cache: SlabCache, { target, offset }: Evidence): readonly CompoundType[] {
    const key = `${cache.address} ${offset} ${target.name ?? ''}`;
    let types = this.#byPlace.get(key);
    if (types === undefined) {
      types = [...fittingTypes(this.#kernel, cache)].filter((type) => embedsAt(type, offset, target));
      this.#byPlace.set(key, types);
    }
    return types;
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
  return isGeneral(cache) || cache.users > 1 || slabAliases(kernel, cache).length > 0;
}

function howPointed(type: CompoundType, { target, offset, from }: Evidence, sizes: string): string {
  const path = embeddedPath(type, offset, target) ?? '';
  const name = target.name ?? '?';
  return `${from} points at a ${name} ${offset} bytes into it, and of the structs of ${sizes} only this one has one there (.${path})`;
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
