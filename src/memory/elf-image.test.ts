/** A kernel image in a file: segments where they are linked, what lies between them missing. */

import { describe, expect, it } from 'vitest';
import { openElfBytes } from '../../test/builders/dwarf-open.ts';
import { ElfBuilder } from '../../test/builders/elf.ts';
import { mutationRun } from '../../test/builders/mutate.ts';
import { addVirt, virtAddr } from '../base/addr.ts';
import { PT_LOAD, PT_NOTE } from '../formats/elf/constants.ts';
import { imageInElf } from './elf-image.ts';
import { imageChunks } from './sparse.ts';

const TEXT = virtAddr(0xffff_ffff_8100_0000n);
const DATA = addVirt(TEXT, 0x40);

function kernel(): Uint8Array {
  return new ElfBuilder()
    .segment({ type: PT_LOAD, virtualAddress: DATA, data: new Uint8Array(16).fill(2) })
    .segment({ type: PT_LOAD, virtualAddress: TEXT, data: new Uint8Array(32).fill(1), memorySize: 48 })
    .segment({ type: PT_LOAD, virtualAddress: 0n, data: new Uint8Array(16).fill(9) })
    .segment({ type: PT_NOTE, virtualAddress: addVirt(TEXT, 0x80), data: new Uint8Array(16).fill(9) })
    .build();
}

describe('the image in a file', () => {
  const image = imageInElf(openElfBytes(kernel()));
  if (image === undefined) throw new Error('no image');

  it('reaches from its first segment to its last, without the per-CPU area that was linked at zero', () => {
    expect(image).toMatchObject({ start: TEXT, end: addVirt(DATA, 16) });
  });

  it('has what the segments have; what is not in the file is missing', () => {
    expect(image.read(addVirt(TEXT, 30), 4)).toEqual({
      bytes: Uint8Array.of(1, 1, 0, 0),
      gaps: [{ start: 2, end: 4 }],
    });
    const { bytes, gaps } = image.read(addVirt(TEXT, -16), 0x70);
    expect(gaps).toEqual([
      { start: 0, end: 16 },
      { start: 48, end: 80 },
      { start: 96, end: 112 },
    ]);
    expect([bytes[15], bytes[16], bytes[47], bytes[48], bytes[80], bytes[95], bytes[96]]).toEqual([
      0, 1, 1, 0, 2, 2, 0,
    ]);
    expect(image.read(virtAddr(0), 8).gaps).toEqual([{ start: 0, end: 8 }]);
  });

  it('is gone through in pieces', () => {
    expect(Array.from(imageChunks(image, 8), ({ address, bytes }) => [address, bytes.length])).toEqual([[TEXT, 0x50]]);
  });

  it('is none where nothing is linked at addresses of a kernel', () => {
    const user = new ElfBuilder().segment({ type: PT_LOAD, virtualAddress: 0x40_0000n, data: new Uint8Array(8) });
    expect(imageInElf(openElfBytes(user.build()))).toBeUndefined();
  });

  it('never does worse than an error of the family when the file is damaged', () => {
    mutationRun(kernel(), 2000, (bytes) => {
      const damaged = imageInElf(openElfBytes(bytes));
      damaged?.read(TEXT, 0x80);
      damaged?.read(damaged.start, 0x80);
    });
  });
});
