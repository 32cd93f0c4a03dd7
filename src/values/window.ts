/**
 * A run of bytes read at once, of which parts may be missing: one page that is not in the dump costs the members on it
 * and not the structure.
 */

import { addVirt, PAGE_SIZE, virtAddr, type VirtAddr } from '../base/addr.ts';
import { FaultError, FormatError, LookupError } from '../base/errors.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { Value } from './value.ts';

interface Hole {
  readonly start: number;
  readonly end: number;
  readonly fault: FaultError | LookupError;
}

export interface ByteWindow {
  /** `length` bytes from an offset on. Throws FaultError where they are missing. */
  bytes(offset: number, length: number): Uint8Array;
  /** Why nothing at all could be read; undefined where something was. */
  readonly fault: FaultError | LookupError | undefined;
}

class ReadWindow implements ByteWindow {
  readonly #bytes: Uint8Array;
  readonly #holes: readonly Hole[];

  constructor(bytes: Uint8Array, holes: readonly Hole[] = []) {
    this.#bytes = bytes;
    this.#holes = holes;
  }

  bytes(offset: number, length: number): Uint8Array {
    const end = offset + length;
    const hole = this.#holes.find((candidate) => offset < candidate.end && end > candidate.start);
    if (hole !== undefined && length > 0) throw hole.fault;
    if (offset < 0 || end > this.#bytes.length) throw outside();
    return this.#bytes.subarray(offset, end);
  }

  get fault(): FaultError | LookupError | undefined {
    const missing = this.#holes.reduce((sum, hole) => sum + hole.end - hole.start, 0);
    return missing > 0 && missing >= this.#bytes.length ? this.#holes[0]?.fault : undefined;
  }
}

/** What is too large to be read at once, if it is as large as its type says: part by part, as they are asked for. */
class LargeWindow implements ByteWindow {
  readonly fault = undefined;
  readonly #space: AddressSpace;
  readonly #address: VirtAddr;
  readonly #length: number;

  constructor(space: AddressSpace, address: VirtAddr, length: number) {
    this.#space = space;
    this.#address = address;
    this.#length = length;
  }

  bytes(offset: number, length: number): Uint8Array {
    if (offset < 0 || offset + length > this.#length) throw outside();
    return this.#space.bytes(addVirt(this.#address, offset), length);
  }
}

function outside(): FormatError {
  return new FormatError('value', 'a member lies outside of its structure');
}

const LARGEST_READ = 1 << 22;

/** The bytes of a value. */
export function windowOf(value: Value, length: number): ByteWindow {
  const { place } = value;
  if (place.kind === 'computed') {
    const holes = (place.gaps ?? []).map(({ start, end, why }) => ({
      start,
      end,
      fault: new LookupError('value', why),
    }));
    return new ReadWindow(place.bytes.subarray(0, length), holes);
  }
  return length > LARGEST_READ
    ? new LargeWindow(place.space, place.address, length)
    : readWindow(place.space, place.address, length);
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
  return new ReadWindow(bytes, holes);
}
