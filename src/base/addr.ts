/**
 * Addresses, frame numbers and file offsets, and their arithmetic.
 *
 * A `VirtAddr` is a bigint in [0, 2^64): with 5-level paging kernel addresses do not fit a double, even signed.
 * `PhysAddr`, `Pfn` are numbers: 52 physical bits fit 2^53.
 * Hot loops do not use bigint: they split an address once with `hi32`/`lo32` (DESIGN.md, "64-bit values").
 */

import { brand, type Brand } from './brand.ts';
import { InternalError } from './errors.ts';

export type VirtAddr = Brand<bigint, 'VirtAddr'>;
export type PhysAddr = Brand<number, 'PhysAddr'>;
export type Pfn = Brand<number, 'Pfn'>;

export const PAGE_SIZE = 4096;

/** A virtual address; values outside [0, 2^64) wrap as C's `unsigned long` does. */
export function virtAddr(value: bigint | number): VirtAddr {
  return brand(BigInt.asUintN(64, BigInt(value)));
}

/** A physical address in bytes; throws InternalError where it is no exact integer. */
export function physAddr(value: number): PhysAddr {
  return brand(exact(value));
}

export function pfn(value: number): Pfn {
  return brand(exact(value));
}

/** `a + delta`, modulo 2^64. */
export function addVirt(a: VirtAddr, delta: bigint | number): VirtAddr {
  return brand(BigInt.asUintN(64, a + BigInt(delta)));
}

export function alignDown(a: VirtAddr, size: number): VirtAddr {
  return brand(a - (a % BigInt(size)));
}

/** Lower-case hex without prefix, as kernel people write addresses: at least `digits` wide. */
export function hex(value: bigint | number, digits = 0): string {
  return value.toString(16).padStart(digits, '0');
}

/** `0x…`, of a negative one `-0x…`: the form of every address and wide integer in JSON. */
export function hex0x(value: bigint | number): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

const scratch64 = new BigUint64Array(1);
const scratch32 = new Uint32Array(scratch64.buffer);

/** The upper 32 bits (little-endian host, as every JavaScript engine we run on). */
export function hi32(value: bigint): number {
  scratch64[0] = value;
  return scratch32[1] as number;
}

/** The lower 32 bits. */
export function lo32(value: bigint): number {
  scratch64[0] = value;
  return scratch32[0] as number;
}

/** Joins two 32-bit halves into an address. */
export function join64(hi: number, lo: number): VirtAddr {
  scratch32[0] = lo;
  scratch32[1] = hi;
  return brand(scratch64[0] as bigint);
}

function exact(value: number): number {
  if (!Number.isSafeInteger(value)) throw new InternalError(`${value} is not an exact integer`);
  return value;
}
