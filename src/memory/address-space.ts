/**
 * A virtual address space: physical memory seen through page tables whose root somebody knows. The kernel's is one;
 * each user process has another. Little-endian.
 *
 * Translations are remembered per page, keyed by the virtual page number, which fits a double (52 bits).
 */

import { hi32, join64, lo32, PAGE_SIZE, physAddr, virtAddr, type PhysAddr, type VirtAddr } from '../base/addr.ts';
import { FaultError, type AddressSpaceName } from '../base/errors.ts';
import { noteLoss } from '../base/losses.ts';
import type { BrokenTable, MappedRun, PageTables, PageWalk } from '../arch/architecture.ts';
import { decodeText } from '../bytes/read.ts';
import type { PhysicalMemory } from './physical-memory.ts';

const MOST_TRANSLATIONS = 1 << 16;

export class AddressSpace {
  readonly name: AddressSpaceName;
  readonly physical: PhysicalMemory;
  readonly #tables: PageTables;
  readonly #translations = new Map<number, number>();
  readonly #word = new Uint8Array(8);
  readonly #wordView = new DataView(this.#word.buffer);

  constructor(name: AddressSpaceName, physical: PhysicalMemory, tables: PageTables) {
    this.name = name;
    this.physical = physical;
    this.#tables = tables;
  }

  /** The physical address of a virtual one. Throws FaultError. */
  translate(address: VirtAddr): PhysAddr {
    return physAddr(this.#translate(address));
  }

  /** Every page-table entry on the way. Throws FaultError where a table is not in the dump. */
  walk(address: VirtAddr): PageWalk {
    return this.#tables.walk(address);
  }

  /** What is mapped of [start, end), ascending and in whole pages, in the half of the address space `start` is in. */
  mappings(start: VirtAddr, end: VirtAddr, broken: BrokenTable): Generator<MappedRun> {
    return this.#tables.mappings(pageNumber(start), pageNumber(end - 1n) + 1, broken);
  }

  /** Fills `target` from a virtual address on. Throws FaultError with the first address that cannot be read. */
  readInto(address: VirtAddr, target: Uint8Array): void {
    let done = 0;
    while (done < target.length) {
      const at = virtAddr(address + BigInt(done));
      const length = Math.min(target.length - done, PAGE_SIZE - (lo32(at) & (PAGE_SIZE - 1)));
      const physical = this.#translate(at);
      try {
        this.physical.read(physical, target.subarray(done, done + length));
      } catch (error) {
        if (error instanceof FaultError) throw new FaultError(this.name, at, error.why);
        throw error;
      }
      done += length;
    }
  }

  /** A copy of `length` bytes. */
  bytes(address: VirtAddr, length: number): Uint8Array {
    const target = new Uint8Array(length);
    this.readInto(address, target);
    return target;
  }

  /** A copy of `length` bytes in which pages that cannot be read are zero. Throws FaultError where none can. */
  bytesWithHoles(address: VirtAddr, length: number): Uint8Array {
    const target = new Uint8Array(length);
    let fault: FaultError | undefined;
    let read = 0;
    for (let done = 0; done < length;) {
      const at = virtAddr(address + BigInt(done));
      const step = Math.min(length - done, PAGE_SIZE - (lo32(at) & (PAGE_SIZE - 1)));
      try {
        this.readInto(at, target.subarray(done, done + step));
        read += step;
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        target.fill(0, done, done + step);
        noteLoss(error);
        fault ??= error;
      }
      done += step;
    }
    if (read === 0 && fault !== undefined) throw fault;
    return target;
  }

  u8(address: VirtAddr): number {
    return this.#read(address, 1).getUint8(0);
  }

  u16(address: VirtAddr): number {
    return this.#read(address, 2).getUint16(0, true);
  }

  u32(address: VirtAddr): number {
    return this.#read(address, 4).getUint32(0, true);
  }

  s32(address: VirtAddr): number {
    return this.#read(address, 4).getInt32(0, true);
  }

  u64(address: VirtAddr): bigint {
    return this.#read(address, 8).getBigUint64(0, true);
  }

  pointer(address: VirtAddr): VirtAddr {
    const view = this.#read(address, 8);
    return join64(view.getUint32(4, true), view.getUint32(0, true));
  }

  /** A zero-terminated string of at most `limit` bytes. Cut at `limit`, or where memory ends after a first byte. */
  string(address: VirtAddr, limit = 4096): string {
    return decodeText(this.stringBytes(address, limit));
  }

  /** As `string`, as it stands in memory. */
  stringBytes(address: VirtAddr, limit = 4096): Uint8Array {
    const parts: Uint8Array[] = [];
    let at = address;
    let left = limit;
    while (left > 0) {
      const length = Math.min(left, PAGE_SIZE - (lo32(at) & (PAGE_SIZE - 1)), 256);
      let part: Uint8Array;
      try {
        part = this.bytes(at, length);
      } catch (error) {
        if (parts.length > 0 && error instanceof FaultError) break;
        throw error;
      }
      const end = part.indexOf(0);
      parts.push(end < 0 ? part : part.subarray(0, end));
      if (end >= 0) break;
      left -= length;
      at = virtAddr(at + BigInt(length));
    }
    return concat(parts);
  }

  #read(address: VirtAddr, length: number): DataView {
    this.readInto(address, length === 8 ? this.#word : this.#word.subarray(0, length));
    return this.#wordView;
  }

  #translate(address: bigint): number {
    const high = hi32(address);
    const low = lo32(address);
    const page = pageNumberOf(high, low);
    let frame = this.#translations.get(page);
    if (frame === undefined) {
      frame = this.#lookUp(address, high, low);
      if (this.#translations.size >= MOST_TRANSLATIONS) this.#translations.clear();
      this.#translations.set(page, frame);
    }
    return frame + (low & (PAGE_SIZE - 1));
  }

  #lookUp(address: bigint, high: number, low: number): number {
    let physical: number;
    try {
      physical = this.#tables.translate(high, (low & ~(PAGE_SIZE - 1)) >>> 0);
    } catch (error) {
      if (error instanceof FaultError) throw new FaultError(this.name, address, error.why);
      throw error;
    }
    if (physical < 0) throw new FaultError(this.name, address, 'not-mapped');
    return physical;
  }
}

function pageNumber(address: bigint): number {
  return pageNumberOf(hi32(address), lo32(address));
}

function pageNumberOf(high: number, low: number): number {
  return high * 0x10_0000 + (low >>> 12);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
