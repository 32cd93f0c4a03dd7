/** The file format of lzop: headers of both lengths, blocks packed and not, with and without checksums. */

import { describe, expect, it } from 'vitest';
import { packLzop } from '../../test/builders/packed.ts';
import { mutationRun } from '../../test/builders/mutate.ts';
import { unpackLzop } from './lzop.ts';

const whole = Uint8Array.from({ length: 5000 }, (_, at) => (at < 2000 ? 0x20 : (at * 7) & 0xff));

function unpacked(packed: Uint8Array, size: number): Uint8Array {
  const target = new Uint8Array(size);
  unpackLzop(packed, target);
  return target;
}

describe('what lzop packed', () => {
  it.each([
    ['a new header', { version: 0x1040, flags: 0 }],
    ['an old header', { version: 0x0930, flags: 0 }],
    ['checksums of what is packed and what was', { version: 0x1040, flags: 0x303 }],
    ['a filter, and a name', { version: 0x1040, flags: 0x800, name: 'vmlinux.bin' }],
  ])('comes back with %s', (_, options) => {
    expect(unpacked(packLzop(whole, 1000, options), whole.length)).toEqual(whole);
  });

  it('is refused where it holds another amount', () => {
    const packed = packLzop(whole, 1000, { version: 0x1040, flags: 0 });
    expect(() => unpacked(packed, 4999)).toThrow('holds more than is wanted');
    expect(() => unpacked(packed, 5001)).toThrow('holds 5000 bytes, and 5001 are wanted');
  });

  it('never does worse than an error of the family when it is damaged', () => {
    const packed = packLzop(whole, 1000, { version: 0x1040, flags: 0x101 });
    mutationRun(packed, 2000, (bytes) => void unpacked(bytes, whole.length));
  });
});
