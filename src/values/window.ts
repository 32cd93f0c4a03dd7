/**
 * A run of bytes read at once, of which parts may be missing: one page that is not in the dump costs the members on it
 * and not the structure.
 */

import { addVirt, PAGE_SIZE, virtAddr, type VirtAddr } from '../base/addr.ts';
import { FaultError, FormatError } from '../base/errors.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { Value } from './value.ts';

interface Hole {
  readonly start: number;
  readonly end: number;
  readonly fault: FaultError;
}

export class ByteWindow {
  readonly #bytes: Uint8Array;
  readonly #holes: readonly Hole[];

  constructor(bytes: Uint8Array, holes: readonly Hole[] = []) {
    this.#bytes = bytes;
    this.#holes = holes;
  }

  /** `length` bytes from an offset on. Throws FaultError where they are missing. */
  bytes(offset: number, length: number): Uint8Array {
    const end = offset + length;
    const hole = this.#holes.find((candidate) => offset < candidate.end && end > candidate.start);
    if (hole !== undefined && length > 0) throw hole.fault;
    if (offset < 0 || end > this.#bytes.length)
      throw new FormatError('value', 'a member lies outside of its structure');
    return this.#bytes.subarray(offset, end);
  }

  /** Why nothing at all could be read; undefined where something was. */
  get fault(): FaultError | undefined {
    const missing = this.#holes.reduce((sum, hole) => sum + hole.end - hole.start, 0);
    return missing > 0 && missing >= this.#bytes.length ? this.#holes[0]?.fault : undefined;
  }
}

/** The bytes of a value. */
export function windowOf(value: Value, length: number): ByteWindow {
  const { place } = value;
  return place.kind === 'memory' ? readWindow(place.space, place.address, length) : new ByteWindow(place.bytes);
}

function readWindow(space: AddressSpace, address: VirtAddr, length: number): ByteWindow {
  const bytes = new Uint8Array(length);
  const holes: Hole[] = [];
  for (let start = 0; start < length;) {
    const at = addVirt(address, start);
    const end = Math.min(length, start + PAGE_SIZE - Number(virtAddr(at) & BigInt(PAGE_SIZE - 1)));
    try {
      space.readInto(at, bytes.subarray(start, end));
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      holes.push({ start, end, fault: error });
    }
    start = end;
  }
  return new ByteWindow(bytes, holes);
}
