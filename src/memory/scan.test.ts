/** Memory in windows: what continues is one, holes are passed by, and what is repeated is told. */

import { describe, expect, it } from 'vitest';
import { PhysicalPages } from '../../test/builders/page-tables.ts';
import { rangesOf } from '../../test/builders/ranges.ts';
import { virtAddr } from '../base/addr.ts';
import { FaultError } from '../base/errors.ts';
import type { DumpImage } from '../formats/dump-image.ts';
import { memoryWindows, physicalRuns, runsWithin, type MemoryRun } from './scan.ts';

const MIB = 1 << 20;

interface Seen {
  readonly address: bigint;
  readonly size: number;
  readonly repeated: number;
}

function windowsOf(image: DumpImage, runs: Iterable<MemoryRun>, unit = 8, overlap = 0): Seen[] {
  const seen: Seen[] = [];
  for (const { address, bytes, repeated } of memoryWindows(image, runs, unit, overlap))
    seen.push({ address, size: bytes.length, repeated });
  return seen;
}

const run = (address: bigint, physicalAddress: number, size: number): MemoryRun => ({
  address: virtAddr(address),
  physicalAddress,
  size,
});

/** Every byte of a page is the number of the page. */
function pagesAt(...frames: readonly number[]): DumpImage {
  const pages = new PhysicalPages();
  for (const frame of frames) pages.page(frame * 4096).fill(frame);
  return pages.image();
}

describe('windows', () => {
  it('put together what is scattered in physical memory and contiguous in addresses', () => {
    const image = pagesAt(1, 2, 3);
    const runs = [run(0x10_000n, 3 * 4096, 4096), run(0x11_000n, 4096, 4096), run(0x13_000n, 2 * 4096, 4096)];
    const contents: number[][] = [];
    for (const { bytes } of memoryWindows(image, runs, 8, 0)) contents.push([bytes[0] ?? 0, bytes.at(-1) ?? 0]);
    expect(contents).toEqual([
      [3, 1],
      [2, 2],
    ]);
    expect(windowsOf(image, runs).map(({ address }) => address)).toEqual([0x10_000n, 0x13_000n]);
  });

  it('leave out what the dump does not have: between ranges, and within one', () => {
    const image = pagesAt(1, 3);
    expect(windowsOf(image, [run(0x10_000n, 0, 5 * 4096)])).toEqual([
      { address: 0x11_000n, size: 4096, repeated: 0 },
      { address: 0x13_000n, size: 4096, repeated: 0 },
    ]);
    const filtered: DumpImage = { ...image, ...rangesOf([0, 6 * 4096]) };
    expect(windowsOf(filtered, [run(0x10_000n, 0, 5 * 4096)])).toEqual(windowsOf(image, [run(0x10_000n, 0, 5 * 4096)]));
    expect(windowsOf(filtered, [run(0x10_800n, 4096 + 0x800, 4096)])).toEqual([
      { address: 0x10_800n, size: 0x800, repeated: 0 },
    ]);
  });

  it('begin at a multiple of the unit', () => {
    const image = pagesAt(1, 2);
    expect(windowsOf(image, [run(0x1003n, 0x1003, 4096)])).toEqual([{ address: 0x1008n, size: 0xffb, repeated: 0 }]);
    expect(windowsOf(image, [run(0x1003n, 0x1003, 4)])).toEqual([]);
    expect(windowsOf(image, [run(0x1003n, 0x1003, 4)], 1)).toEqual([{ address: 0x1003n, size: 4, repeated: 0 }]);
  });

  it('repeat the end of the one they continue, and say so', () => {
    const image: DumpImage = {
      ...pagesAt(1),
      ...rangesOf([0, 3 * MIB]),
      read: (_, target) => target.fill(7),
    };
    expect(windowsOf(image, [run(0x1_0000_0000n, 0, 2 * MIB + 100)], 1, 4)).toEqual([
      { address: 0x1_0000_0000n, size: MIB + 4, repeated: 0 },
      { address: 0x1_0010_0000n, size: MIB + 4, repeated: 4 },
      { address: 0x1_0020_0000n, size: 100, repeated: 4 },
    ]);
    // Nothing follows a window that was just full.
    expect(windowsOf(image, [run(0n, 0, MIB + 4)], 1, 4)).toEqual([{ address: 0n, size: MIB + 4, repeated: 0 }]);
  });

  it('do not repeat over a hole', () => {
    const image: DumpImage = {
      ...pagesAt(1),
      ...rangesOf([0, 3 * MIB]),
      read: (address, target) => {
        if (address < MIB + 4096 && address + target.length > MIB) throw new FaultError('physical', MIB, 'excluded');
        target.fill(7);
      },
    };
    expect(windowsOf(image, [run(0n, 0, 2 * MIB)], 1, 4)).toEqual([
      { address: 0n, size: MIB, repeated: 0 },
      { address: BigInt(MIB + 4096), size: MIB - 4096, repeated: 0 },
    ]);
  });
});

describe('runs', () => {
  it('are cut to what is wanted, at both ends', () => {
    const mapped = [{ page: 0xf_ffff_8000_0000, physicalAddress: 0x5000, pages: 2 }];
    const base = 0xffff_f800_0000_0000n;
    expect([...runsWithin(mapped, virtAddr(base + 8n), virtAddr(base + 0x1010n))]).toEqual([
      { address: base + 8n, physicalAddress: 0x5008, size: 0x1008 },
    ]);
    expect([...runsWithin(mapped, virtAddr(base + 0x2000n), virtAddr(base + 0x3000n))]).toEqual([]);
  });

  it('of physical memory are the ranges of the dump', () => {
    const image = pagesAt(1, 2, 9);
    expect([...physicalRuns(image, 0x1800, 0x9010)].map(({ address, size }) => [address, size])).toEqual([
      [0x1800n, 0x800],
      [0x2000n, 0x1000],
      [0x9000n, 0x10],
    ]);
  });
});
