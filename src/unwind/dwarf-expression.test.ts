/** DWARF expressions: exact constants, arithmetic modulo 2^64, memory, damage. */

import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../test/builders/byte-writer.ts';
import { KernelBuilder } from '../../test/builders/kernel.ts';
import { virtAddr } from '../base/addr.ts';
import { mutationRun } from '../../test/builders/mutate.ts';
import { attempt } from '../base/errors.ts';
import { evaluateLocation, evaluateValue } from './dwarf-expression.ts';
import type { ExpressionContext, Piece } from './expression-context.ts';

const builder = new KernelBuilder();
const word = builder.allocate(8);
builder.u64(word, 0xdead_beef_0000_0001n);
const { memory } = builder.build();
const registerAt = (number: number): bigint | undefined => (number === 7 ? BigInt(word) : undefined);
const context: ExpressionContext = {
  memory,
  register: registerAt,
  registerName: (number) => `r${number}`,
  cfa: () => 0x1000n,
  frameBase: () => 0x2000n,
  entryValue: (inner) => (inner[0] === 0x55 ? 77n : 0n),
  parameter: (offset) => BigInt(offset) + 1n,
  baseType: (offset) => ({ size: offset, signed: true, float: false }),
  called: (offset) => (offset === 9 ? Uint8Array.of(0x33) : offset === 10 ? Uint8Array.of(0x98, 10, 0) : undefined),
  relocated: (address) => virtAddr(address + 0x100n),
};
const run = (bytes: ByteWriter, stack: bigint[] = []): bigint | undefined =>
  attempt(() => evaluateValue(bytes.build(), context, stack));
const pieces = (...bytes: number[]): readonly Piece[] => evaluateLocation(Uint8Array.from(bytes), context);
const expression = (...bytes: number[]): ByteWriter => new ByteWriter().bytes(bytes);

describe('expressions', () => {
  it('have exact constants of every width', () => {
    expect(run(expression(0x0e).u64(0x0123_4567_89ab_cdefn))).toBe(0x0123_4567_89ab_cdefn);
    expect(run(expression(0x0f).u64(0x0123_4567_89ab_cdefn))).toBe(0x0123_4567_89ab_cdefn);
    expect(run(expression(0x0f).u64(-3n))).toBe(0xffff_ffff_ffff_fffdn);
    expect(run(expression(0x09, 0x80))).toBe(0xffff_ffff_ffff_ff80n);
    expect(run(expression(0x0d).u32(0x8000_0000))).toBe(0xffff_ffff_8000_0000n);
    expect(run(expression(0x10).uleb((1n << 64n) - 1n))).toBe((1n << 64n) - 1n);
    expect(run(expression(0x11).sleb(-(1n << 63n)))).toBe(1n << 63n);
  });

  it('compute modulo 2^64, read registers and memory', () => {
    expect(run(expression(0x77, 0, 0x06))).toBe(0xdead_beef_0000_0001n);
    expect(run(expression(0x22), [(1n << 64n) - 1n, 2n])).toBe(1n);
    expect(run(expression(0x1c), [1n, 2n])).toBe((1n << 64n) - 1n);
    expect(run(expression(0x23, 8), [8n])).toBe(16n);
    expect(run(expression(0x76, 0))).toBeUndefined();
    expect(run(expression(0x22), [1n])).toBeUndefined();
    expect(run(expression(0xff))).toBeUndefined();
  });

  it('compute with every operation, jump, pick and call', () => {
    const value = (...bytes: number[]): bigint | undefined => run(expression(...bytes));
    expect(value(0x37, 0x33, 0x1b)).toBe(2n); // 7 / 3
    expect(value(0x37, 0x33, 0x1d)).toBe(1n); // 7 mod 3
    expect(value(0x09, 0xf9, 0x33, 0x1b)).toBe((1n << 64n) - 2n); // -7 / 3
    expect(value(0x09, 0xfe, 0x31, 0x26)).toBe((1n << 64n) - 1n); // -2 >> 1, with its sign
    expect(value(0x09, 0xfe, 0x08, 63, 0x25)).toBe(1n);
    expect(value(0x31, 0x20)).toBe((1n << 64n) - 2n);
    expect(value(0x35, 0x1f, 0x19)).toBe(5n);
    expect(value(0x31, 0x32, 0x14)).toBe(1n); // over
    expect(value(0x31, 0x32, 0x33, 0x15, 2)).toBe(1n); // pick
    expect(value(0x31, 0x32, 0x16, 0x1c)).toBe(1n); // swap: 2 - 1
    expect(value(0x31, 0x32, 0x33, 0x17)).toBe(2n); // rot
    expect(value(0x09, 0xff, 0x31, 0x2d)).toBe(1n); // -1 < 1
    expect(value(0x31, 0x28, 1, 0, 0x3f, 0x32)).toBe(2n); // bra over lit15
    expect(value(0x2f, 1, 0, 0x3f, 0x34)).toBe(4n); // skip
    expect(value(0x98, 9, 0)).toBe(3n); // call2
    expect(value(0x9c)).toBe(0x1000n);
    expect(value(0x91, 0x78)).toBe(0x1ff8n); // fbreg -8
    expect(run(expression(0x03).u64(0x40n))).toBe(0x140n);
    expect(value(0xa3, 1, 0x55)).toBe(77n);
    expect(value(0xf3, 1, 0x55)).toBe(77n);
    expect(run(expression(0xfa).u32(6))).toBe(7n);
    expect(value(0x77, 0, 0x94, 2)).toBe(1n); // deref_size
  });

  it('keep to the widths and signs of base types', () => {
    const value = (...bytes: number[]): bigint | undefined => run(expression(...bytes));
    expect(value(0xa4, 4, 4, 0xff, 0xff, 0xff, 0xff, 0xa8, 8)).toBe((1n << 64n) - 1n); // (s64)(s32)-1
    expect(value(0x08, 0xff, 0xa8, 1)).toBe(0xffn); // to one byte
    expect(value(0x08, 0xff, 0xa8, 1, 0xa8, 2)).toBe(0xffffn);
    expect(value(0xa5, 7, 4)).toBe(BigInt(word) & 0xffff_ffffn); // regval_type
    expect(value(0x31, 0xa8, 4, 0x32, 0x22)).toBeUndefined(); // an int and a generic value
  });

  it('are locations: memory, registers, values, pieces, pointers that are none', () => {
    expect(pieces(0x77, 8)).toEqual([{ kind: 'memory', address: word + 8n, bits: undefined, bitOffset: 0 }]);
    expect(pieces(0x53)).toEqual([{ kind: 'register', register: 3, bits: undefined, bitOffset: 0 }]);
    expect(pieces(0x90, 17)).toMatchObject([{ kind: 'register', register: 17 }]);
    expect(pieces(0x35, 0x9f)).toMatchObject([{ kind: 'value', bytes: Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0) }]);
    expect(pieces(0x9e, 2, 1, 2)).toMatchObject([{ kind: 'value', bytes: Uint8Array.of(1, 2) }]);
    expect(pieces(0x53, 0x93, 4, 0x93, 4, 0x31, 0x9f, 0x93, 8)).toMatchObject([
      { kind: 'register', register: 3, bits: 32 },
      { kind: 'optimized-out', bits: 32 },
      { kind: 'value', bits: 64 },
    ]);
    expect(pieces(0xf2, 0x10, 0, 0, 0, 0x04)).toMatchObject([{ kind: 'implicit-pointer', entry: 16, offset: 4 }]);
    expect(pieces()).toMatchObject([{ kind: 'optimized-out' }]);
  });

  it('say what is missing', () => {
    expect(() => evaluateValue(Uint8Array.of(0x75, 0), context)).toThrow('value of not found: r5 in this frame');
    expect(() => evaluateValue(Uint8Array.of(0x98, 10, 0), context)).toThrow('without end');
    expect(() => evaluateValue(Uint8Array.of(0x2f, 0xfd, 0xff), context)).toThrow('does not end');
    expect(() => evaluateValue(Uint8Array.of(0xff), context)).toThrow('operation 0xff, which is not supported');
    expect(() => evaluateValue(Uint8Array.of(0x31, 0x30, 0x1b), context)).toThrow('divides by zero');
  });

  it('never do worse than an error of the family, whatever their bytes', () => {
    mutationRun(
      expression(0x77, 8, 0x77, 0, 0x06, 0x3f, 0x1a, 0x3b, 0x1e, 0x33, 0x24, 0x22).build(),
      2000,
      (bytes) => void evaluateValue(bytes, context, [1n]),
    );
  });
});
