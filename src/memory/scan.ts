/**
 * Memory in large pieces, for who looks at all of it: runs of addresses whose physical memory is known are read past
 * the page cache into one window, what continues is put together there, and what is not in the dump is left out.
 */

import { PAGE_SIZE, virtAddr, type VirtAddr } from '../base/addr.ts';
import { checkCancelled } from '../base/cancel.ts';
import { FaultError } from '../base/errors.ts';
import { noteLoss } from '../base/losses.ts';
import type { MappedRun } from '../arch/architecture.ts';
import type { DumpImage } from '../formats/dump-image.ts';

/** A run of addresses, virtual or physical, and the physical memory behind it. */
export interface MemoryRun {
  readonly address: VirtAddr;
  readonly physicalAddress: number;
  /** In bytes. */
  readonly size: number;
}

/** Contiguous memory, valid until the next is asked for. */
export interface MemoryWindow {
  readonly address: VirtAddr;
  readonly bytes: Uint8Array;
  /** How many of its first bytes were the last of the window before. */
  readonly repeated: number;
}

const WINDOW_SIZE = 1 << 20;

/** The part of mapped pages that is in [start, end). */
export function* runsWithin(mapped: Iterable<MappedRun>, start: VirtAddr, end: VirtAddr): Generator<MemoryRun> {
  for (const { page, physicalAddress, pages } of mapped) {
    const address = BigInt(page) << 12n;
    const skipped = address < start ? Number(start - address) : 0;
    const beyond = address + BigInt(pages * PAGE_SIZE) - end;
    const size = pages * PAGE_SIZE - skipped - (beyond > 0n ? Number(beyond) : 0);
    if (size > 0)
      yield { address: virtAddr(address + BigInt(skipped)), physicalAddress: physicalAddress + skipped, size };
  }
}

/** The physical memory of a dump in [start, end), at its own addresses. */
export function* physicalRuns(image: DumpImage, start: number, end: number): Generator<MemoryRun> {
  for (const { start: from, size } of image.rangesWithin(start, end))
    yield { address: virtAddr(from), physicalAddress: from, size };
}

/**
 * The memory of ascending runs, as far as it is in the dump, window by window. A window begins at a multiple of `unit`.
 * @param overlap how many bytes a window repeats of the one it continues; the unit is 1 then
 */
export function* memoryWindows(
  image: DumpImage,
  runs: Iterable<MemoryRun>,
  unit: number,
  overlap: number,
): Generator<MemoryWindow> {
  const buffer = new Uint8Array(WINDOW_SIZE + overlap);
  let start = 0n;
  let filled = 0;
  let repeated = 0;
  for (const piece of piecesOf(image, runs)) {
    checkCancelled();
    for (let done = 0; done < piece.size;) {
      const address = piece.address + BigInt(done);
      if (address !== start + BigInt(filled)) {
        if (filled > repeated) yield { address: virtAddr(start), bytes: buffer.subarray(0, filled), repeated };
        const unaligned = (unit - Number(address % BigInt(unit))) % unit;
        start = address + BigInt(unaligned);
        filled = 0;
        repeated = 0;
        done += unaligned;
        if (done >= piece.size) break;
      }
      const target = buffer.subarray(filled, filled + piece.size - done);
      const read = readAsFarAsThere(image, piece.physicalAddress + done, target);
      filled += read;
      done += read;
      if (filled === buffer.length) {
        checkCancelled();
        yield { address: virtAddr(start), bytes: buffer, repeated };
        buffer.copyWithin(0, filled - overlap);
        start += BigInt(filled - overlap);
        filled = overlap;
        repeated = overlap;
      }
      if (read < target.length) done += PAGE_SIZE - ((piece.physicalAddress + done) % PAGE_SIZE);
    }
  }
  if (filled > repeated) yield { address: virtAddr(start), bytes: buffer.subarray(0, filled), repeated };
}

/** The parts of runs that lie in the ranges the dump says it has. */
function* piecesOf(image: DumpImage, runs: Iterable<MemoryRun>): Generator<MemoryRun> {
  for (const { address, physicalAddress, size } of runs) {
    for (const range of image.rangesWithin(physicalAddress, physicalAddress + size)) {
      const within = BigInt(range.start - physicalAddress);
      yield { address: virtAddr(address + within), physicalAddress: range.start, size: range.size };
    }
  }
}

/** How many bytes could be read before the first page that is not there, though the dump says it has it. */
function readAsFarAsThere(image: DumpImage, physicalAddress: number, target: Uint8Array): number {
  if (faultOf(image, physicalAddress, target) === undefined) return target.length;
  checkCancelled();
  let done = 0;
  while (done < target.length) {
    const at = physicalAddress + done;
    const part = target.subarray(done, done + PAGE_SIZE - (at % PAGE_SIZE));
    const fault = faultOf(image, at, part);
    if (fault !== undefined) {
      noteLoss(fault);
      break;
    }
    done += part.length;
  }
  return done;
}

/** Undefined where all of it was read. */
function faultOf(image: DumpImage, physicalAddress: number, target: Uint8Array): FaultError | undefined {
  try {
    image.read(physicalAddress, target);
    return undefined;
  } catch (error) {
    if (error instanceof FaultError) return error;
    throw error;
  }
}
