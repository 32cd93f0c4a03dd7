/**
 * Pages of physical memory: direct map, frame numbers, struct page and back. Kernel include/linux/mm_types.h,
 * page-flags.h; Documentation/arch/x86/x86_64/mm.rst.
 *
 * Probes: `page_offset_base`, `vmemmap_base` (KASLR of memory regions), or the fixed places, tried by the page tables.
 * A tail page's `compound_info` (fc3f334ce2b9, v7.1) is the mask that leads from its struct page to the head's, or
 * the head's address, as `compound_head` was (1d798ca3f164, v4.4); bit 0 marks a tail in each.
 */

import { addVirt, PAGE_SIZE, virtAddr, type PhysAddr, type VirtAddr } from '../base/addr.ts';
import { attempt, FormatError, LookupError } from '../base/errors.ts';
import { KERNEL_SPACE } from '../arch/x86-64/layout.ts';
import { sizeOf, type CompoundType } from '../debuginfo/types/type.ts';
import { firstMember, offsetOf } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';
import { oncePerKernel } from './once-per-kernel.ts';

/** Where the direct map begins without KASLR: since d52888aa2753 (v4.20), and before; 4 and 5 levels. */
const directMapPlaces: Readonly<Record<number, readonly bigint[]>> = {
  4: [0xffff_8880_0000_0000n, 0xffff_8800_0000_0000n],
  5: [0xff11_0000_0000_0000n, 0xff10_0000_0000_0000n],
};
const vmemmapPlaces: Readonly<Record<number, bigint>> = { 4: 0xffff_ea00_0000_0000n, 5: 0xffd4_0000_0000_0000n };
/** 52 bits of physical address. */
const MOST_FRAMES = 2 ** 40;
/** A mask leaves at most this much of an address away: far more than the struct pages of a huge page. */
const LARGEST_MASKED = 1n << 40n;

export class Pages {
  readonly #kernel: Kernel;
  /** The direct map: [start, end). Empty where it is not known. */
  readonly start: bigint;
  readonly end: bigint;
  /** The array of struct page: [mapStart, mapEnd). Empty where it is not known. */
  readonly mapStart: bigint;
  readonly mapEnd: bigint;
  /** One more than the last page frame there is. */
  readonly frames: number;
  readonly structSize: number;
  readonly #flagsAt: number;
  readonly #compoundAt: number | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    const type = kernel.types.compound('struct', 'page');
    const frames = frameCount(kernel);
    this.frames = frames;
    this.structSize = type === undefined ? 0 : sizeOf(type);
    this.start = attempt(() => directMapStart(kernel)) ?? 0n;
    this.end = this.start === 0n ? 0n : this.start + BigInt(frames) * BigInt(PAGE_SIZE);
    this.mapStart = (type && attempt(() => vmemmapStart(kernel))) ?? 0n;
    this.mapEnd = this.mapStart === 0n ? 0n : this.mapStart + BigInt(frames * this.structSize);
    this.#flagsAt = (type && attempt(() => offsetOf(type, 'flags'))) ?? 0;
    this.#compoundAt = type && compoundMember(type);
  }

  inDirectMap(address: VirtAddr): boolean {
    return address >= this.start && address < this.end;
  }

  /** The frame of an address in the direct map; undefined for any other. */
  frameOf(address: VirtAddr): number | undefined {
    return this.inDirectMap(address) ? Number((address - this.start) >> 12n) : undefined;
  }

  /** Where the direct map has a frame. Throws where it is not known where that is. */
  addressOf(frame: number): VirtAddr {
    if (this.start === 0n) {
      directMapStart(this.#kernel);
      throw new LookupError('symbol', 'page_offset_base');
    }
    return virtAddr(this.start + BigInt(frame) * BigInt(PAGE_SIZE));
  }

  /** The struct page of a frame. Throws where it is not known where they are. */
  pageOf(frame: number): VirtAddr {
    if (this.mapStart === 0n) {
      this.#kernel.structType('page');
      vmemmapStart(this.#kernel);
      throw new LookupError('symbol', 'vmemmap_base');
    }
    return virtAddr(this.mapStart + BigInt(frame * this.structSize));
  }

  /** The frame whose struct page an address is in; undefined where it is in none. */
  frameOfPage(address: VirtAddr): number | undefined {
    if (address < this.mapStart || address >= this.mapEnd) return undefined;
    return Math.floor(Number(address - this.mapStart) / this.structSize);
  }

  /** The head of the compound page that a page is part of; the page itself where it is of none. Throws FaultError. */
  headOf(page: VirtAddr): VirtAddr {
    if (this.#compoundAt === undefined) return page;
    const info = this.#kernel.memory.u64(addVirt(page, this.#compoundAt));
    if ((info & 1n) === 0n) return page;
    const rest = info - 1n;
    const masked = BigInt.asUintN(64, -rest);
    const isMask = masked !== 0n && masked < LARGEST_MASKED && (masked & (masked - 1n)) === 0n;
    return virtAddr(isMask ? page & rest : rest);
  }

  /** page->flags, an unsigned long or a struct around one (53fbef56e07d, v6.18). Throws FaultError. */
  flagsOf(page: VirtAddr): bigint {
    return this.#kernel.memory.u64(addVirt(page, this.#flagsAt));
  }
}

/** What is known of a kernel's pages, read once. */
export const pagesOf = oncePerKernel((kernel) => new Pages(kernel));

/** struct page of a physical address. Throws where the array of them is not known. */
export function pageOf(kernel: Kernel, physical: PhysAddr | number): VirtAddr {
  return pagesOf(kernel).pageOf(Math.floor(physical / PAGE_SIZE));
}

/** One more than the last frame there is: max_pfn, else what the dump holds. */
function frameCount(kernel: Kernel): number {
  const symbol = kernel.addressOf('max_pfn');
  const kept = symbol && attempt(() => Number(kernel.memory.u64(symbol)));
  if (kept !== undefined && kept > 0 && kept < MOST_FRAMES) return kept;
  return Math.ceil(kernel.target.image.end / PAGE_SIZE);
}

function directMapStart(kernel: Kernel): bigint | undefined {
  const kept = keptBase(kernel, 'page_offset_base');
  if (kept !== undefined) return kept;
  const { root, levels } = kernel.target.load.paging;
  return directMapPlaces[levels]?.find(
    (place) => attempt(() => kernel.memory.translate(virtAddr(place + BigInt(root)))) === root,
  );
}

function vmemmapStart(kernel: Kernel): bigint | undefined {
  return keptBase(kernel, 'vmemmap_base') ?? vmemmapPlaces[kernel.target.load.paging.levels];
}

/** What the kernel keeps of where a region begins; undefined where it keeps nothing. Throws where it is damaged. */
function keptBase(kernel: Kernel, name: string): bigint | undefined {
  const symbol = kernel.addressOf(name);
  if (symbol === undefined) return undefined;
  const base = kernel.memory.pointer(symbol);
  if (base < KERNEL_SPACE || base % BigInt(PAGE_SIZE) !== 0n)
    throw new FormatError(name, `${base.toString(16)} is no place for a region of the kernel's address space`);
  return base;
}

function compoundMember(type: CompoundType): number | undefined {
  const member = firstMember(type, ['compound_info', 'compound_head']);
  return member === undefined ? undefined : offsetOf(type, member);
}
