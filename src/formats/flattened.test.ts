/** Flattened dumps: read as the file they stand for, in whatever pieces, cut off, damaged. */

import { describe, expect, it } from 'vitest';
import { CoreBuilder } from '../../test/builders/core.ts';
import { CountingSource } from '../../test/builders/counting-source.ts';
import { memoryHost } from '../../test/builders/host.ts';
import { flattenedStream, KdumpBuilder, piecesOf, type Piece } from '../../test/builders/kdump.ts';
import { below, mutationRun, randomFrom, seeds } from '../../test/builders/mutate.ts';
import { FormatError } from '../base/errors.ts';
import { BytesSource, readUpTo } from '../bytes/byte-source.ts';
import { FlattenedSource, looksFlattened } from './flattened.ts';
import { openDump } from './registry.ts';

const text = (letters: string): Uint8Array => new TextEncoder().encode(letters);
const source = (pieces: readonly Piece[], endMark = true): FlattenedSource =>
  new FlattenedSource(new BytesSource('flat', flattenedStream(pieces, { endMark })));
const all = (flat: FlattenedSource): string =>
  Array.from(readUpTo(flat, 0, 1000), (byte) => (byte === 0 ? '.' : String.fromCharCode(byte))).join('');

describe('a flattened file', () => {
  it('is known by its first bytes', () => {
    expect(looksFlattened(flattenedStream([]))).toBe(true);
    expect(looksFlattened(text('makedumpfile and more'))).toBe(false);
  });

  it('is its pieces, wherever they stand; what no piece has is zero', () => {
    const flat = source([
      { offset: 6, data: text('cd') },
      { offset: 0, data: text('ab') },
      { offset: 8, data: text('ef') },
    ]);
    expect(flat.size).toBe(10);
    expect(all(flat)).toBe('ab....cdef');
    const part = new Uint8Array(4);
    expect(flat.readInto(5, part)).toBe(4);
    expect([...part]).toEqual([0, 0x63, 0x64, 0x65]);
    expect(flat.readInto(10, part)).toBe(0);
    expect(flat.cutOffAt).toBeUndefined();
  });

  it('has what was written last where pieces overlap', () => {
    expect(all(source([{ offset: 0, data: text('aaaaaaaa') }, { offset: 2, data: text('bb') }]))).toBe('aabbaaaa'); // prettier-ignore
    expect(all(source([{ offset: 2, data: text('bb') }, { offset: 0, data: text('aaaaaaaa') }]))).toBe('aaaaaaaa'); // prettier-ignore
  });

  it('is as if every piece had been written to a file, for any pieces', () => {
    for (const seed of seeds(300)) {
      const random = randomFrom(seed);
      const written = new Uint8Array(300);
      let size = 0;
      const pieces = Array.from({ length: 1 + below(random, seed % 3 === 0 ? 300 : 30) }, () => {
        const offset = below(random, 200);
        const data = Uint8Array.from({ length: 1 + below(random, seed % 2 === 0 ? 100 : 8) }, () => below(random, 256));
        written.set(data, offset);
        size = Math.max(size, offset + data.length);
        return { offset, data };
      });
      const flat = source(pieces);
      expect(flat.size).toBe(size);
      for (let reads = 0; reads < 5; reads++) {
        const from = below(random, size);
        const target = new Uint8Array(below(random, 120));
        const count = flat.readInto(from, target);
        expect(count).toBe(Math.min(target.length, size - from));
        expect([...target.subarray(0, count)]).toEqual([...written.subarray(from, from + count)]);
      }
    }
  });

  it('that was cut off makes nothing up: a read ends where nothing is known', () => {
    const pieces = [
      { offset: 0, data: text('abcd') },
      { offset: 8, data: text('ijkl') },
    ];
    const flat = source(pieces, false);
    expect(flat.cutOffAt).toBe(4096 + 2 * (16 + 4));
    expect(all(flat)).toBe('abcd');
    expect(flat.readInto(6, new Uint8Array(4))).toBe(0);
    const target = new Uint8Array(9);
    expect(flat.readInto(9, target)).toBe(3);
    const whole = flattenedStream(pieces);
    const inPiece = new FlattenedSource(new BytesSource('flat', whole.subarray(0, 4096 + 16 + 4 + 16 + 2)));
    expect(inPiece.size).toBe(10);
    expect(() => new FlattenedSource(new BytesSource('flat', whole.subarray(0, 4096 + 10)))).toThrow(FormatError);
    expect(() => new FlattenedSource(new BytesSource('flat', whole.subarray(0, 100)))).toThrow(
      'cut off inside its header',
    );
  });

  it('of very many pieces keeps little of each', () => {
    const data = new Uint8Array(64).fill(7);
    const pieces = Array.from({ length: 20_000 }, (_, index) => ({
      offset: index % 2 === 0 ? index * 32 : (1 << 24) + index * 32,
      data,
    }));
    const flat = source(pieces);
    const target = new Uint8Array(100);
    expect(flat.readInto(9999 * 64, target)).toBe(100);
    expect(target.subarray(0, 64)).toEqual(data);
    expect(target[70]).toBe(0);
  });

  it('costs 16 bytes a piece where pieces are large', () => {
    const pieces = piecesOf(new Uint8Array(1 << 22), 1 << 16);
    const counting = CountingSource.of(flattenedStream(pieces));
    expect(new FlattenedSource(counting).size).toBe(1 << 22);
    expect(counting.bytesRead).toBeLessThan(64 * 16 + 3 * 4096);
  });
});

describe('a flattened dump', () => {
  const page = Uint8Array.from({ length: 4096 }, (_, index) => index % 7);
  const kdump = new KdumpBuilder({ frames: 50 }).page(3, page, 'zlib').page(9, page, 'lzo').build();
  const core = new CoreBuilder().cpu(1, {}).load(0x1000, page).build();
  const open = (bytes: Uint8Array): ReturnType<typeof openDump> =>
    openDump([new BytesSource('flat', bytes)], memoryHost());
  const read = (bytes: Uint8Array, address: number): Uint8Array => {
    const target = new Uint8Array(4096);
    open(bytes).read(address, target);
    return target;
  };

  it('is opened in place, a kdump and an ELF file alike', () => {
    expect(open(flattenedStream(piecesOf(kdump, 1000))).format).toBe('compressed kdump, flattened');
    expect(read(flattenedStream(piecesOf(kdump, 1000).reverse()), 9 * 4096)).toEqual(page);
    expect(open(flattenedStream(piecesOf(core, 777))).format).toBe('ELF vmcore, flattened');
    expect(read(flattenedStream(piecesOf(core, 777)), 0x1000)).toEqual(page);
  });

  it('that was cut off is opened with what is there', () => {
    const stream = flattenedStream(piecesOf(kdump, 1000));
    const image = open(stream.subarray(0, stream.length - 16));
    expect(image.warnings[0]).toContain('the flattened stream is cut off or damaged at offset');
    expect(read(stream.subarray(0, stream.length - 16), 3 * 4096)).toEqual(page);
  });

  it('never does worse than an error of the family, whatever its bytes', () => {
    const stream = flattenedStream(piecesOf(kdump, 600));
    const cut = stream.subarray(4096 - 64);
    mutationRun(cut, 1500, (bytes) => {
      const whole = new Uint8Array(4096 - 64 + bytes.length);
      whole.set(stream.subarray(0, 4096 - 64));
      whole.set(bytes, 4096 - 64);
      const image = openDump([CountingSource.of(whole)], memoryHost());
      for (const { start, size } of image.rangesWithin(0, image.end))
        image.read(start, new Uint8Array(Math.min(size, 4096)));
    });
  });
});
