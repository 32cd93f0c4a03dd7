/** DWARF expressions: exact constants, arithmetic modulo 2^64, memory, damage. */

import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../test/builders/byte-writer.ts';
import { KernelBuilder } from '../../test/builders/kernel.ts';
import { mutationRun } from '../../test/builders/mutate.ts';
import { evaluate } from './expression.ts';

const builder = new KernelBuilder();
const word = builder.allocate(8);
builder.u64(word, 0xdead_beef_0000_0001n);
const { memory } = builder.build();
const registerAt = (number: number): bigint | undefined => (number === 7 ? BigInt(word) : undefined);
const run = (bytes: ByteWriter, stack: bigint[] = []): bigint | undefined =>
  evaluate(bytes.build(), memory, registerAt, stack);
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

  it('never do worse than an error of the family, whatever their bytes', () => {
    mutationRun(
      expression(0x77, 8, 0x77, 0, 0x06, 0x3f, 0x1a, 0x3b, 0x1e, 0x33, 0x24, 0x22).build(),
      2000,
      (bytes) => void evaluate(bytes, memory, registerAt, [1n]),
    );
  });
});
