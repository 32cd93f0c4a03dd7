/** Memory as words: the answer to `rd`. */

import { addVirt, physAddr, virtAddr, type VirtAddr } from '../base/addr.ts';
import { FaultError } from '../base/errors.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';

export interface MemoryDump {
  readonly type: 'memory';
  readonly address: VirtAddr;
  readonly physical: boolean;
  /** Bytes per unit: 1, 2, 4, 8. */
  readonly unit: number;
  readonly format: 'hex' | 'decimal' | 'unsigned' | 'symbol' | 'string';
  readonly ascii: boolean;
  readonly bytes: Uint8Array;
  /** What cut the dump short. */
  readonly fault: string | undefined;
  /** By position of the word, for the symbol format. */
  readonly labels: ReadonlyMap<number, string>;
}

export interface MemorySource {
  readonly physical: boolean;
  readInto(address: VirtAddr, target: Uint8Array): void;
}

export function virtualMemory(space: AddressSpace): MemorySource {
  return { physical: false, readInto: (address, target) => space.readInto(address, target) };
}

export function physicalMemory(memory: PhysicalMemory): MemorySource {
  return { physical: true, readInto: (address, target) => memory.read(physAddr(Number(address)), target) };
}

const CHUNK = 4096;

/**
 * As many of `length` bytes as can be read, up to the first fault.
 * @throws FaultError where not even the first can
 */
export function readMemory(
  source: MemorySource,
  address: VirtAddr,
  length: number,
): { bytes: Uint8Array; fault: string | undefined } {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const at = addVirt(address, done);
    const step = Math.min(length - done, CHUNK - Number(at & BigInt(CHUNK - 1)));
    try {
      source.readInto(at, bytes.subarray(done, done + step));
    } catch (error) {
      if (!(error instanceof FaultError) || done === 0) throw error;
      return { bytes: bytes.subarray(0, done), fault: error.message };
    }
    done += step;
  }
  return { bytes, fault: undefined };
}

/** The label of each 8-byte word that `labelOf` knows. */
export function labelWords(bytes: Uint8Array, labelOf: (value: VirtAddr) => string | undefined): Map<number, string> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const labels = new Map<number, string>();
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const label = labelOf(virtAddr(view.getBigUint64(at, true)));
    if (label !== undefined) labels.set(at / 8, label);
  }
  return labels;
}
