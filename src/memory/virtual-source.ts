/** A part of a virtual address space as a ByteSource: tables that are read out of the dump's own memory. */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import type { ByteSource } from '../bytes/byte-source.ts';
import type { AddressSpace } from './address-space.ts';

export class VirtualSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #memory: AddressSpace;
  readonly #start: VirtAddr;

  constructor(name: string, memory: AddressSpace, start: VirtAddr, size: number) {
    this.name = name;
    this.size = size;
    this.#memory = memory;
    this.#start = start;
  }

  /** Throws FaultError where memory is not in the dump. */
  readInto(offset: number, target: Uint8Array): number {
    const length = Math.min(target.length, this.size - offset);
    if (length <= 0) return 0;
    this.#memory.readInto(addVirt(this.#start, offset), target.subarray(0, length));
    return length;
  }
}
