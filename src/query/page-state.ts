/** What struct page says of a page of memory. */

import { PAGE_SIZE, physAddr, type PhysAddr, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { pagesOf } from '../kernel/pages.ts';
import { pageUseOf } from '../kernel/page-flags.ts';

export interface PageState {
  /** struct page. */
  readonly page: VirtAddr;
  readonly physical: PhysAddr;
  readonly mapping: bigint;
  readonly index: bigint;
  readonly count: number;
  readonly flags: bigint;
  /** Without "PG_", lowest bit first. */
  readonly flagNames: readonly string[];
}

/**
 * The page of a physical address. Throws where its struct page cannot be read.
 * Probes: `__folio_index` (acc53a0b4c15, v6.16) or `index`.
 */
export function readPageState(kernel: Kernel, physical: number): PageState {
  const pages = pagesOf(kernel);
  const view = kernel.struct('page', pages.pageOf(Math.floor(physical / PAGE_SIZE)));
  const index = ['__folio_index', 'index'].find((member) => view.has(member));
  const flags = pages.flagsOf(view.address);
  return {
    page: view.address,
    physical: physAddr(Math.floor(physical / PAGE_SIZE) * PAGE_SIZE),
    mapping: view.integer('mapping'),
    index: index === undefined ? 0n : view.integer(index),
    count: attempt(() => view.number('_refcount.counter')) ?? 0,
    flags,
    flagNames: pageUseOf(kernel).flagNames(flags),
  };
}
