/**
 * Physical memory with its recently used pages kept. Keys are page frame numbers; a page is held as bytes and as the
 * 32-bit words that page-table walks want.
 */

import { LRUCache } from 'lru-cache';
import { PAGE_SIZE } from '../base/addr.ts';
import type { PageTableMemory } from '../arch/architecture.ts';
import type { DumpImage } from '../formats/dump-image.ts';
import { FaultError } from '../base/errors.ts';

interface Page {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
}

/** Reads of at least this many bytes go to the dump directly and leave the kept pages alone. */
const BYPASS_SIZE = 4 * PAGE_SIZE;

export class PhysicalMemory implements PageTableMemory {
  readonly image: DumpImage;
  readonly #pages: LRUCache<number, Page>;

  /** @param cacheBytes how much memory the kept pages may take */
  constructor(image: DumpImage, cacheBytes = 64 << 20) {
    this.image = image;
    this.#pages = new LRUCache({ max: Math.max(16, Math.floor(cacheBytes / PAGE_SIZE)) });
  }

  /** Fills `target`. Throws FaultError where any byte of it is not in the dump. */
  read(address: number, target: Uint8Array): void {
    if (target.length >= BYPASS_SIZE) return this.image.read(address, target);
    let done = 0;
    while (done < target.length) {
      const at = address + done;
      const offset = at % PAGE_SIZE;
      const length = Math.min(PAGE_SIZE - offset, target.length - done);
      const page = this.#page(Math.floor(at / PAGE_SIZE));
      if (page === undefined) this.image.read(at, target.subarray(done, done + length));
      else target.set(page.bytes.subarray(offset, offset + length), done);
      done += length;
    }
  }

  words(pfn: number): Uint32Array {
    const page = this.#page(pfn);
    if (page === undefined) throw new FaultError('physical', pfn * PAGE_SIZE, 'not-in-dump');
    return page.words;
  }

  /** Undefined where the page is not in the dump as a whole. */
  #page(pfn: number): Page | undefined {
    const kept = this.#pages.get(pfn);
    if (kept !== undefined) return kept;
    const bytes = new Uint8Array(PAGE_SIZE);
    try {
      this.image.read(pfn * PAGE_SIZE, bytes);
    } catch (error) {
      if (error instanceof FaultError) return undefined;
      throw error;
    }
    const page = { bytes, words: new Uint32Array(bytes.buffer) };
    this.#pages.set(pfn, page);
    return page;
  }
}
