/** Compressed kdumps: files that were cut off or damaged, and what reading costs. */

import { describe, expect, it } from 'vitest';
import { noteBytes } from '../../../test/builders/elf.ts';
import { prstatus } from '../../../test/builders/core.ts';
import { CountingSource } from '../../../test/builders/counting-source.ts';
import { bytesAt, pageOf, why } from '../../../test/builders/dump-reads.ts';
import { memoryHost } from '../../../test/builders/host.ts';
import { KdumpBuilder, type PagePacking } from '../../../test/builders/kdump.ts';
import { mutationRun } from '../../../test/builders/mutate.ts';
import { FaultError, FormatError } from '../../base/errors.ts';
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

const packings: readonly PagePacking[] = ['plain', 'zlib', 'lzo', 'snappy', 'zstd'];

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
