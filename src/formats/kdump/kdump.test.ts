/** Compressed kdumps: every header version and codec, what is left out, parts of split ones. */

import { describe, expect, it } from 'vitest';
import { noteBytes } from '../../../test/builders/elf.ts';
import { prstatus, qemuState } from '../../../test/builders/core.ts';
import { bytesAt, pageOf, why } from '../../../test/builders/dump-reads.ts';
import { memoryHost } from '../../../test/builders/host.ts';
import { KdumpBuilder, type KdumpOptions, type PagePacking } from '../../../test/builders/kdump.ts';
import { allRanges } from '../../../test/builders/ranges.ts';
import { FormatError, NeedResource, OpenError } from '../../base/errors.ts';
import { BytesSource } from '../../bytes/byte-source.ts';
import { startZstd } from '../../faces/node/zstd.ts';
import type { DumpImage } from '../dump-image.ts';
import { NT_PRSTATUS } from '../elf/constants.ts';
import { openDump } from '../registry.ts';

const host = memoryHost(undefined, await startZstd());
const PAGE = 4096;

const open = (...files: Uint8Array[]): DumpImage =>
  openDump(
    files.map((bytes, index) => new BytesSource(`part${index}`, bytes)),
    host,
  );

function expectPage(image: DumpImage, frame: number, page: Uint8Array): void {
  const there = bytesAt(image, frame * page.length, page.length);
  expect(Buffer.compare(there, page), `page frame ${frame}`).toBe(0);
}

const packings: readonly PagePacking[] = ['plain', 'zlib', 'lzo', 'snappy', 'zstd'];

describe('pages', () => {
  it.each([512, 4096, 16_384, 65_536])('of %d bytes are read whatever packs them, mixed in one file', (blockSize) => {
    const builder = new KdumpBuilder({ blockSize, frames: 100 });
    for (let frame = 0; frame < 40; frame += 2)
      builder.page(frame, pageOf(frame, blockSize), packings[(frame / 2) % packings.length]);
    const image = open(builder.build());
    for (let frame = 0; frame < 40; frame += 2) {
      expectPage(image, frame, pageOf(frame, blockSize));
      expect(bytesAt(image, frame * blockSize + 5, 3)).toEqual(pageOf(frame, blockSize).slice(5, 8));
    }
    expect(image.end).toBe(100 * blockSize);
  });

  it('that follow each other are one range and one read', () => {
    const builder = new KdumpBuilder({ frames: 300 });
    for (const frame of [3, 4, 5, 9, 40, 41]) builder.page(frame, pageOf(frame), 'zlib');
    const image = open(builder.build());
    expect(allRanges(image)).toEqual([
      { start: 3 * PAGE, size: 3 * PAGE },
      { start: 9 * PAGE, size: PAGE },
      { start: 40 * PAGE, size: 2 * PAGE },
    ]);
    expect([...image.rangesWithin(4 * PAGE + 8, 40 * PAGE + 16)]).toEqual([
      { start: 4 * PAGE + 8, size: 2 * PAGE - 8 },
      { start: 9 * PAGE, size: PAGE },
      { start: 40 * PAGE, size: 16 },
    ]);
    expect(bytesAt(image, 3 * PAGE + 100, 2 * PAGE)).toEqual(
      Uint8Array.from([...pageOf(3).slice(100), ...pageOf(4), ...pageOf(5).slice(0, 100)]),
    );
    expect(() => bytesAt(image, 5 * PAGE, PAGE + 1)).toThrow('physical address 6000: not in the dump');
  });

  it('of zeros share their data', () => {
    const builder = new KdumpBuilder();
    for (let frame = 0; frame < 9; frame++)
      builder.page(frame, frame % 3 === 1 ? pageOf(1) : new Uint8Array(PAGE), 'zlib');
    const image = open(builder.build());
    for (const frame of [0, 1, 2, 3, 4, 1, 8, 7])
      expect(bytesAt(image, frame * PAGE, PAGE)).toEqual(frame % 3 === 1 ? pageOf(1) : new Uint8Array(PAGE));
  });

  it('of zstd want the codec, and are read once it is there', () => {
    const bytes = new KdumpBuilder().page(1, pageOf(1), 'zstd').build();
    const image = openDump([new BytesSource('vmcore', bytes)], memoryHost());
    expect(() => bytesAt(image, PAGE, 1)).toThrow(NeedResource);
  });

  it('that the filter left out, that are no memory, that were lost, that are damaged: each has its reason', () => {
    const packed = new KdumpBuilder({ frames: 64, dumpLevel: 31 })
      .page(1, pageOf(1), 'zlib')
      .excluded(2)
      .unwritten(3)
      .raw(4, Uint8Array.of(1, 2, 3), 1)
      .raw(5, pageOf(5).slice(1), 0)
      .raw(6, pageOf(6), 3)
      .raw(7, new Uint8Array(PAGE + 1), 0);
    const image = open(packed.build());
    expect([1, 2, 3, 4, 5, 6, 7, 8, 63, 64, 1e9].map((frame) => why(image, frame * PAGE))).toEqual([
      'read', 'excluded', 'incomplete', 'damaged', 'damaged', 'damaged', 'damaged', 'not-in-dump', 'not-in-dump',
      'not-in-dump', 'not-in-dump',
    ]); // prettier-ignore
    expect(image.marks).toEqual(['PARTIAL DUMP']);
  });

  it('are told of by one bitmap where there is but one', () => {
    const image = open(
      new KdumpBuilder({ signature: 'DISKDUMP', version: 1, oneBitmap: true }).page(7, pageOf(7)).build(),
    );
    expectPage(image, 7, pageOf(7, PAGE));
    expect(why(image, 6 * PAGE)).toBe('not-in-dump');
  });
});

describe('headers', () => {
  const notes = noteBytes([{ name: 'CORE', type: NT_PRSTATUS, data: prstatus(42, { rip: 7n }) }]);
  const full = (version: number, more: KdumpOptions = {}): DumpImage =>
    open(
      new KdumpBuilder({
        version,
        notes,
        vmcoreinfo: ['OSRELEASE=6.1'],
        dumpLevel: 31,
        frames: 70,
        filler: 0xff,
        ...more,
      })
        .page(1, pageOf(1), 'lzo')
        .build(),
    );

  it.each([0, 1, 2, 3, 4, 5, 6])('of version %d are believed as far as their fields go', (version) => {
    const image = full(version);
    expect(bytesAt(image, PAGE, PAGE)).toEqual(pageOf(1));
    expect(image.marks).toEqual(version >= 1 ? ['PARTIAL DUMP'] : []);
    expect(image.vmcoreinfo?.release).toBe(version >= 3 ? '6.1' : undefined);
    expect(image.cpus.map(({ pid, registers }) => [pid, registers?.['rip']])).toEqual(version >= 4 ? [[42, 7n]] : []);
    expect(image.warnings).toEqual(
      version >= 4 ? [] : [`part0: the processors' registers are not in it (header version ${version})`],
    );
    expect(image.end).toBe(70 * PAGE);
  });

  it('have what QEMU notes, too', () => {
    const qemu = noteBytes([
      { name: 'CORE', type: NT_PRSTATUS, data: prstatus(1, {}) },
      { name: 'QEMU', type: 0, data: qemuState({ control: [0n, 0n, 0n, 0x5000n] }) },
    ]);
    const image = full(6, { notes: qemu });
    expect(image.format).toBe('compressed kdump (QEMU)');
    expect(image.cpus[0]?.qemu?.cr3).toBe(0x5000n);
  });

  it('tell what is missing', () => {
    expect(full(6, { status: 0x18 }).marks).toEqual(['PARTIAL DUMP', 'INCOMPLETE', 'EXCLUDED VMEMMAP']);
    expect(full(6, { status: 0x8 }).warnings).toEqual([
      'part0: the dump is incomplete: whoever wrote it ran out of space; the last pages are missing',
    ]);
  });

  it('that cannot be right are refused with what is wrong', () => {
    const whole = new KdumpBuilder().page(1, pageOf(1)).build();
    const refusal = (change: (view: DataView) => void): string => {
      const bytes = whole.slice();
      change(new DataView(bytes.buffer));
      try {
        open(bytes);
        return '';
      } catch (error) {
        if (error instanceof FormatError) return error.message;
        throw error;
      }
    };
    expect(refusal((view) => view.setUint32(8, 7, true))).toContain('header version 7');
    expect(refusal((view) => view.setUint32(8, 6))).toContain('big-endian');
    expect(refusal((view) => view.setUint32(428, 4095, true))).toContain('blocks of 4095 bytes');
    expect(refusal((view) => view.setUint32(436, 0, true))).toContain('a page bitmap of 0 bytes where 4096 are needed');
    expect(refusal((view) => view.setBigUint64(4096 + 96, 1n << 60n, true))).toContain('more memory than a machine');
    expect(refusal((view) => view.setBigUint64(4096 + 96, 0n, true))).toContain('of no memory');
    expect(refusal((view) => view.setUint8(272, 0x61))).toContain('a machine that is not supported ("a86_64")');
  });
});

describe('split dumps', () => {
  const parts = (...ranges: readonly (readonly [number, number])[]): Uint8Array[] =>
    ranges.map((split) => {
      const builder = new KdumpBuilder({ split, frames: 100 });
      for (let frame = 1; frame < 100; frame += 3) builder.page(frame, pageOf(frame), packings[frame % 5]);
      return builder.excluded(99).build();
    });
  const refusal = (...files: Uint8Array[]): string => {
    try {
      open(...files);
      return '';
    } catch (error) {
      if (error instanceof OpenError || error instanceof FormatError) return error.message;
      throw error;
    }
  };

  it('are one memory, whatever the order of their parts', () => {
    const [first, second, third, empty] = parts([0, 37], [37, 64], [64, 100], [100, 100]) as [
      Uint8Array, Uint8Array, Uint8Array, Uint8Array,
    ]; // prettier-ignore
    for (const files of [
      [first, second, third],
      [third, empty, first, empty, second],
    ]) {
      const image = open(...files);
      expect(image.warnings.filter((warning) => warning.includes('missing'))).toEqual([]);
      expect(image.paths).toHaveLength(files.length);
      expect(allRanges(image)).toHaveLength(33);
      for (let frame = 1; frame < 100; frame += 3) expectPage(image, frame, pageOf(frame, PAGE));
      expect(why(image, 99 * PAGE)).toBe('excluded');
      expect(why(image, 38 * PAGE)).toBe('not-in-dump');
    }
  });

  it('without a part say which memory is missing', () => {
    const [first, , third] = parts([0, 37], [37, 64], [64, 100]);
    const image = open(third as Uint8Array, first as Uint8Array);
    expect(image.warnings.filter((warning) => warning.includes('part of the split'))).toEqual([
      'part0: a part of the split dump is missing, with the memory from 0x25000 to 0x40000; name all parts on the command line',
    ]);
    expect(why(image, 40 * PAGE)).toBe('incomplete');
    expectPage(image, 67, pageOf(67, PAGE));
  });

  it('are refused where parts are not of one dump, or one is named twice', () => {
    const [first, second] = parts([0, 37], [37, 100]) as [Uint8Array, Uint8Array];
    expect(refusal(first, first, second)).toContain('are the same part of the dump');
    expect(refusal(first, ...parts([30, 100]))).toContain('both have page frame 0x1e');
    const whole = new KdumpBuilder({ frames: 100 }).page(1, pageOf(1)).build();
    expect(refusal(first, whole)).toContain('is a whole kdump');
    const other = new KdumpBuilder({ split: [37, 100], frames: 100, release: '6.2' }).page(50, pageOf(1)).build();
    expect(refusal(first, other)).toContain('parts of different dumps');
  });
});
