/** x86-64 page tables: every page size and level, SME, and `translate` against `walk`. */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { halves } from '../../../test/builders/kernel.ts';
import { PageTableBuilder, PhysicalPages } from '../../../test/builders/page-tables.ts';
import { virtAddr } from '../../base/addr.ts';
import { FaultError } from '../../base/errors.ts';
import type { MappedRun, PageTables } from '../architecture.ts';
import { X64PageTables } from './page-tables.ts';

const MIB2 = 0x20_0000;
const GIB = 0x4000_0000;
const SME = 1n << 47n;

function tablesOf(levels: 4 | 5, mask = 0n): { pages: PhysicalPages; build: PageTableBuilder; tables: PageTables } {
  const pages = new PhysicalPages();
  const build = new PageTableBuilder(pages, levels, mask);
  return { pages, build, tables: new X64PageTables(pages, build.mode) };
}

describe.each([
  [4, 0n],
  [5, 0n],
  [4, SME],
  [5, SME],
] as const)('%i levels, encryption mask %s', (levels, mask) => {
  const { build, tables } = tablesOf(levels, mask);
  const high = 0x7f_ffff_f000; // above 4 GiB, below the mask
  build.map(0xffff_8880_0000_1000n, high);
  build.map(0xffff_ffff_8100_0000n, 5 * MIB2, MIB2);
  build.map(0xffff_8881_0000_0000n - 0xc000_0000n, 300 * GIB, GIB);
  build.map(0xffff_ffff_ffff_f000n, 0x8000_0000);
  if (levels === 5) build.map(0xff11_0000_0000_0000n, 0xabcd_e000);

  it('translates 4 KiB, 2 MiB and 1 GiB pages', () => {
    expect(tables.translate(...halves(0xffff_8880_0000_1fffn))).toBe(high + 0xfff);
    expect(tables.translate(...halves(0xffff_ffff_811a_bcden))).toBe(5 * MIB2 + 0x1a_bcde);
    expect(tables.translate(...halves(0xffff_8880_4000_0000n + 0x3fff_fffen))).toBe(300 * GIB + 0x3fff_fffe);
    expect(tables.translate(...halves(0xffff_ffff_ffff_ffffn))).toBe(0x8000_0fff);
    if (levels === 5) expect(tables.translate(...halves(0xff11_0000_0000_0123n))).toBe(0xabcd_e123);
  });

  it('says what is not mapped at every level', () => {
    for (const address of [
      0xffff_8880_0000_2000n,
      0xffff_8880_0020_0000n,
      0xffff_8882_0000_0000n,
      0xffff_9000_0000_0000n,
      0n,
    ]) {
      expect(tables.translate(...halves(address))).toBe(-1);
      expect(tables.walk(virtAddr(address)).physicalAddress).toBeUndefined();
    }
  });

  it('walks over every entry', () => {
    const names = levels === 5 ? ['PGD', 'P4D', 'PUD', 'PMD', 'PTE'] : ['PGD', 'PUD', 'PMD', 'PTE'];
    const small = tables.walk(virtAddr(0xffff_8880_0000_1008n));
    expect(small.entries.map((entry) => entry.level)).toEqual(names);
    expect(small.pageSize).toBe(4096);
    expect(small.entries.at(-1)?.value).toBe(BigInt(high) | 0x8000_0000_0000_0063n | mask);
    expect(small.entries[0]?.physicalAddress).toBe(
      build.mode.root + Number((0xffff_8880_0000_1008n >> BigInt(12 + 9 * (levels - 1))) & 511n) * 8,
    );
    const middle = tables.walk(virtAddr(0xffff_ffff_8100_0001n));
    expect(middle.entries.map((entry) => entry.level)).toEqual(names.slice(0, -1));
    expect(middle.pageSize).toBe(MIB2);
    const large = tables.walk(virtAddr(0xffff_8880_4000_0000n));
    expect(large.entries.map((entry) => entry.level)).toEqual(names.slice(0, -2));
    expect(large.pageSize).toBe(GIB);
  });
});

describe('translate', () => {
  it('equals walk, and what was mapped, for any address', () => {
    const page = fc.record({
      address: fc.bigInt({ min: 0n, max: (1n << 57n) - 1n }),
      physical: fc.integer({ min: 0, max: 2 ** 46 - 1 }),
      size: fc.constantFrom(4096 as const, MIB2 as 0x20_0000, GIB as 0x4000_0000),
      offset: fc.nat(),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(4 as const, 5 as const),
        fc.constantFrom(0n, SME),
        page,
        (levels, mask, { address, physical, size, offset }) => {
          const { build, tables } = tablesOf(levels, mask);
          const from = address - (address % BigInt(size));
          const to = physical - (physical % size);
          build.map(from, to, size);
          const at = from + BigInt(offset % size);
          expect(tables.translate(...halves(at))).toBe(to + (offset % size));
          expect(tables.walk(virtAddr(at)).physicalAddress).toBe(to + (offset % size));
          expect(tables.walk(virtAddr(at)).pageSize).toBe(size);
        },
      ),
    );
  });

  it('ignores the PAT bit of large pages and the bits above the address', () => {
    const { build, tables, pages } = tablesOf(4);
    build.map(0xffff_ffff_8000_0000n, 3 * MIB2, MIB2, 0xfff0_0000_0000_1063n);
    expect(tables.translate(...halves(0xffff_ffff_8000_0042n))).toBe(3 * MIB2 + 0x42);
    expect(pages.readWord(build.mode.root + 511 * 8) & 1n).toBe(1n);
  });

  it('throws FaultError where a table is not in the dump', () => {
    const { build, tables, pages } = tablesOf(4);
    build.map(0x1000n, 0x5000);
    pages.remove(Number(pages.readWord(build.mode.root) & 0x000f_ffff_ffff_f000n));
    expect(() => tables.translate(0, 0x1000)).toThrow(FaultError);
    expect(() => tables.walk(virtAddr(0x1000n))).toThrow(FaultError);
  });

  it('ends on tables that lead to themselves', () => {
    const pages = new PhysicalPages();
    const build = new PageTableBuilder(pages, 5);
    for (let index = 0; index < 512; index++)
      pages.writeWord(build.mode.root + index * 8, BigInt(build.mode.root) | 1n);
    const tables = new X64PageTables(pages, build.mode);
    expect(tables.translate(...halves(0xffff_ffff_ffff_ffffn))).toBe(build.mode.root + 0xfff);
    expect(tables.walk(virtAddr(0n)).entries).toHaveLength(5);
  });
});

describe('mappings', () => {
  const FIRST = 0xf_f000_0000_0000; // below the upper half of both, in pages
  const LAST = 2 ** 52;

  function mapped(tables: PageTables, first = FIRST, end = LAST): { runs: MappedRun[]; broken: string[] } {
    const broken: string[] = [];
    const runs = [...tables.mappings(first, end, (table, why) => broken.push(`${table.toString(16)}: ${why}`))];
    return { runs, broken };
  }

  it.each([
    [4, 0n],
    [5, 0n],
    [4, SME],
    [5, SME],
  ] as const)('are every page that translates, with %i levels and mask %s, what continues as one', (levels, mask) => {
    const { build, tables } = tablesOf(levels, mask);
    build.map(0xffff_8880_0000_1000n, 0x7000);
    build.map(0xffff_8880_0000_2000n, 0x8000);
    build.map(0xffff_8880_0000_3000n, 0x7000);
    build.map(0xffff_8880_0020_0000n, 3 * MIB2, MIB2);
    build.map(0xffff_8880_0040_0000n, 4 * MIB2, MIB2);
    build.map(0xffff_8880_4000_0000n, 0x7f_c000_0000, GIB);
    build.map(0xffff_ffff_ffff_f000n, 0x1_0000_3000);
    const lowest = levels === 5 ? 0xff11_0000_0000_0000n : 0xffff_8000_0000_0000n;
    build.map(lowest, 0x2000);
    const { runs, broken } = mapped(tables);
    expect(broken).toEqual([]);
    expect(runs).toEqual([
      { page: Number(lowest >> 12n), physicalAddress: 0x2000, pages: 1 },
      { page: 0xf_fff8_8800_0001, physicalAddress: 0x7000, pages: 2 },
      { page: 0xf_fff8_8800_0003, physicalAddress: 0x7000, pages: 1 },
      { page: 0xf_fff8_8800_0200, physicalAddress: 3 * MIB2, pages: 1024 },
      { page: 0xf_fff8_8804_0000, physicalAddress: 0x7f_c000_0000, pages: 0x4_0000 },
      { page: LAST - 1, physicalAddress: 0x1_0000_3000, pages: 1 },
    ]);
    for (const { page, physicalAddress, pages } of runs) {
      expect(tables.translate(...halves(BigInt(page) << 12n))).toBe(physicalAddress);
      expect(tables.translate(...halves(BigInt(page + pages - 1) << 12n))).toBe(physicalAddress + (pages - 1) * 4096);
    }
  });

  it('are cut to the pages wanted, within large ones too', () => {
    const { build, tables } = tablesOf(4);
    build.map(0xffff_8880_0020_0000n, 3 * MIB2, MIB2);
    const base = 0xf_fff8_8800_0200;
    expect(mapped(tables, base + 5, base + 7).runs).toEqual([
      { page: base + 5, physicalAddress: 3 * MIB2 + 5 * 4096, pages: 2 },
    ]);
    expect(mapped(tables, base - 1, base + 1).runs).toEqual([{ page: base, physicalAddress: 3 * MIB2, pages: 1 }]);
    expect(mapped(tables, base + 512, base + 600).runs).toEqual([]);
    build.map(0x40_0000n, 0x9000);
    expect(mapped(tables, 0, LAST).runs).toEqual([{ page: 0x400, physicalAddress: 0x9000, pages: 1 }]);
  });

  it('leave out a table that is not in the dump, and say so', () => {
    const { build, tables, pages } = tablesOf(4);
    build.map(0xffff_8880_0000_0000n, 0x5000);
    build.map(0xffff_c900_0000_0000n, 0x6000);
    const entry = pages.readWord(build.mode.root + 0x111 * 8);
    pages.remove(Number(entry & 0x000f_ffff_ffff_f000n));
    const { runs, broken } = mapped(tables);
    expect(runs).toEqual([{ page: 0xf_fffc_9000_0000, physicalAddress: 0x6000, pages: 1 }]);
    expect(broken).toHaveLength(1);
    expect(broken[0]).toContain('not in the dump');
  });

  it('end on tables that lead to themselves', () => {
    const pages = new PhysicalPages();
    const build = new PageTableBuilder(pages, 5);
    for (let index = 0; index < 512; index++)
      pages.writeWord(build.mode.root + index * 8, BigInt(build.mode.root) | 1n);
    const { runs, broken } = mapped(new X64PageTables(pages, build.mode));
    expect(runs).toEqual([]);
    expect(broken).toHaveLength(256);
    expect(broken[0]).toContain('two entries lead to it');
  });
});
