/** Memory as words: the answer to `rd`. */

import { addVirt, lo32, PAGE_SIZE, physAddr, virtAddr, type VirtAddr } from '../base/addr.ts';
import { checkCancelled } from '../base/cancel.ts';
import { FaultError } from '../base/errors.ts';
import type { HostFile } from '../base/host.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import type { WordDetail, WordLabel } from './word-label.ts';

/** A run of memory that could be read, and what could not be behind it. */
export interface MemoryPiece {
  readonly address: VirtAddr;
  readonly bytes: Uint8Array;
  readonly hole: MemoryHole | undefined;
}

export interface MemoryHole {
  /** In bytes. */
  readonly size: number;
  readonly why: string;
}

/** A piece and how it is shown; `rd` gives as many as its range has. */
export interface MemoryDump extends MemoryPiece {
  readonly type: 'memory';
  /** Set in the first piece of a per-CPU variable. */
  readonly cpu: number | undefined;
  /** What the address is one of. */
  readonly space: 'virtual' | 'physical' | 'file';
  /** Bytes per unit: 1, 2, 4, 8. */
  readonly unit: number;
  /** `string` is text up to its zero, `text` what is printable of the bytes. */
  readonly format: 'hex' | 'decimal' | 'unsigned' | 'symbol' | 'string' | 'text';
  readonly ascii: boolean;
  /** Units are shown most significant byte first, as a network has them. */
  readonly swapped: boolean;
  /** What the words point at, by position, for the symbol format. */
  readonly labels: ReadonlyMap<number, WordLabel>;
  readonly detail: WordDetail;
}

/** Memory for a file of the user's: the answer to `rd -r`, written by the face. */
export interface RawMemory {
  readonly type: 'raw-memory';
  readonly address: VirtAddr;
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface MemorySource {
  readonly space: MemoryDump['space'];
  /** Throws FaultError. */
  readInto(address: VirtAddr, target: Uint8Array): void;
}

export function virtualMemory(space: AddressSpace): MemorySource {
  return { space: 'virtual', readInto: (address, target) => space.readInto(address, target) };
}

export function physicalMemory(memory: PhysicalMemory): MemorySource {
  return { space: 'physical', readInto: (address, target) => memory.read(physAddr(Number(address)), target) };
}

/** A file by its offsets, which stand in the place of addresses. */
export function fileMemory(file: HostFile): MemorySource {
  return {
    space: 'file',
    readInto: (address, target) => {
      const count = file.readInto(Number(address), target);
      if (count < target.length) throw new FaultError('file', addVirt(address, count), 'not-in-dump');
    },
  };
}

/** A piece in hexadecimal, with the text of its bytes. */
export function hexDump(piece: MemoryPiece, space: MemoryDump['space'], unit: number): MemoryDump {
  return {
    type: 'memory',
    cpu: undefined,
    ...piece,
    space,
    unit,
    format: 'hex',
    ascii: true,
    swapped: false,
    labels: new Map(),
    detail: 1,
  };
}

const PIECE_SIZE = 1 << 20;

/** `length` bytes, as far as they can be read, and the holes between them. A unit that is partly in a hole is in it. */
export function* readPieces(
  source: MemorySource,
  start: VirtAddr,
  length: number,
  unit: number,
): Generator<MemoryPiece> {
  for (let at = 0; at < length;) {
    checkCancelled();
    const address = addVirt(start, at);
    const buffer = new Uint8Array(Math.min(length - at, PIECE_SIZE));
    const { filled, fault } = fill(source, address, buffer);
    const read = fault === undefined ? filled : filled - (filled % unit);
    const end = fault === undefined ? at + read : holeEnd(source, start, at + filled, length, unit);
    yield {
      address,
      bytes: buffer.subarray(0, read),
      hole: fault && { size: end - at - read, why: fault.message },
    };
    at = end;
  }
}

function fill(
  source: MemorySource,
  address: VirtAddr,
  target: Uint8Array,
): { filled: number; fault: FaultError | undefined } {
  let filled = 0;
  while (filled < target.length) {
    const at = addVirt(address, filled);
    const part = target.subarray(filled, filled + toPageEnd(at));
    const fault = faultIn(source, at, part);
    if (fault !== undefined) {
      const there = Number(fault.address - at);
      const cut = there > 0 && there < part.length;
      const isThere = cut && faultIn(source, at, part.subarray(0, there)) === undefined;
      return { filled: filled + (isThere ? there : 0), fault };
    }
    filled += part.length;
  }
  return { filled, fault: undefined };
}

/** The offset at which memory can be read again: a page, and the beginning of a unit. */
function holeEnd(source: MemorySource, start: VirtAddr, from: number, length: number, unit: number): number {
  const probe = new Uint8Array(1);
  let at = from;
  for (let pages = 1; ; pages++) {
    at += toPageEnd(addVirt(start, at));
    if (at >= length) return length;
    if (faultIn(source, addVirt(start, at), probe) === undefined) return Math.min(length, Math.ceil(at / unit) * unit);
    if (pages % 1024 === 0) checkCancelled();
  }
}

function faultIn(source: MemorySource, address: VirtAddr, target: Uint8Array): FaultError | undefined {
  try {
    source.readInto(address, target);
    return undefined;
  } catch (error) {
    if (error instanceof FaultError) return error;
    throw error;
  }
}

function toPageEnd(address: VirtAddr): number {
  return PAGE_SIZE - (lo32(address) & (PAGE_SIZE - 1));
}

/** The label of each 8-byte word that points at something. */
export function labelWords(bytes: Uint8Array, labelOf: (value: VirtAddr) => WordLabel): Map<number, WordLabel> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const labels = new Map<number, WordLabel>();
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const label = labelOf(virtAddr(view.getBigUint64(at, true)));
    if (label.kind !== 'number') labels.set(at / 8, label);
  }
  return labels;
}
