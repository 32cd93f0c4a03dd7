/** The kernel image as page tables map it: which page tables there are, and what of the image area they lead to. */

import { addVirt, hi32, lo32, PAGE_SIZE, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { PageTables } from '../arch/architecture.ts';
import {
  CR3_ROOT_MASK,
  CR3_USER_HALF,
  CR4_LA57,
  KASLR_STEP,
  KERNEL_IMAGE_SIZE,
  START_KERNEL_MAP,
} from '../arch/x86-64/layout.ts';
import type { DumpImage } from '../formats/dump-image.ts';

/** The kernel's own page tables, newest spelling first. */
export const rootSymbols = ['init_top_pgt', 'swapper_pg_dir', 'init_level4_pgt'];

export interface ProcessorRoot {
  /** Physical address of the top table. */
  readonly root: number;
  readonly levels: number;
  readonly idtBase: bigint;
}

/**
 * Where the CPUs' page tables begin, each once. With page-table isolation bit 12 of CR3 tells the user's half, to be
 * cleared; without it, it is a part of the address.
 */
export function processorRoots(image: DumpImage): ProcessorRoot[] {
  const roots = new Map<number, ProcessorRoot>();
  for (const { qemu } of image.cpus) {
    if (qemu === undefined) continue;
    const levels = (qemu.cr4 & CR4_LA57) === 0n ? 4 : 5;
    for (const mask of [CR3_ROOT_MASK, CR3_ROOT_MASK | CR3_USER_HALF]) {
      const root = Number(qemu.cr3 & mask);
      if (!roots.has(root)) roots.set(root, { root, levels, idtBase: qemu.idtBase });
    }
  }
  return [...roots.values()];
}

/** The first place of the image area that page tables map: where the kernel begins. */
export function firstMapped(tables: PageTables): { address: VirtAddr; physical: number } | undefined {
  for (let offset = 0; offset < KERNEL_IMAGE_SIZE; offset += KASLR_STEP) {
    const address = virtAddr(START_KERNEL_MAP + BigInt(offset));
    const physical = attempt(() => tables.translate(hi32(address), lo32(address)));
    if (physical !== undefined && physical >= 0) return { address, physical };
  }
  return undefined;
}

export interface ImageRange {
  readonly start: VirtAddr;
  readonly end: VirtAddr;
  /** Physical address of START_KERNEL_MAP, were it mapped like the image. */
  readonly physBase: bigint;
}

/**
 * The kernel image: what is mapped as its first page is, as one piece of physical memory. Modules may follow in the
 * same area; theirs are pages from anywhere. Parts of the image that were freed may be unmapped.
 */
export function imageRange(tables: PageTables): ImageRange | undefined {
  const first = firstMapped(tables);
  if (first === undefined) return undefined;
  const start = pageOf(START_KERNEL_MAP);
  const offset = first.physical / PAGE_SIZE - pageOf(first.address);
  let end = 0;
  const runs = tables.mappings(pageOf(first.address), start + KERNEL_IMAGE_SIZE / PAGE_SIZE, () => undefined);
  for (const { page, physicalAddress, pages } of runs)
    if (physicalAddress / PAGE_SIZE - page === offset) end = Math.max(end, page + pages);
  return {
    start: first.address,
    end: addVirt(first.address, (end - pageOf(first.address)) * PAGE_SIZE),
    physBase: BigInt(first.physical) - (first.address - START_KERNEL_MAP),
  };
}

function pageOf(address: VirtAddr): number {
  return Number(address >> 12n);
}
