/**
 * A structure in memory, read member by member. Paths are those of C (`se.on_rq`, `comm`); anonymous structs and
 * unions are passed through. Nothing is read before a member is asked for.
 *
 * Every reader throws LookupError where the structure has no such member, FaultError where memory is not there.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { LookupError } from '../base/errors.ts';
import { fixedString } from '../bytes/read.ts';
import { findMember, type FoundMember } from '../debuginfo/types/members.ts';
import { sizeOf, strip, type CompoundType } from '../debuginfo/types/type.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { decodeScalar, isSigned, scalarSize } from './scalar.ts';

const foundMembers = new WeakMap<CompoundType, Map<string, FoundMember | undefined>>();

/** The member of a path, remembered per type; undefined where there is none. */
export function memberOf(type: CompoundType, path: string): FoundMember | undefined {
  let paths = foundMembers.get(type);
  if (paths === undefined) {
    paths = new Map();
    foundMembers.set(type, paths);
  }
  if (!paths.has(path)) paths.set(path, findMember(type, path));
  return paths.get(path);
}

/** The first of several paths that a type has: the newest kernel's spelling stands first. */
export function firstMember(type: CompoundType, paths: readonly string[]): string | undefined {
  return paths.find((path) => memberOf(type, path) !== undefined);
}

/** The byte offset of a member. Throws LookupError. */
export function offsetOf(type: CompoundType, path: string): number {
  return required(type, path).offset;
}

function required(type: CompoundType, path: string): FoundMember {
  const member = memberOf(type, path);
  if (member === undefined) throw new LookupError('member', `${type.kind} ${type.name ?? '(anonymous)'}.${path}`);
  return member;
}

export class StructView {
  readonly memory: AddressSpace;
  readonly type: CompoundType;
  readonly address: VirtAddr;

  constructor(memory: AddressSpace, type: CompoundType, address: VirtAddr) {
    this.memory = memory;
    this.type = type;
    this.address = address;
  }

  has(path: string): boolean {
    return memberOf(this.type, path) !== undefined;
  }

  /** The first of several paths that this structure has. Throws LookupError where it has none. */
  pick(...paths: readonly string[]): string {
    const found = firstMember(this.type, paths);
    if (found === undefined) throw new LookupError('member', `${this.type.name ?? '?'}.${paths.join(' or ')}`);
    return found;
  }

  /** The address of a member. */
  at(path: string): VirtAddr {
    return addVirt(this.address, required(this.type, path).offset);
  }

  /** An integer, enum, bool or bit-field as a bigint, signed where its type is. Pointers are unsigned. */
  integer(path: string): bigint {
    const { type, offset, bitField } = required(this.type, path);
    const address = addVirt(this.address, offset);
    const size = sizeOf(type);
    if (bitField === undefined && (size === 0 || size > 8))
      throw new LookupError('integer member', `${this.type.name ?? '?'}.${path}`);
    if (bitField === undefined && size === 8 && !isSigned(type)) return this.memory.u64(address);
    const length = bitField === undefined ? size : scalarSize(type, bitField);
    return decodeScalar(this.memory.bytes(address, length), type, bitField);
  }

  /** As `integer`, for values that fit a double. */
  number(path: string): number {
    return Number(this.integer(path));
  }

  pointer(path: string): VirtAddr {
    return this.memory.pointer(this.at(path));
  }

  /** The text of a character array, or what a character pointer points at. */
  string(path: string, limit = 4096): string {
    const member = required(this.type, path);
    const address = addVirt(this.address, member.offset);
    if (strip(member.type).kind === 'pointer') return this.memory.string(this.memory.pointer(address), limit);
    const size = sizeOf(member.type);
    return size === 0 ? this.memory.string(address, limit) : fixedString(this.memory.bytes(address, size));
  }

  /** An embedded structure. */
  view(path: string): StructView {
    const member = required(this.type, path);
    return new StructView(this.memory, compoundOf(member.type, path), addVirt(this.address, member.offset));
  }

  /** The structure a pointer member points at; undefined where it is NULL. */
  follow(path: string): StructView | undefined {
    const member = required(this.type, path);
    const pointer = strip(member.type);
    const target = this.pointer(path);
    if (pointer.kind !== 'pointer' || target === 0n) return undefined;
    return new StructView(this.memory, compoundOf(pointer.target, path), target);
  }
}

function compoundOf(type: Parameters<typeof strip>[0], path: string): CompoundType {
  const bare = strip(type);
  if (bare.kind !== 'struct' && bare.kind !== 'union') throw new LookupError('structure member', path);
  return bare;
}

/** The address of the structure that embeds a member at `address`: the kernel's container_of(). */
export function containerOf(address: VirtAddr, type: CompoundType, path: string): VirtAddr {
  return virtAddr(address - BigInt(offsetOf(type, path)));
}
