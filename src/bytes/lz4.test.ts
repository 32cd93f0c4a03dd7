/** LZ4 as kernels are packed with: what was packed comes back, and other bytes are refused. */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packLz4Legacy } from '../../test/builders/packed.ts';
import { mutationRun } from '../../test/builders/mutate.ts';
import { FormatError } from '../base/errors.ts';
import { unpackLz4Legacy } from './lz4.ts';

function unpacked(packed: Uint8Array, size: number): Uint8Array {
  const target = new Uint8Array(size);
  unpackLz4Legacy(packed, target);
  return target;
}

describe('an LZ4 legacy frame', () => {
  it('gives what was packed, whatever repeats in it', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.tuple(fc.nat(255), fc.nat(700)).map(([byte, count]) => new Uint8Array(count).fill(byte)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const whole = Uint8Array.from(pieces.flatMap((bytes) => [...bytes, ...bytes]));
        const packed = packLz4Legacy(whole, 1000);
        expect(unpacked(packed, whole.length)).toEqual(whole);
      }),
    );
  });

  it('is refused where it is cut off, or holds another amount', () => {
    const whole = new Uint8Array(500).fill(7);
    const packed = packLz4Legacy(whole, 200);
    expect(() => unpacked(packed.subarray(0, -1), 500)).toThrow(FormatError);
    expect(() => unpacked(packed, 499)).toThrow('holds more than is wanted');
    expect(() => unpacked(packed, 501)).toThrow('holds 500 bytes, and 501 are wanted');
    expect(() => unpacked(whole, 500)).toThrow('is no legacy frame');
  });

  it('never does worse than an error of the family when it is damaged', () => {
    const whole = Uint8Array.from({ length: 3000 }, (_, at) => (at * at) % 17);
    mutationRun(packLz4Legacy(whole, 1024), 2000, (bytes) => void unpacked(bytes, whole.length));
  });
});
