/**
 * The regions of the kernel's address space that memory is looked for in: kernel
 * Documentation/arch/x86/x86_64/mm.rst. What is mapped in them, the page tables tell.
 *
 * Probes: `page_offset_base`, `vmalloc_base`, `vmemmap_base` hold where KASLR or 5-level paging moved the large ones
 * (021182e52fe0, v4.8; 5-level paging since v4.17); without them they are at fixed places.
 */

import { virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { MODULES_END, regionBases, START_KERNEL_MAP } from '../arch/x86-64/layout.ts';
import type { Kernel } from './kernel.ts';

const LARGE_PAGE = 0x20_0000n;

export interface KernelRegion {
  readonly kind: 'direct map' | 'vmalloc' | 'vmemmap' | 'image' | 'modules';
  readonly start: VirtAddr;
  readonly end: VirtAddr;
}

/** Ascending. The fixed maps, the CPU entry areas and KASAN's shadow are left out: what is in them is in these, too. */
export function kernelRegions(kernel: Kernel): KernelRegion[] {
  const fixed = regionBases(kernel.target.load.paging.levels);
  const directMap = pointerIn(kernel, 'page_offset_base') ?? fixed.directMap;
  const vmalloc = pointerIn(kernel, 'vmalloc_base') ?? fixed.vmalloc;
  const vmemmap = pointerIn(kernel, 'vmemmap_base') ?? fixed.vmemmap;
  const imageStart = kernel.addressOf('_text') ?? kernel.addressOf('_stext') ?? START_KERNEL_MAP;
  const imageEnd = upToLargePage(kernel.addressOf('_end') ?? imageStart);
  const bounds: readonly (readonly [KernelRegion['kind'], bigint, bigint])[] = [
    ['direct map', directMap, vmalloc],
    ['vmalloc', vmalloc, vmemmap],
    ['vmemmap', vmemmap, vmemmap + fixed.vmemmapSize],
    ['image', imageStart, imageEnd],
    ['modules', imageEnd, MODULES_END],
  ];
  return bounds
    .filter(([, start, end]) => start < end)
    .map(([kind, start, end]) => ({ kind, start: virtAddr(start), end: virtAddr(end) }));
}

/** The kernel unmaps what is behind its image by whole large pages: cleanup_highmap. */
function upToLargePage(address: bigint): bigint {
  return ((address + LARGE_PAGE - 1n) / LARGE_PAGE) * LARGE_PAGE;
}

function pointerIn(kernel: Kernel, name: string): bigint | undefined {
  const symbol = kernel.addressOf(name);
  const value = symbol && attempt(() => kernel.memory.pointer(symbol));
  return value === undefined || value < regionBases(5).directMap ? undefined : value;
}
