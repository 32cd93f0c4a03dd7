/** Kernel images: where the packed kernel is, how it is packed, and what is said of others. */

import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bzImage, packLz4Legacy, packLzop, withSize } from '../../test/builders/packed.ts';
import { mutationRun } from '../../test/builders/mutate.ts';
import { BytesSource } from '../bytes/byte-source.ts';
import { kernelPayload, looksLikeBzImage } from './bzimage.ts';

const kernel = new Uint8Array(3000).fill(0x90);
const payloadOf = (bytes: Uint8Array): ReturnType<typeof kernelPayload> =>
  kernelPayload(new BytesSource('vmlinuz', bytes));

describe('the kernel in an image', () => {
  it.each([
    ['gzip', gzipSync(kernel), 0],
    ['lz4', withSize(packLz4Legacy(kernel, 1000), kernel.length), 4],
    ['lzo', withSize(packLzop(kernel, 1000, { version: 0x1040, flags: 0 }), kernel.length), 4],
    ['zstd', withSize(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0), kernel.length), 4],
    ['xz', withSize(Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), kernel.length), 4],
    ['bzip2', withSize(Uint8Array.of(0x42, 0x5a, 0x68, 0x39), kernel.length), 4],
    ['lzma', withSize(Uint8Array.of(0x5d, 0, 0, 0, 4), kernel.length), 4],
  ])('is packed with %s', (packing, payload, appended) => {
    for (const setupSectors of [0, 3, 39]) {
      const bytes = bzImage({ payload, setupSectors });
      expect(looksLikeBzImage(bytes)).toBe(true);
      const found = payloadOf(bytes);
      expect(found).toMatchObject({ packing, unpackedSize: kernel.length, size: payload.length - appended });
      expect(bytes.subarray(found.offset, found.offset + 4)).toEqual(new Uint8Array(payload.subarray(0, 4)));
    }
  });

  it('may not be packed at all', () => {
    const payload = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 1, 2, 3, 4, 5, 6, 7, 8);
    expect(payloadOf(bzImage({ payload }))).toMatchObject({ packing: 'none', size: 12, unpackedSize: 12 });
  });

  it('is not found where the image does not say, is cut off or packed in an unknown way', () => {
    const payload = gzipSync(kernel);
    expect(() => payloadOf(bzImage({ payload, protocol: 0x207 }))).toThrow('boot protocol is older than 2.08');
    expect(() => payloadOf(bzImage({ payload }).subarray(0, -100))).toThrow('is cut off');
    expect(() => payloadOf(bzImage({ payload: new Uint8Array(50) }))).toThrow('packed in an unknown way');
    expect(() => payloadOf(new Uint8Array(2000))).toThrow('is no x86 kernel image');
    expect(() => payloadOf(bzImage({ payload: withSize(packLz4Legacy(kernel, 9), 0xffff_ffff) }))).toThrow(
      'says that its kernel has 4294967295 bytes',
    );
  });

  it('never does worse than an error of the family when it is damaged', () => {
    mutationRun(bzImage({ payload: gzipSync(kernel) }), 1000, (bytes) => void payloadOf(bytes));
  });
});
