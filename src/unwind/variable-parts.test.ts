/** Values from pieces: of bytes and of bits, with gaps where a piece is nowhere. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder } from '../../test/builders/kernel.ts';
import { addVirt } from '../base/addr.ts';
import type { ExpressionContext, Piece } from './expression-context.ts';
import { joinPieces } from './variable-parts.ts';

const builder = new KernelBuilder();
const word = builder.allocate(8);
builder.u64(word, 0x1122_3344_5566_7788n).gap();
const { memory } = builder.build();
const context: ExpressionContext = {
  memory,
  register: (number) => (number === 3 ? 0xffff_8880_dead_beefn : undefined),
  registerName: (number) => `r${number}`,
};

const join = (size: number, ...pieces: Piece[]): { hex: string; gaps: readonly { start: number; end: number }[] } => {
  const { bytes, gaps } = joinPieces(pieces, size, context);
  return { hex: Buffer.from(bytes).toString('hex'), gaps: gaps.map(({ start, end }) => ({ start, end })) };
};
const register = (number: number, bits?: number, bitOffset = 0): Piece => ({
  kind: 'register',
  register: number,
  bits,
  bitOffset,
});

describe('pieces', () => {
  it('are laid one behind the other, from the lowest byte on', () => {
    const value: Piece = { kind: 'value', bytes: Uint8Array.of(1, 2, 3, 4), bits: 32, bitOffset: 0 };
    expect(join(8, register(3, 32), value)).toEqual({ hex: 'efbeadde01020304', gaps: [] });
    expect(join(4, { kind: 'memory', address: word, bits: 16, bitOffset: 0 }, register(3, 16, 32))).toEqual({
      hex: '88778088',
      gaps: [],
    });
  });

  it('may begin and end within a byte', () => {
    const bit = (bitOffset: number, bits: number): Piece => ({
      kind: 'value',
      bytes: Uint8Array.of(0b1010_0110),
      bits,
      bitOffset,
    });
    // 0b110, then 0b01, then 0b101 on top.
    expect(join(1, bit(0, 3), bit(3, 2), bit(5, 3))).toEqual({ hex: 'a6', gaps: [] });
    expect(join(1, bit(5, 3), bit(0, 3), bit(3, 2))).toEqual({ hex: '35', gaps: [] });
    expect(join(2, { kind: 'memory', address: word, bits: 12, bitOffset: 4 })).toEqual({
      hex: '7807',
      gaps: [{ start: 1, end: 2 }],
    });
  });

  it('that are nowhere leave the others as they are', () => {
    expect(join(16, register(3), register(5, 64))).toEqual({
      hex: 'efbeadde8088ffff0000000000000000',
      gaps: [{ start: 8, end: 16 }],
    });
    expect(join(8, { kind: 'optimized-out', bits: 32 }, register(3, 32))).toEqual({
      hex: '00000000efbeadde',
      gaps: [{ start: 0, end: 4 }],
    });
    const unmapped: Piece = { kind: 'memory', address: addVirt(word, 1 << 20), bits: 32, bitOffset: 0 };
    expect(join(8, unmapped, register(3, 32)).gaps).toEqual([{ start: 0, end: 4 }]);
  });
});
