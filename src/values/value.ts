/**
 * Typed values: a type, and where its bytes are. Nothing is read before it is asked for; members and elements of a
 * value in memory are values in memory. A computed value holds its bytes itself and has no address.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { FormatError, LookupError } from '../base/errors.ts';
import { findMember } from '../debuginfo/types/members.ts';
import { typeName } from '../debuginfo/types/declaration.ts';
import { sizeOf, strip, type BitField, type Type } from '../debuginfo/types/type.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { decodeScalar, encodeInteger, scalarSize } from './scalar.ts';

export type Place =
  | { readonly kind: 'memory'; readonly space: AddressSpace; readonly address: VirtAddr }
  /** Bytes, of which some may be nowhere. */
  | { readonly kind: 'computed'; readonly bytes: Uint8Array; readonly gaps?: readonly Gap[] };

/** Bytes from `start` to `end` of a value that the compiler did without, or that nothing tells. */
export interface Gap {
  readonly start: number;
  readonly end: number;
  readonly why: string;
}

export interface Value {
  readonly type: Type;
  readonly bitField: BitField | undefined;
  readonly place: Place;
  /** How it was inferred; absent where it is known. */
  readonly inferred?: string | undefined;
  /** Of a pointer that the compiler did without: what it would point at. */
  readonly pointee?: (() => Value) | undefined;
}

export function valueAt(space: AddressSpace, type: Type, address: VirtAddr): Value {
  return { type, bitField: undefined, place: { kind: 'memory', space, address } };
}

/** An integer, enum or pointer that is nowhere in memory. */
export function computedValue(type: Type, integer: bigint): Value {
  const bytes = encodeInteger(integer, scalarSize(type, undefined));
  return { type, bitField: undefined, place: { kind: 'computed', bytes } };
}

/** Undefined where it has none. */
export function addressOfValue(value: Value): VirtAddr | undefined {
  return value.place.kind === 'memory' && value.bitField === undefined ? value.place.address : undefined;
}

/** `length` of a value's bytes. Throws FaultError. */
export function readBytes(value: Value, length: number): Uint8Array {
  const { place } = value;
  if (place.kind === 'memory') return place.space.bytes(place.address, length);
  if (place.bytes.length < length) throw new FormatError('value', 'is shorter than its type');
  const gap = place.gaps?.find(({ start, end }) => start < length && end > 0);
  if (gap !== undefined) throw new LookupError('value', gap.why);
  return place.bytes.subarray(0, length);
}

/** An integer, enum, bool, bit-field or pointer, signed where its type is. Throws FaultError, FormatError. */
export function scalarOf(value: Value): bigint {
  return decodeScalar(readBytes(value, scalarSize(value.type, value.bitField)), value.type, value.bitField);
}

/** A part of a value, `offset` bytes into it. */
export function partOf(value: Value, type: Type, offset: number, bitField: BitField | undefined): Value {
  const { place } = value;
  const { inferred } = value;
  if (place.kind === 'memory')
    return { type, bitField, inferred, place: { ...place, address: addVirt(place.address, offset) } };
  const gaps = place.gaps?.map(({ start, end, why }) => ({ start: start - offset, end: end - offset, why }));
  const bytes = place.bytes.subarray(offset);
  return { type, bitField, inferred, place: { kind: 'computed', bytes, ...(gaps === undefined ? {} : { gaps }) } };
}

/** The member of a dotted path, with constant indices in it (`se.on_rq`, `pids[2].node`). Throws LookupError. */
export function memberValue(value: Value, path: string): Value {
  const compound = strip(value.type);
  if (compound.kind !== 'struct' && compound.kind !== 'union')
    throw new LookupError('member', `${path}: ${typeName(value.type)} has no members`);
  const member = findMember(compound, path);
  if (member === undefined) throw new LookupError('member', `${typeName(compound)}.${path}`);
  return partOf(value, member.type, member.offset, member.bitField);
}

/** The element of an array. C does not check the index, and kernel arrays of one element are often longer. */
export function elementValue(value: Value, index: number): Value {
  const array = strip(value.type);
  if (array.kind !== 'array') throw new FormatError('value', `${typeName(value.type)} is no array`);
  return partOf(value, array.element, index * sizeOf(array.element), undefined);
}

/** What a pointer points at, in a given address space. Throws FaultError where the pointer itself cannot be read. */
export function dereference(value: Value, space: AddressSpace): Value {
  if (value.pointee !== undefined) return value.pointee();
  const pointer = strip(value.type);
  if (pointer.kind !== 'pointer') throw new FormatError('value', `${typeName(value.type)} is no pointer`);
  return valueAt(space, pointer.target, virtAddr(scalarOf(value)));
}
