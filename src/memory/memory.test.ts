/** Physical and virtual memory: the cache and what passes it by, faults, strings over page ends. */

import { describe, expect, it } from 'vitest';
import { PageTableBuilder, PhysicalPages } from '../../test/builders/page-tables.ts';
import { rangesOf } from '../../test/builders/ranges.ts';
import { encode } from '../../test/builders/byte-writer.ts';
import { virtAddr } from '../base/addr.ts';
import { FaultError } from '../base/errors.ts';
import { x86_64 } from '../arch/x86-64/index.ts';
import type { DumpImage } from '../formats/dump-image.ts';
import { AddressSpace } from './address-space.ts';
import { PhysicalMemory } from './physical-memory.ts';
import { imageInMemory } from './sparse.ts';
import { VirtualSource } from './virtual-source.ts';

function counting(image: DumpImage): DumpImage & { reads: number } {
  const counted = {
    ...image,
    reads: 0,
    read(address: number, target: Uint8Array): void {
      counted.reads++;
      image.read(address, target);
    },
  };
  return counted;
}

function pattern(pages: PhysicalPages, from: number, count: number): void {
  for (let index = 0; index < count; index++) pages.page(from + index * 4096).fill(index + 1);
}

describe('physical memory', () => {
  it('asks the dump once for a page, and not at all for what it has', () => {
    const pages = new PhysicalPages();
    pattern(pages, 0x1000, 2);
    const image = counting(pages.image());
    const memory = new PhysicalMemory(image);
    const target = new Uint8Array(8);
    for (let times = 0; times < 5; times++) memory.read(0x1ffc, target);
    expect([...target]).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
    expect(image.reads).toBe(2);
    memory.words(1);
    expect(image.reads).toBe(2);
  });

  it('lets large reads pass by the cache', () => {
    const pages = new PhysicalPages();
    pattern(pages, 0, 8);
    const image = counting(pages.image());
    const memory = new PhysicalMemory(image);
    const target = new Uint8Array(5 * 4096);
    memory.read(100, target);
    expect(image.reads).toBe(1);
    expect(target[0]).toBe(1);
    expect(target.at(-1)).toBe(6);
    memory.read(0, new Uint8Array(8));
    expect(image.reads).toBe(2);
  });

  it('gives what there is of a page that is not there as a whole', () => {
    const image: DumpImage = {
      ...new PhysicalPages().image(),
      ...rangesOf([0x1000, 100]),
      read: (address, target) => {
        if (address < 0x1000 || address + target.length > 0x1064)
          throw new FaultError('physical', address, 'not-in-dump');
        target.fill(7);
      },
    };
    const memory = new PhysicalMemory(image);
    const target = new Uint8Array(4);
    memory.read(0x1060, target);
    expect([...target]).toEqual([7, 7, 7, 7]);
    expect(() => memory.read(0x1061, target)).toThrow(FaultError);
    expect(() => memory.words(1)).toThrow(FaultError);
  });

  it('has the reason where a page is not there, and zeros that are counted where the user wants those', () => {
    const pages = new PhysicalPages();
    pattern(pages, 0, 8);
    const filtered: DumpImage = {
      ...pages.image(),
      read: (address, target) => {
        if (address < 0x3000 && address + target.length > 0x2000) throw new FaultError('physical', address, 'excluded');
        if (address + target.length > 0x7000) throw new FaultError('physical', address, 'incomplete');
        pages.image().read(address, target);
      },
    };
    const target = new Uint8Array(8);
    const honest = new PhysicalMemory(filtered);
    expect(() => honest.read(0x2004, target)).toThrow('page excluded');
    expect(() => honest.words(2)).toThrow('page excluded');
    expect(honest.takeZeroed()).toEqual({ now: 0, ever: 0 });

    const zeroing = new PhysicalMemory(filtered, { zeroExcluded: true });
    zeroing.read(0x1000, target);
    expect(zeroing.takeZeroed()).toEqual({ now: 0, ever: 0 });
    zeroing.read(0x1ffc, target);
    expect([...target.subarray(4)]).toEqual([0, 0, 0, 0]);
    expect(target[0]).not.toBe(0);
    expect(zeroing.takeZeroed()).toEqual({ now: 1, ever: 1 });
    expect(zeroing.takeZeroed()).toEqual({ now: 0, ever: 1 });
    expect(zeroing.words(2)[5]).toBe(0);
    const large = new Uint8Array(0x5000);
    zeroing.read(0x1000, large);
    expect(large[0x1fff]).toBe(0);
    expect(large[0x2000]).not.toBe(0);
    expect(zeroing.takeZeroed()).toEqual({ now: 1, ever: 1 });
    expect(() => zeroing.read(0x7000, target)).toThrow('cut off');
  });

  it('drops pages when there are too many, and reads them again', () => {
    const pages = new PhysicalPages();
    pattern(pages, 0, 40);
    const image = counting(pages.image());
    const memory = new PhysicalMemory(image, { cacheBytes: 16 * 4096 });
    const target = new Uint8Array(1);
    for (let page = 0; page < 40; page++) memory.read(page * 4096, target);
    memory.read(0, target);
    expect(target[0]).toBe(1);
    expect(image.reads).toBe(41);
  });
});

const BASE = 0xffff_8880_0000_0000n;

function space(): { space: AddressSpace; pages: PhysicalPages; tables: PageTableBuilder } {
  const pages = new PhysicalPages();
  const tables = new PageTableBuilder(pages, 4);
  // Three pages in memory in another order; the fourth is not mapped; the fifth is mapped and not in the dump.
  for (const [index, frame] of [0x9000, 0x7000, 0x8000].entries()) {
    pages.page(frame).fill(index + 1);
    tables.map(BASE + BigInt(index) * 4096n, frame);
  }
  tables.map(BASE + 4n * 4096n, 0x5_0000_0000);
  const physical = new PhysicalMemory(pages.image());
  return {
    space: new AddressSpace('kernel virtual', physical, x86_64.pageTables(physical, tables.mode)),
    pages,
    tables,
  };
}

describe('the image of a kernel in memory', () => {
  it('has what can be read; what is not mapped, or not in the dump, is missing', () => {
    const { space: memory } = space();
    const image = imageInMemory(memory, virtAddr(BASE), virtAddr(BASE + 6n * 4096n));
    expect(image.read(virtAddr(BASE + 4094n), 4)).toEqual({ bytes: Uint8Array.of(1, 1, 2, 2), gaps: [] });
    const { bytes, gaps } = image.read(virtAddr(BASE), 6 * 4096);
    expect(gaps).toEqual([{ start: 3 * 4096, end: 6 * 4096 }]);
    expect([bytes[0], bytes[4096], bytes[8192], bytes[3 * 4096]]).toEqual([1, 2, 3, 0]);
    expect(image.read(virtAddr(BASE + 3n * 4096n - 2n), 4)).toEqual({
      bytes: Uint8Array.of(3, 3, 0, 0),
      gaps: [{ start: 2, end: 4 }],
    });
    expect(image.read(virtAddr(0), 8).gaps).toEqual([{ start: 0, end: 8 }]);
  });
});

describe('an address space', () => {
  it('reads over the ends of pages', () => {
    const { space: memory } = space();
    expect([...memory.bytes(virtAddr(BASE + 4094n), 4)]).toEqual([1, 1, 2, 2]);
    expect(memory.u64(virtAddr(BASE + 8188n))).toBe(0x0303_0303_0202_0202n);
    expect(memory.pointer(virtAddr(BASE + 8188n))).toBe(0x0303_0303_0202_0202n);
    expect(memory.translate(virtAddr(BASE + 4097n))).toBe(0x7001);
  });

  it('reads integers with their signs', () => {
    const { space: memory, pages } = space();
    pages.write(0x9000, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe));
    const at = virtAddr(BASE);
    expect([memory.u8(at), memory.u16(at), memory.u32(at), memory.s32(at)]).toEqual([255, 65_535, 4_294_967_295, -1]);
    expect(memory.u64(at)).toBe(0xfeff_ffff_ffff_ffffn);
  });

  it('faults with the first address that cannot be read, and why', () => {
    const { space: memory } = space();
    expect(() => memory.bytes(virtAddr(BASE + 3n * 4096n - 1n), 2)).toThrow(
      'kernel virtual address ffff888000003000: not mapped',
    );
    expect(() => memory.u8(virtAddr(BASE + 4n * 4096n + 5n))).toThrow(
      'kernel virtual address ffff888000004005: not in the dump',
    );
    expect(() => memory.u8(virtAddr(0n))).toThrow(FaultError);
  });

  it('wraps at the end of the address space and faults there', () => {
    const { space: memory } = space();
    expect(() => memory.u64(virtAddr(0xffff_ffff_ffff_fffcn))).toThrow(FaultError);
  });

  it('reads strings over page ends, to their limit, and to where memory ends', () => {
    const { space: memory, pages } = space();
    const long = 'x'.repeat(5000);
    pages.write(0x9000, encode(long.slice(0, 4096)));
    pages.write(0x7000, encode(`${long.slice(4096)}\0`));
    expect(memory.string(virtAddr(BASE), 10_000)).toBe(long);
    expect(memory.string(virtAddr(BASE))).toBe('x'.repeat(4096));
    expect(memory.string(virtAddr(BASE), 10)).toBe('x'.repeat(10));
    expect(memory.string(virtAddr(BASE + 5000n))).toBe('');
    pages.page(0x8000).fill(0x79);
    expect(memory.string(virtAddr(BASE + 3n * 4096n - 600n))).toBe('y'.repeat(600));
    expect(() => memory.string(virtAddr(BASE + 3n * 4096n))).toThrow(FaultError);
    expect(memory.string(virtAddr(BASE), 0)).toBe('');
  });

  it('is a source of bytes in parts', () => {
    const { space: memory } = space();
    const source = new VirtualSource('table', memory, virtAddr(BASE + 4090n), 10);
    const target = new Uint8Array(20);
    expect(source.readInto(4, target)).toBe(6);
    expect([...target.subarray(0, 7)]).toEqual([1, 1, 2, 2, 2, 2, 0]);
    expect(source.readInto(10, target)).toBe(0);
  });
});
