/**
 * Fixed points of the x86-64 kernel's address space: kernel Documentation/arch/x86/x86_64/mm.rst.
 */

import { virtAddr } from '../../base/addr.ts';

/** __START_KERNEL_map: where the kernel image is mapped, at `phys_base` from physical 0. */
export const START_KERNEL_MAP = virtAddr(0xffff_ffff_8000_0000n);
/** The image mapping's size at most (KERNEL_IMAGE_SIZE with KASLR). */
export const KERNEL_IMAGE_SIZE = 1 << 30;
/** KASLR moves the image by multiples of CONFIG_PHYSICAL_ALIGN; 2 MiB is the smallest the architecture allows. */
export const KASLR_STEP = 2 << 20;
/** The lowest kernel address with 5-level paging; with 4 levels they begin higher. */
export const KERNEL_SPACE = virtAddr(0xff00_0000_0000_0000n);
/** CR3 without the PCID (bits 0–11) and without page-table isolation's user half (bit 12). */
export const CR3_ROOT_MASK = 0x000f_ffff_ffff_e000n;
export const CR3_USER_HALF = 0x1000n;
export const CR4_LA57 = 1n << 12n;
/** Where modules (and other code made at run time) end: the fixed maps begin there. */
export const MODULES_END = virtAddr(0xffff_ffff_ff00_0000n);

export interface RegionBases {
  readonly directMap: bigint;
  readonly vmalloc: bigint;
  readonly vmemmap: bigint;
  readonly vmemmapSize: bigint;
}

/**
 * Where the large regions begin without KASLR, by paging levels. The direct map is given at the lowest place it ever
 * had: it moved up by one PGD entry when the LDT was mapped below it (d52888aa2753, v4.20).
 */
export function regionBases(levels: number): RegionBases {
  return levels === 5
    ? {
        directMap: 0xff10_0000_0000_0000n,
        vmalloc: 0xffa0_0000_0000_0000n,
        vmemmap: 0xffd4_0000_0000_0000n,
        vmemmapSize: 1n << 49n,
      }
    : {
        directMap: 0xffff_8800_0000_0000n,
        vmalloc: 0xffff_c900_0000_0000n,
        vmemmap: 0xffff_ea00_0000_0000n,
        vmemmapSize: 1n << 40n,
      };
}

/** Parts of the address space that are at the same place with 4 and 5 levels; ends are exclusive. */
export const fixedRegions: readonly { readonly name: string; readonly start: bigint; readonly end: bigint }[] = [
  { name: 'cpu_entry_area', start: 0xffff_fe00_0000_0000n, end: 0xffff_fe80_0000_0000n },
  { name: 'the ESPFIX stacks', start: 0xffff_ff00_0000_0000n, end: 0xffff_ff80_0000_0000n },
  { name: 'the EFI runtime services', start: 0xffff_ffef_0000_0000n, end: 0xffff_ffff_0000_0000n },
  { name: 'the fixmap', start: 0xffff_ffff_ff00_0000n, end: 0xffff_ffff_ff60_0000n },
  { name: 'the vsyscall page', start: 0xffff_ffff_ff60_0000n, end: 0xffff_ffff_ff60_1000n },
];
