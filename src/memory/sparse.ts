/** Memory of which parts may be missing: what is there is used, and what is not is known by its place. */

import { addVirt, PAGE_SIZE, type VirtAddr } from '../base/addr.ts';
import { checkCancelled } from '../base/cancel.ts';
import { attempt } from '../base/errors.ts';
import type { AddressSpace } from './address-space.ts';
import { memoryWindows, runsWithin } from './scan.ts';

/** Offsets [start, end). */
export interface Gap {
  readonly start: number;
  readonly end: number;
}

export interface SparseBytes {
  /** Zero where they are missing. */
  readonly bytes: Uint8Array;
  /** Ascending, none empty. */
  readonly gaps: readonly Gap[];
}

export interface ImagePart {
  readonly address: VirtAddr;
  /** In bytes. */
  readonly size: number;
}

/** The image of a kernel at its addresses, in memory or in a file. */
export interface ImageMemory {
  /** Nothing of the image lies below. */
  readonly start: VirtAddr;
  /** Nothing of the image lies at it or above. */
  readonly end: VirtAddr;
  /** What is not there is missing; never a fault. */
  read(address: VirtAddr, length: number): SparseBytes;
}

const CHUNK = 1 << 20;

/**
 * The whole image in pieces, for who looks for something in it.
 * @param overlap how many bytes of the next piece each one has, too
 */
export function* imageChunks(
  image: ImageMemory,
  overlap: number,
): Generator<{ readonly address: VirtAddr; readonly bytes: Uint8Array }> {
  const size = Number(image.end - image.start);
  for (let offset = 0; offset < size; offset += CHUNK) {
    checkCancelled();
    const address = addVirt(image.start, offset);
    const { bytes, gaps } = image.read(address, Math.min(CHUNK + overlap, size - offset));
    const isEmpty = gaps[0]?.start === 0 && gaps[0].end === bytes.length;
    if (!isEmpty) yield { address, bytes };
  }
}

/** The image in the dump's memory: gaps are what is not mapped, and what is not in the dump. */
export function imageInMemory(memory: AddressSpace, start: VirtAddr, end: VirtAddr): ImageMemory {
  return { start, end, read: (address, length) => readSparse(memory, address, length) };
}

/** Fewer bytes are read through the kept pages. */
const MANY = 4 * PAGE_SIZE;

function readSparse(memory: AddressSpace, address: VirtAddr, length: number): SparseBytes {
  if (length < MANY) {
    const whole = attempt(() => memory.bytes(address, length));
    if (whole !== undefined) return { bytes: whole, gaps: [] };
  }
  const bytes = new Uint8Array(length);
  const gaps: Gap[] = [];
  let done = 0;
  const end = addVirt(address, length);
  const mapped = memory.mappings(address, end, () => undefined);
  for (const window of memoryWindows(memory.physical.image, runsWithin(mapped, address, end), 1, 0)) {
    const at = Number(window.address - address);
    if (at > done) gaps.push({ start: done, end: at });
    bytes.set(window.bytes, at);
    done = at + window.bytes.length;
  }
  if (done < length) gaps.push({ start: done, end: length });
  return { bytes, gaps };
}

/** Whether any of [start, start + size) is missing. */
export function isMissing({ gaps }: SparseBytes, start: number, size: number): boolean {
  return gaps.some((gap) => gap.start < start + size && start < gap.end);
}
