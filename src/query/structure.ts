/** Objects of a type in memory: the answers to `struct NAME ADDRESS`, `union`, `list -s`. */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { declare } from '../debuginfo/types/declaration.ts';
import { findMember, type FoundMember } from '../debuginfo/types/members.ts';
import { sizeOf, strip, type CompoundType, type Type } from '../debuginfo/types/type.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { dereference, partOf, scalarOf, valueAt, type Value } from '../values/value.ts';
import { noMember } from './type-definition.ts';
import { unavailableNode, valueTree, type ValueNode } from './value-tree.ts';

/** A member that was asked for by its path. */
export interface ShownMember {
  readonly path: string;
  readonly value: ValueNode;
  /** Where it stands in the struct or union it is directly in. */
  readonly standing: Standing;
  /** With -p, of a pointer: its declaration, and what it points at; undefined where it is NULL. */
  readonly followed: { readonly declaration: string; readonly target: FollowedTarget | undefined } | undefined;
}

export interface Standing {
  /** Whether no member stands behind it. */
  readonly last: boolean;
  /** How many structs and unions without a name it is in. */
  readonly depth: number;
}

export interface FollowedTarget {
  /** The symbol it is, with an offset. */
  readonly label: string | undefined;
  /** Undefined where the type does not say what is there: void, a function. */
  readonly value: ValueNode | undefined;
}

export interface StructureReport {
  readonly type: 'structure';
  /** `struct list_head`. */
  readonly name: string;
  readonly address: VirtAddr;
  /** Among objects that stand one behind the other, from 0. */
  readonly index: number;
  /** Of a per-CPU object. */
  readonly cpu: number | undefined;
  /** The whole object; undefined where members were asked for. */
  readonly whole: ValueNode | undefined;
  readonly members: readonly ShownMember[];
  readonly radix: 10 | 16;
}

export interface StructureOptions {
  /** Among objects that stand one behind the other. */
  readonly index?: number;
  readonly paths: readonly string[];
  readonly followPointers: boolean;
  readonly cpu?: number | undefined;
  readonly radix: 10 | 16;
}

/** @throws LookupError where the type has no such member */
export function structureAt(
  kernel: Kernel,
  space: AddressSpace,
  type: CompoundType,
  address: VirtAddr,
  options: StructureOptions,
): StructureReport {
  const value = valueAt(space, type, address);
  const members = options.paths.map((path) => shownMember(kernel, space, value, type, path, options.followPointers));
  return {
    type: 'structure',
    name: `${type.kind} ${type.name ?? '{...}'}`,
    address,
    index: options.index ?? 0,
    cpu: options.cpu,
    whole: options.paths.length === 0 ? valueTree(kernel, value, space) : undefined,
    members,
    radix: options.radix,
  };
}

/** The member of a path. Throws LookupError with the nearest names. */
export function requiredMember(type: CompoundType, path: string): FoundMember {
  const found = findMember(type, path);
  if (found === undefined) throw noMember(type, path);
  return found;
}

function shownMember(
  kernel: Kernel,
  space: AddressSpace,
  value: Value,
  type: CompoundType,
  path: string,
  follow: boolean,
): ShownMember {
  const member = requiredMember(type, path);
  const part = partOf(value, member.type, member.offset, member.bitField);
  const followed =
    follow && strip(member.type).kind === 'pointer'
      ? { declaration: declare(member.type, path), target: targetOf(kernel, space, part) }
      : undefined;
  return { path, value: valueTree(kernel, part, space), standing: standingOf(type, path, 0), followed };
}

/** @param depth of the structs and unions without a name that were gone through */
function standingOf(type: CompoundType, path: string, depth: number): Standing {
  const dot = path.lastIndexOf('.');
  const outer = dot < 0 ? type : strip(requiredMember(type, path.slice(0, dot)).type);
  if (outer.kind !== 'struct' && outer.kind !== 'union') return { last: true, depth };
  const name = path.slice(dot + 1).replace(/\[.*/, '');
  const direct = outer.members.findIndex((member) => member.name === name);
  if (direct >= 0) return { last: direct === outer.members.length - 1, depth: dot < 0 ? depth : 0 };
  const inner = outer.members.find((member) => member.name === undefined && holds(member.type, name));
  const within = inner === undefined ? undefined : strip(inner.type);
  const isCompound = within?.kind === 'struct' || within?.kind === 'union';
  return isCompound && depth < DEEPEST_NESTING ? standingOf(within, name, depth + 1) : { last: true, depth };
}

const DEEPEST_NESTING = 32;

function holds(type: Type, name: string): boolean {
  const bare = strip(type);
  return (bare.kind === 'struct' || bare.kind === 'union') && findMember(bare, name) !== undefined;
}

/** What a pointer leads to; undefined where it is NULL. A `__percpu` pointer is an offset, and leads nowhere itself. */
function targetOf(kernel: Kernel, space: AddressSpace, pointer: Value): FollowedTarget | undefined {
  try {
    const address = virtAddr(scalarOf(pointer));
    if (address === 0n) return undefined;
    const target = dereference(pointer, space);
    const { kind } = strip(target.type);
    if (kind === 'function' || kind === 'void') return { label: kernel.symbols.label(address), value: undefined };
    return { label: kernel.symbols.label(address), value: valueTree(kernel, target, space) };
  } catch (error) {
    return { label: undefined, value: unavailableNode(error) };
  }
}

/** The n-th of objects that stand one behind the other; n may be negative. */
export function neighbour(address: VirtAddr, type: Type, index: number): VirtAddr {
  return addVirt(address, index * sizeOf(type));
}
