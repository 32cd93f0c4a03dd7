/** Physical memory made page by page, and page tables in it: 4 and 5 levels, 4 KiB, 2 MiB and 1 GiB pages, SME. */

import { physAddr, virtAddr, type PhysAddr } from '../../src/base/addr.ts';
import { FaultError } from '../../src/base/errors.ts';
import type { PageTableMemory, PagingMode } from '../../src/arch/architecture.ts';
import { x86_64 } from '../../src/arch/x86-64/index.ts';
import type { DumpImage } from '../../src/formats/dump-image.ts';
import { VmcoreInfo } from '../../src/formats/vmcoreinfo.ts';
import { rangesOf } from './ranges.ts';

const PAGE = 4096;

/** Sparse physical memory. */
export class PhysicalPages implements PageTableMemory {
  readonly #pages = new Map<number, Uint8Array>();
  #next: number;

  /** @param firstPfn where pages that are allocated begin */
  constructor(firstPfn = 0x100) {
    this.#next = firstPfn;
  }

  /** A new page, zeroed; returns its address. */
  allocate(): PhysAddr {
    const pfn = this.#next++;
    this.#pages.set(pfn, new Uint8Array(PAGE));
    return physAddr(pfn * PAGE);
  }

  /** The page of an address, made where there is none. */
  page(address: number): Uint8Array {
    const pfn = Math.floor(address / PAGE);
    let page = this.#pages.get(pfn);
    if (page === undefined) {
      page = new Uint8Array(PAGE);
      this.#pages.set(pfn, page);
    }
    return page;
  }

  remove(address: number): void {
    this.#pages.delete(Math.floor(address / PAGE));
  }

  write(address: number, bytes: Uint8Array): void {
    for (const [index, byte] of bytes.entries()) this.page(address + index)[(address + index) % PAGE] = byte;
  }

  writeWord(address: number, value: bigint): void {
    new DataView(this.page(address).buffer).setBigUint64(address % PAGE, BigInt.asUintN(64, value), true);
  }

  readWord(address: number): bigint {
    return new DataView(this.page(address).buffer).getBigUint64(address % PAGE, true);
  }

  words(pfn: number): Uint32Array {
    const page = this.#pages.get(pfn);
    if (page === undefined) throw new FaultError('physical', pfn * PAGE, 'not-in-dump');
    return new Uint32Array(page.buffer);
  }

  /** These pages as a dump. */
  image(more: Partial<DumpImage> = {}, vmcoreinfo?: readonly string[]): DumpImage {
    const sorted = [...this.#pages.keys()].sort((a, b) => a - b);
    return {
      format: 'built',
      path: 'vmcore',
      architecture: x86_64,
      paths: ['vmcore'],
      marks: [],
      physBase: undefined,
      ...rangesOf(...sorted.map((pfn) => [pfn * PAGE, PAGE] as const)),
      cpus: [],
      vmcoreinfo: vmcoreinfo && new VmcoreInfo(vmcoreinfo.join('\n')),
      warnings: [],
      read: (address, target) => {
        for (let done = 0; done < target.length;) {
          const at = address + done;
          const page = this.#pages.get(Math.floor(at / PAGE));
          if (page === undefined) throw new FaultError('physical', at, 'not-in-dump');
          const part = page.subarray(at % PAGE, (at % PAGE) + target.length - done);
          target.set(part, done);
          done += part.length;
        }
      },
      ...more,
    };
  }
}

export type PageSize = 4096 | 0x20_0000 | 0x4000_0000;

export class PageTableBuilder {
  readonly mode: PagingMode;
  readonly #memory: PhysicalPages;
  readonly #extra: bigint;

  /** @param encryptionMask is set in every entry, as with SME */
  constructor(memory: PhysicalPages, levels: 4 | 5 = 4, encryptionMask = 0n) {
    this.#memory = memory;
    this.mode = { root: memory.allocate(), levels, encryptionMask };
    this.#extra = encryptionMask;
  }

  /** Maps one page; both addresses are multiples of its size. `flags` beside PRESENT. */
  map(address: bigint, physical: number, size: PageSize = 4096, flags = 0x8000_0000_0000_0063n): this {
    const lastLevel = size === 4096 ? 0 : size === 0x20_0000 ? 1 : 2;
    let table: number = this.mode.root;
    for (let level = this.mode.levels - 1; level > lastLevel; level--) {
      const slot = table + Number((virtAddr(address) >> BigInt(12 + 9 * level)) & 0x1ffn) * 8;
      const entry = this.#memory.readWord(slot);
      if ((entry & 1n) === 0n) {
        table = this.#memory.allocate();
        this.#memory.writeWord(slot, BigInt(table) | 0x63n | this.#extra);
      } else table = Number(entry & 0x000f_ffff_ffff_f000n & ~this.#extra);
    }
    const slot = table + Number((virtAddr(address) >> BigInt(12 + 9 * lastLevel)) & 0x1ffn) * 8;
    this.#memory.writeWord(slot, BigInt(physical) | flags | 1n | (lastLevel > 0 ? 0x80n : 0n) | this.#extra);
    return this;
  }
}
