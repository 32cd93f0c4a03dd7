import { beforeAll, describe, expect, it } from 'vitest';
import { loadDisassembler } from '../../disasm/disassembler.ts';
import { buildActivation, momentOf } from '../../../test/builders/run.ts';
import { knownValue } from '../code/activation.ts';
import { binary, constant, extended, register, type Formula } from '../code/formula.ts';
import { leavesOf, sidesOf, type Leaf } from './leaves.ts';
import { solve } from './solve.ts';

beforeAll(() => loadDisassembler('x86_64'));

const memory: Leaf = { kind: 'memory', address: register('rbx'), size: 4, segment: undefined };
const rax: Leaf = { kind: 'register', name: 'rax' };

function solved(formula: Formula, part: Leaf, value: bigint): bigint | undefined {
  const here = momentOf(buildActivation({ bytes: 'c3', place: 0 }), { rcx: 3n });
  return solve(here, formula, part, knownValue(value))?.value;
}

describe('a part of a formula', () => {
  it('follows from the result where nothing is lost in it', () => {
    expect(solved(binary('add', rax, constant(0xa4n)), rax, 0xa4n)).toBe(0n);
    expect(solved(binary('subtract', rax, constant(0x28n)), rax, 0x1000n)).toBe(0x1028n);
    expect(solved(binary('subtract', constant(0n), rax), rax, 5n)).toBe(0xffff_ffff_ffff_fffbn);
    expect(solved(binary('xor', rax, register('rcx')), rax, 1n)).toBe(2n);
    expect(solved(binary('add', rax, register('rcx')), rax, 1n)).toBe(0xffff_ffff_ffff_fffen);
    expect(solved(extended(memory, 4, true), memory, 0xffff_ffff_ffff_ffffn)).toBe(0xffff_ffffn);
  });

  it('does not follow from what was masked, cut off or multiplied, or where another part is not known', () => {
    expect(solved(binary('and', rax, constant(0xffn)), rax, 1n)).toBeUndefined();
    expect(solved(extended(rax, 4), rax, 1n)).toBeUndefined();
    expect(solved(binary('multiply', rax, constant(8n)), rax, 8n)).toBeUndefined();
    expect(solved(binary('add', rax, register('rdx')), rax, 1n)).toBeUndefined();
    expect(solved(binary('add', rax, rax), rax, 2n)).toBeUndefined();
  });
});

describe('what a value is mainly from', () => {
  it('is the pointer, then what is added to it; a constant only where there is nothing else', () => {
    expect(leavesOf(binary('add', rax, binary('add', register('rcx'), constant(8n))))).toEqual([rax, register('rcx')]);
    expect(leavesOf(constant(1n))).toEqual([constant(1n)]);
    expect(leavesOf({ kind: 'unknown', cause: 'call' })).toEqual([]);
  });

  it('is the byte that was written where the rest of a register stays', () => {
    const merged = binary('or', binary('and', rax, constant(~0xffn)), extended(register('rcx'), 1));
    expect(leavesOf(merged)).toEqual([register('rcx')]);
  });

  it('is one of two sides by a condition, each as wide as both', () => {
    const either: Formula = { kind: 'either', first: rax, second: register('rcx') };
    expect(sidesOf(extended(either, 4))).toEqual({ first: extended(rax, 4), second: extended(register('rcx'), 4) });
    expect(sidesOf(rax)).toBeUndefined();
  });
});
