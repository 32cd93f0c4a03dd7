/**
 * Free pages of the page allocator: blocks of 2^order pages of which the first is marked and tells the order. Kernel
 * mm/page_alloc.c, include/linux/page-flags.h (PageBuddy). Pages that CPUs keep at hand (pcp lists) bear no mark.
 */

import { addVirt } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { offsetOf } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';
import { pageUseOf } from './page-flags.ts';
import { pagesOf } from './pages.ts';

export interface FreeBlock {
  /** The first page's frame. */
  readonly frame: number;
  /** It has 2^order pages. */
  readonly order: number;
}

/** MAX_ORDER is 10 by default, and no architecture has more than this. */
const LARGEST_ORDER = 20;

/** The free block a page is in; undefined where it is in none, or that cannot be told. */
export function freeBlockOf(kernel: Kernel, frame: number): FreeBlock | undefined {
  const pages = pagesOf(kernel);
  const use = pageUseOf(kernel);
  return attempt(() => {
    const privateAt = offsetOf(kernel.types.struct('page'), 'private');
    for (let order = 0; order <= LARGEST_ORDER; order++) {
      const first = frame - (frame % 2 ** order);
      const page = pages.pageOf(first);
      if (use.isFree(page) !== true) continue;
      const itsOrder = Number(kernel.memory.u64(addVirt(page, privateAt)));
      return itsOrder >= order && itsOrder <= LARGEST_ORDER ? { frame: first, order: itsOrder } : undefined;
    }
    return undefined;
  });
}
