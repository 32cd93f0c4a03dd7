/**
 * Physical memory with its recently used pages kept. Keys are page frame numbers; a page is held as bytes and as the
 * 32-bit words that page-table walks want.
 *
 * Pages that the dump's filter left out are faults, or zero where the user wants that; then it is counted which were,
 * so that what was made of them can be marked.
 */

import { LRUCache } from 'lru-cache';
import { PAGE_SIZE } from '../base/addr.ts';
import type { PageTableMemory } from '../arch/architecture.ts';
import type { DumpImage } from '../formats/dump-image.ts';
import { FaultError, InternalError } from '../base/errors.ts';

interface Page {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  /** Left out of the dump, and zero since the user wants that. */
  readonly zeroed: boolean;
}

export interface MemoryOptions {
  /** How much memory the kept pages may take. */
  readonly cacheBytes?: number;
  /** Whether pages that the filter left out are zero. */
  readonly zeroExcluded?: boolean;
}

/** How many pages were read as zero though the dump leaves them out. */
export interface ZeroedPages {
  /** Since this was last asked. */
  readonly now: number;
  /** Since the dump was opened. */
  readonly ever: number;
}

const DEFAULT_CACHE_BYTES = 64 << 20;

/** Reads of at least this many bytes go to the dump directly and leave the kept pages alone. */
const BYPASS_SIZE = 4 * PAGE_SIZE;
const FEWEST_PAGES = 16;
/** What is kept with each page: two views, an object, a place in the list. */
const PAGE_OVERHEAD = 512;

export class PhysicalMemory implements PageTableMemory {
  readonly image: DumpImage;
  readonly zeroExcluded: boolean;
  readonly #pages: LRUCache<number, Page>;
  /** The frames that were zeroed, ever and since they were last asked for. */
  readonly #zeroed = new Set<number>();
  #zeroedNow = new Set<number>();

  constructor(image: DumpImage, options: MemoryOptions = {}) {
    this.image = image;
    this.zeroExcluded = options.zeroExcluded ?? false;
    const wanted = Math.floor((options.cacheBytes ?? DEFAULT_CACHE_BYTES) / (PAGE_SIZE + PAGE_OVERHEAD));
    const most = Math.min(wanted, Math.ceil(image.end / PAGE_SIZE));
    this.#pages = new LRUCache({ max: Math.max(FEWEST_PAGES, most) });
  }

  /** Fills `target`. Throws FaultError, with the reason, where any byte of it is not in the dump. */
  read(address: number, target: Uint8Array): void {
    if (target.length >= BYPASS_SIZE && this.#readPast(address, target)) return;
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
    if (page !== undefined) return page.words;
    this.image.read(pfn * PAGE_SIZE, new Uint8Array(PAGE_SIZE));
    throw new InternalError(`page frame ${pfn} can be read now and could not before`);
  }

  /** Asking begins anew. */
  takeZeroed(): ZeroedPages {
    const now = this.#zeroedNow.size;
    if (now > 0) this.#zeroedNow = new Set();
    return { now, ever: this.#zeroed.size };
  }

  /** Whether the dump has all of it. Pages that are to be zero are met one by one. */
  #readPast(address: number, target: Uint8Array): boolean {
    try {
      this.image.read(address, target);
      return true;
    } catch (error) {
      if (this.zeroExcluded && error instanceof FaultError && error.why === 'excluded') return false;
      throw error;
    }
  }

  /** Undefined where the page is not in the dump as a whole. */
  #page(pfn: number): Page | undefined {
    let page = this.#pages.get(pfn);
    if (page === undefined) {
      const bytes = new Uint8Array(PAGE_SIZE);
      const there = this.#readPage(pfn, bytes);
      if (there === undefined) return undefined;
      page = { bytes, words: new Uint32Array(bytes.buffer), zeroed: there === 'zeroed' };
      this.#pages.set(pfn, page);
    }
    if (page.zeroed) {
      this.#zeroed.add(pfn);
      this.#zeroedNow.add(pfn);
    }
    return page;
  }

  #readPage(pfn: number, bytes: Uint8Array): 'read' | 'zeroed' | undefined {
    try {
      this.image.read(pfn * PAGE_SIZE, bytes);
      return 'read';
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      if (!this.zeroExcluded || error.why !== 'excluded') return undefined;
      bytes.fill(0);
      return 'zeroed';
    }
  }
}
