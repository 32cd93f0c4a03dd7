/** C expressions on a synthetic kernel: precedence, conversions, pointers, what C refuses. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder } from '../../test/builders/kernel.ts';
import { survives } from '../../test/builders/mutate.ts';
import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { FaultError, LookupError, UsageError } from '../base/errors.ts';
import { typeName } from '../debuginfo/types/declaration.ts';
import type { Type } from '../debuginfo/types/type.ts';
import { addressOfValue, computedValue, scalarOf, valueAt, type Value } from '../values/value.ts';
import { intType } from './c-types.ts';
import { evaluateText } from './evaluate.ts';
import type { Scope } from './scope.ts';
import { typeOfText } from './type-of.ts';

function sample(): { scope: Scope; at: VirtAddr; other: VirtAddr } {
  const builder = new KernelBuilder();
  const { types } = builder;
  const int = types.int('int', 4, { signed: true });
  const uint = types.int('unsigned int', 4);
  const ulong = types.int('long unsigned int', 8);
  const char = types.int('char', 1, { signed: true });
  const node = types.struct('node', 64, [
    { name: 'id', type: int, offset: 0 },
    { name: 'low', type: uint, offset: 4, bitOffset: 0, bitSize: 3 },
    { name: 'flags', type: ulong, offset: 8 },
    { name: 'name', type: types.array(char, 8), offset: 16 },
    { name: 'values', type: types.array(int, 4), offset: 24 },
    { name: 'next', type: types.pointer(0), offset: 40 },
  ]);
  types.struct('hollow', 0, []);
  types.struct('packed', 16, [
    { name: 'small', type: int, offset: 0, bitOffset: 0, bitSize: 3 },
    { name: 'long_one', type: ulong, offset: 0, bitOffset: 3, bitSize: 40 },
    { name: 'wide', type: types.int('__int128', 16, { signed: true }), offset: 0 },
    { name: 'part0', type: int, offset: 8 },
    { name: 'later', type: types.pointer(types.forward('later')), offset: 8 },
  ]);
  types.typedef('node_t', node);
  types.enum('color', { RED: 1, GREEN: 2 });
  const at = builder.allocate(64);
  const other = builder.allocate(64);
  builder.u32(at, -7).u32(addVirt(at, 4), 0b101).u64(addVirt(at, 8), 0xffff_ffff_ffff_fff0n);
  builder.text(addVirt(at, 16), 'abc').u64(addVirt(at, 40), other).u32(other, 99);
  for (const index of [0, 1, 2, 3]) builder.u32(addVirt(at, 24 + index * 4), index * 10);
  const packed = builder.allocate(16);
  builder.u64(packed, -3n & 0xffn).u32(addVirt(packed, 8), 77);
  const kernel = builder.build();
  const { memory } = kernel;
  const struct = kernel.types.struct('node');
  const variables = new Map<string, [Type, VirtAddr]>([
    ['node', [struct, at]],
    ['head', [{ kind: 'pointer', size: 8, target: struct }, addVirt(at, 40)]],
    ['wild', [struct, virtAddr(0xdead_0000n)]],
    ['packed', [kernel.types.struct('packed'), packed]],
    [
      'func',
      [{ kind: 'function', returns: intType, parameters: [], variadic: false }, virtAddr(0xffff_ffff_8100_0000n)],
    ],
  ]);
  const scope: Scope = {
    types: kernel.types,
    memory,
    variable: (name) => {
      const found = variables.get(name);
      return found && valueAt(memory, found[0], found[1]);
    },
    untyped: (name) => (name === 'riddle' ? virtAddr(0x4711n) : undefined),
    perCpu: (name, cpu) => (name === 'counter' && cpu < 2 ? computedValue(intType, BigInt(40 + cpu)) : undefined),
    isPerCpu: (name) => name === 'counter',
    isVariable: (name) => name === 'counter' || variables.has(name),
    history: (number) => (number === 0 || number === 1 ? computedValue(intType, 5n) : undefined),
    suggestions: (name) => (name === 'nod' ? ['node'] : []),
  };
  return { scope, at, other };
}

const { scope, at, other } = sample();
const evaluate = (text: string): Value => evaluateText(text, scope);
const number = (text: string): bigint => scalarOf(evaluate(text));

describe('arithmetic', () => {
  it.each([
    ['1 + 2 * 3', 7n],
    ['(1 + 2) * 3', 9n],
    ['10 - 3 - 2', 5n],
    ['7 / 2', 3n],
    ['-7 / 2', -3n],
    ['-7 % 3', -1n],
    ['1 << 4 | 1', 17n],
    ['0x10', 16n],
    ['010', 8n],
    ['-1 >> 1', -1n],
    ['-1U >> 31', 1n],
    ['~0', -1n],
    ['!0 + !5', 1n],
    ['3 > 2 > 1', 0n],
    ['1 ? 2 : 3', 2n],
    ['0 ? 2 : 0 ? 3 : 4', 4n],
    ['1, 2', 2n],
    ['2147483647 + 1', -2147483648n],
    ['2147483648', 2147483648n],
    ['0xffffffff', 4294967295n],
    ['-1 < 1U', 0n],
    ['-1L < 1U', 1n],
    ['0xffffffffffffffff', 0xffff_ffff_ffff_ffffn],
    ['1UL << 63', 1n << 63n],
    ['0 && 1 / 0', 0n],
    ['1 || 1 / 0', 1n],
    ["'A'", 65n],
    ["'\\n'", 10n],
    ['(char)200', -56n],
    ['(unsigned char)456', 200n],
    ['(bool)256', 1n],
    ['(unsigned short)-1', 65535n],
    ['counter:1', 41n],
    ['per_cpu(counter, 0) + 1', 41n],
    ['$ + $1', 10n],
    ["'\\a'", 7n],
    ["'\\x41'", 65n],
    ["'\\377'", -1n],
    ['(1 ? -1 : 0U) > 0', 1n],
    ['1 ? 2 : 1 / 0', 2n],
    ['sizeof(1 ? 2 : 3UL)', 8n],
    ['sizeof(1 / 0)', 4n],
    ['sizeof(void)', 1n],
    ['sizeof(int[010])', 32n],
    ['sizeof(int[2U])', 8n],
    ['per_cpu(counter, 1U)', 41n],
    ['counter:01', 41n],
    ['GREEN', 2n],
    ['(enum color)1', 1n],
  ])('%s is %s', (text, value) => {
    expect(number(text)).toBe(value);
  });

  it('has the types of C', () => {
    const typeOf = (text: string): string => typeName(evaluate(text).type);
    expect(['1', '1U', '1L', '0x80000000', '2147483648', '1 + 1UL', "'a' + 'b'"].map(typeOf)).toEqual([
      'int', 'unsigned int', 'long', 'unsigned int', 'long', 'unsigned long', 'int',
    ]); // prettier-ignore
    expect(typeOf('&node.values')).toBe('int (*)[4]');
    expect(typeOf('&node.values[1]')).toBe('int *');
    expect(typeOf('(int (*)(struct node *, int))0')).toBe('int (*)(...)');
    expect(typeOf('(struct node *[2])node.values')).toBe('struct node *[2]');
    expect(typeOf('RED')).toBe('enum color');
    expect(typeOf('sizeof(int)')).toBe('unsigned long');
  });
});

describe('memory', () => {
  it('is reached through members, elements and pointers', () => {
    expect(number('node.id')).toBe(-7n);
    expect(number('node.low')).toBe(5n);
    expect(number('node.values[2]')).toBe(20n);
    expect(number('*(node.values + 3)')).toBe(30n);
    expect(number('((struct node *)head)->id')).toBe(99n);
    expect(number('head->id')).toBe(99n);
    expect(number('(*head).id')).toBe(99n);
    expect(number('((node_t *)&node)->values[1]')).toBe(10n);
    expect(number(`((struct node *)0x${at.toString(16)})[0].id`)).toBe(-7n);
    expect(number(`{int} 0x${at.toString(16)}`)).toBe(-7n);
    expect(number('node.flags & 0xff')).toBe(0xf0n);
    expect(number('packed.part0')).toBe(77n);
    expect(number('(&node.values)[0][2]')).toBe(20n);
  });

  it('is indexed as C indexes: signed, and modulo 2^64', () => {
    expect(number('(&node.values[2])[-1]')).toBe(10n);
    expect(number('node.values[0xffffffffffffffff] == *(&node.values[0] - 1)')).toBe(1n);
    expect(number('&node.values[0x4000000000000001] == &node.values[1]')).toBe(1n);
  });

  it('of bit-fields is an int where an int holds it, and of 128 bits whole', () => {
    expect(number('node.low - 6')).toBe(-1n);
    expect(number('packed.small')).toBe(-3n);
    expect(number('-packed.small')).toBe(3n);
    expect(number('packed.long_one')).toBe(31n);
    expect(number('packed.wide')).toBe((77n << 64n) + 0xfdn);
    expect(number('(packed.wide << 40) >> 100')).toBe(77n << 4n);
    expect(number('node.low ? 1 : 0')).toBe(1n);
  });

  it('that sizeof or a branch not taken names is not read', () => {
    expect(number('sizeof(wild.next)')).toBe(8n);
    expect(number('sizeof(((node_t **)0)[3]->values)')).toBe(16n);
    expect(number('sizeof(*&((node_t *)0)->values[1])')).toBe(4n);
    expect(number('1 ? 7 : wild.id')).toBe(7n);
    expect(number('0 && wild.id')).toBe(0n);
    expect(typeName(typeOfText('((node_t **)0)[3]->values + 1', scope))).toBe('int *');
    expect(typeName(typeOfText('&packed.later', scope))).toBe('struct later **');
  });

  it('gives addresses without reading', () => {
    expect(number('&wild')).toBe(0xdead_0000n);
    expect(number('&wild.flags')).toBe(0xdead_0008n);
    expect(number('&((struct node *)0)->values[1]')).toBe(28n);
    expect(number('&riddle')).toBe(0x4711n);
    expect(typeName(typeOfText('&riddle', scope))).toBe('void *');
    expect(number('&func')).toBe(0xffff_ffff_8100_0000n);
    expect(number('(struct node *)0 + 2')).toBe(128n);
    expect(number('&node.values[3] - &node.values[1]')).toBe(2n);
    expect(number('&node > 0 && !!head && head != &node && !(struct node *)0')).toBe(1n);
    expect(number('(struct hollow *)16 + 3')).toBe(16n);
    expect(number('(void *)16 + 3')).toBe(19n);
    expect(typeName(evaluate('1 ? 0 : head').type)).toBe('struct node *');
    expect(number('head - &node')).toBe((other - at) / 64n);
    expect(number('(unsigned long)&node.next')).toBe(at + 40n);
    expect(addressOfValue(evaluate('*head'))).toBe(other);
    expect(addressOfValue(evaluate('*head@3'))).toBe(other);
    expect(typeName(evaluate('node.values[0]@2').type)).toBe('int [2]');
  });

  it('is measured', () => {
    expect(number('sizeof(struct node)')).toBe(64n);
    expect(number('sizeof node.values')).toBe(16n);
    expect(number('sizeof(node_t *)')).toBe(8n);
    expect(number('offsetof(struct node, values[2])')).toBe(32n);
    expect(number('container_of(&node.next, struct node, next)')).toBe(at);
  });
});

describe('long expressions', () => {
  it.each([
    ['1', '+1', 2000],
    ['node.values', '[0]', 1300],
    ['1', ',1', 2000],
    ['1?', '1:1?', 900],
    ['1', '&&1', 1300],
  ])('%s%s…', (start, more, times) => {
    survives(0, () => evaluate(start + more.repeat(times)));
    survives(0, () => typeOfText(start + more.repeat(times), scope));
  });

  it('are added up', () => {
    expect(number(`1${'+1'.repeat(2000)}`)).toBe(2001n);
  });
});

describe('what is refused', () => {
  it.each([
    ['', /a value is wanted at the end/],
    ['1 +', /a value is wanted at the end of "1 \+"/],
    ['(1', /"\)" is wanted at the end/],
    ['1 2', /should end at "2", column 3/],
    ['func(1)', /cannot be called/],
    ['node.id = 4', /there is no assignment/],
    ['node.id++', /there is no assignment/],
    ['1 / 0', /division by zero/],
    ['1 << 64', /a shift by 64 of 32 bits/],
    ['12ab', /"12ab" is no number/],
    ['089', /no octal/],
    ['`', /has no meaning/],
    ['node + 1', /struct node takes no \+/],
    ['node.id.x', /int has no members/],
    ['*5', /int is no pointer/],
    ['*(void *)5', /void \*/],
    ['&5', /has no address/],
    ['(struct node)5', /cannot be cast/],
    ['!node', /neither true nor false/],
    ['node.id[0]', /int has no elements/],
    ['(unsigned float)1', /is no type/],
    [`${'('.repeat(300)}1`, /nested too deep/],
    [`${'-'.repeat(5000)}1`, /too long/],
    ['0x1ffffffffffffffff', /does not fit 64 bits/],
    ['node@0', /a count from 1/],
    ['head + head', /struct node \* and struct node \* cannot be added/],
    ['1 - head', /struct node \* cannot be taken from a number/],
    ['head + node', /struct node takes no \+/],
    ['packed.later + 1', /nothing tells how large struct later is/],
    ['packed.later[1]', /nothing tells how large struct later is/],
    ['(struct hollow *)8 - (struct hollow *)0', /takes no room/],
    ["'ab'", /is no character/],
    ["'\u20ac'", /is no character of one byte/],
    ["'\\q'", /is no character that C knows/],
    ['(char[1000000000])node', /cannot be cast/],
    ['sizeof(char[99999999999999999999])', /does not fit 64 bits/],
    ['sizeof(char[0xffffffffffffffff])', /no such large number is possible/],
    ['sizeof(int[0xffffffffffff][0xffffffffffff])', /larger than any memory/],
    [`(int ${'*'.repeat(100)})0`, /nested too deep/],
    [`(int ${'(*'.repeat(1000)}`, /nested too deep|is wanted/],
    [`sizeof(int${'[1]'.repeat(1000)})`, /nested too deep/],
    ['offsetof(struct node, values[99999999999999999999])', /does not fit 64 bits/],
    ['per_cpu(counter, 99999999999999999)', /no such large number/],
  ])('%s', (text, message) => {
    expect(() => evaluate(text)).toThrow(UsageError);
    expect(() => evaluate(text)).toThrow(message);
  });

  it.each([
    ['nod', /symbol not found: nod; did you mean node\?/],
    ['node.nam', /member of struct node not found: nam; did you mean name\?/],
    ['(struct nosuch *)0', /struct not found: nosuch/],
    ['sizeof(struct nosuch)', /struct not found: nosuch/],
    ['counter:7', /per-CPU variable not found/],
    ['$9', /earlier value not found: \$9/],
    ['offsetof(struct node, nosuch)', /member not found/],
    ['1 ? 2 : nosuch', /symbol not found: nosuch/],
  ])('%s', (text, message) => {
    expect(() => evaluate(text)).toThrow(LookupError);
    expect(() => evaluate(text)).toThrow(message);
  });

  it('memory that is not there is a fault with its address', () => {
    expect(() => number('wild.id')).toThrow(FaultError);
    expect(() => number('wild.id')).toThrow('dead0000');
  });
});
