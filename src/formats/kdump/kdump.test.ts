/** Compressed kdumps: every header version and codec, what is left out and what is lost, cost, damage. */

import { describe, expect, it } from 'vitest';
import { noteBytes } from '../../../test/builders/elf.ts';
import { prstatus, qemuState } from '../../../test/builders/core.ts';
import { CountingSource } from '../../../test/builders/counting-source.ts';
import { memoryHost } from '../../../test/builders/host.ts';
import { KdumpBuilder, type KdumpOptions, type PagePacking } from '../../../test/builders/kdump.ts';
import { mutationRun, randomFrom } from '../../../test/builders/mutate.ts';
import { allRanges } from '../../../test/builders/ranges.ts';
import { FaultError, FormatError, NeedResource, OpenError } from '../../base/errors.ts';
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

/** Bytes that repeat with a period, and then one byte, so that all codecs pack them. */
function pageOf(seed: number, size = PAGE): Uint8Array {
  const random = randomFrom(seed);
  const period = Uint8Array.from({ length: 97 }, () => random() * 256);
  return Uint8Array.from({ length: size }, (_, index) => (index < size * 0.75 ? period[index % 97] : seed) ?? 0);
}

function bytesAt(image: DumpImage, address: number, length: number): Uint8Array {
  const target = new Uint8Array(length);
  image.read(address, target);
  return target;
}

function expectPage(image: DumpImage, frame: number, page: Uint8Array): void {
  const there = bytesAt(image, frame * page.length, page.length);
  expect(Buffer.compare(there, page), `page frame ${frame}`).toBe(0);
}

/** Why a byte cannot be read, or 'read'. */
function why(image: DumpImage, address: number): string {
  try {
    image.read(address, new Uint8Array(1));
    return 'read';
  } catch (error) {
    if (error instanceof FaultError) return error.why;
    throw error;
  }
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

describe('a file that was cut off', () => {
  const builder = new KdumpBuilder({ frames: 200, vmcoreinfo: ['OSRELEASE=6.1'] });
  for (let frame = 0; frame < 50; frame++) builder.page(frame * 2, pageOf(frame), 'zlib');
  const whole = builder.build();
  const descriptors = 4 * PAGE;
  const data = descriptors + 50 * 24;
  const cut = (length: number): DumpImage => open(whole.slice(0, length));
  const lost = (image: DumpImage): string[] => image.warnings.filter((warning) => warning.includes('cut off'));

  it('opens with what is there, and says what is missing', () => {
    expect(lost(cut(whole.length))).toEqual([]);
    expect(lost(cut(whole.length - 10))).toEqual([
      'part0: the file is cut off: 10 bytes of page data are missing at its end',
    ]);
    expect(why(cut(whole.length - 10), 98 * PAGE)).toBe('incomplete');
    expect(why(cut(whole.length - 10), 96 * PAGE)).toBe('read');
    expect(lost(cut(data - 30))).toEqual([
      'part0: the file is cut off inside its page descriptors: none of its 50 pages can be read',
    ]);
    expect(why(cut(data - 30), 96 * PAGE)).toBe('incomplete');
    expect(lost(cut(3 * PAGE + 3))[0]).toContain('cut off inside its page bitmap');
    expect(why(cut(3 * PAGE + 3), 2 * PAGE)).toBe('incomplete');
    expect(cut(whole.length - 10).marks).toEqual(['INCOMPLETE']);
    expect(cut(whole.length).marks).toEqual([]);
    expect(cut(PAGE + 104 + 12).vmcoreinfo?.release).toBeUndefined();
    expect(() => cut(400)).toThrow('is cut off: it ends inside its kdump header');
  });

  it('opens or is refused wherever it ends', () => {
    for (let length = 0; length < whole.length; length += 37) {
      const reasons = new Set<string>();
      try {
        const image = cut(length);
        for (let frame = 0; frame < 100; frame++) reasons.add(why(image, frame * PAGE));
        expect(lost(image), String(length)).not.toEqual([]);
      } catch (error) {
        expect(error, String(length)).toBeInstanceOf(length < 464 ? Error : FormatError);
      }
      expect([...reasons].filter((reason) => !['read', 'incomplete', 'not-in-dump'].includes(reason))).toEqual([]);
    }
  });
});

describe('cost', () => {
  /** 2^28 frames, 1 TiB of memory, of which every 1024th is dumped; all of the same bytes. */
  function terabyte(): CountingSource {
    const frames = 2 ** 28;
    const bitmapSize = frames / 8;
    const head = new KdumpBuilder({ frames: 1, vmcoreinfo: ['OSRELEASE=6.1'] }).page(0, pageOf(1), 'zlib').build();
    const view = new DataView(head.buffer);
    view.setUint32(436, (2 * bitmapSize) / PAGE, true);
    view.setBigUint64(PAGE + 96, BigInt(frames), true);
    const data = head.slice(4 * PAGE + 24);
    const bitmaps = 2 * PAGE;
    const descriptors = bitmaps + 2 * bitmapSize;
    const dataAt = descriptors + (frames / 1024) * 24;
    const byteAt = (offset: number): number => {
      if (offset < bitmaps) return head[offset] ?? 0;
      if (offset < descriptors) return (offset - bitmaps) % 128 === 0 ? 1 : 0;
      if (offset < dataAt) {
        const within = (offset - descriptors) % 24;
        if (within < 8) return Math.floor(dataAt / 256 ** within) % 256;
        return within < 12 ? (data.length >> (8 * (within - 8))) & 0xff : within === 12 ? 1 : 0;
      }
      return data[offset - dataAt] ?? 0;
    };
    return new CountingSource('vmcore', dataAt + data.length, (offset, target) => {
      for (let index = 0; index < target.length; index++) target[index] = byteAt(offset + index);
    });
  }

  it('of opening a terabyte is a few blocks; of a page, the bitmap before it, once', () => {
    const source = terabyte();
    const image = openDump([source], host);
    expect(source.bytesRead).toBeLessThan(16 << 10);
    expect(image.end).toBe(2 ** 40);
    expect(bytesAt(image, 5 * 2 ** 22, 8)).toEqual(pageOf(1).slice(0, 8));
    expect(source.bytesRead).toBeLessThan(64 << 10);
    const last = 2 ** 40 - 2 ** 22;
    expect(bytesAt(image, last, 8)).toEqual(pageOf(1).slice(0, 8));
    const all = source.bytesRead;
    expect(all).toBeLessThan(2 ** 25 + (128 << 10));
    expect(bytesAt(image, last - 2 ** 22, 8)).toEqual(pageOf(1).slice(0, 8));
    expect(source.bytesRead - all).toBeLessThan(16 << 10);
  });

  it('of pages in order is one read for many', () => {
    const builder = new KdumpBuilder();
    for (let frame = 0; frame < 2000; frame++) builder.page(frame, pageOf(frame), 'zlib');
    const source = CountingSource.of(builder.build());
    const image = openDump([source], host);
    const before = source.reads;
    image.read(0, new Uint8Array(2000 * PAGE));
    expect(source.reads - before).toBeLessThan(60);
    expect(source.bytesRead).toBeLessThan(2 * source.size);
  });

  it('of a page here and there is its own bytes', () => {
    const builder = new KdumpBuilder();
    for (let frame = 0; frame < 500; frame++) builder.page(frame, pageOf(frame));
    const source = CountingSource.of(builder.build());
    const image = openDump([source], host);
    image.read(0, new Uint8Array(8));
    const before = source.bytesRead;
    for (const frame of [400, 300, 350, 200]) image.read(frame * PAGE, new Uint8Array(8));
    expect(source.bytesRead - before).toBeLessThanOrEqual(4 * (PAGE + 128 * 24));
  });
});

describe('a damaged kdump', () => {
  const readAll = (image: DumpImage): void => {
    const target = new Uint8Array(PAGE);
    let left = 200;
    for (const { start, size } of image.rangesWithin(0, Math.min(image.end, 2 ** 32))) {
      for (let at: number = start; at < start + size && left-- > 0; at += PAGE) {
        try {
          image.read(at, target.subarray(0, Math.min(PAGE, start + size - at)));
        } catch (error) {
          if (!(error instanceof FaultError)) throw error;
        }
      }
      if (left <= 0) return;
    }
  };

  it.each(packings)('of %s pages never does worse than an error of the family', (packing) => {
    const notes = noteBytes([{ name: 'CORE', type: NT_PRSTATUS, data: prstatus(42, { rip: 7n }) }]);
    const builder = new KdumpBuilder({
      blockSize: 512,
      frames: 40,
      notes,
      vmcoreinfo: ['OSRELEASE=6.1'],
      dumpLevel: 1,
    });
    for (let frame = 0; frame < 20; frame++) builder.page(frame * 2, pageOf(frame, 512), packing);
    mutationRun(builder.build(), 800, (bytes) => readAll(openDump([CountingSource.of(bytes)], host)));
  });

  it('of one part beside a whole one, neither', () => {
    const [first, second] = [[0, 20] as const, [20, 40] as const].map((split) => {
      const builder = new KdumpBuilder({ blockSize: 512, frames: 40, split });
      for (let frame = 0; frame < 40; frame++) builder.page(frame, pageOf(frame, 512), 'lzo');
      return builder.build();
    }) as [Uint8Array, Uint8Array];
    mutationRun(first, 500, (bytes) =>
      readAll(openDump([CountingSource.of(bytes, 'one'), CountingSource.of(second, 'two')], host)),
    );
  });
});
