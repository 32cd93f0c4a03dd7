/** Structures in memory read member by member: signs, bit-fields, strings, what is not there. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder } from '../../test/builders/kernel.ts';
import { addVirt, type VirtAddr } from '../base/addr.ts';
import { LookupError } from '../base/errors.ts';
import { containerOf, offsetOf, type StructView } from './struct-view.ts';

function sample(levels: 4 | 5): { view: StructView; at: VirtAddr } {
  const builder = new KernelBuilder({ levels });
  const { types } = builder;
  const int = types.int('int', 4, { signed: true });
  const uint = types.int('unsigned int', 4);
  const long = types.int('long', 8, { signed: true });
  const char = types.int('char', 1, { signed: true });
  const inner = types.struct('inner', 8, [{ name: 'value', type: int, offset: 4 }]);
  const state = types.enum('state', { NONE: -1 }, { signed: true });
  types.struct('sample', 96, [
    { name: 'negative', type: int, offset: 0 },
    { name: 'positive', type: uint, offset: 4 },
    { name: 'wide', type: long, offset: 8 },
    { name: 'low', type: uint, offset: 16, bitOffset: 0, bitSize: 3 },
    { name: 'across', type: int, offset: 16, bitOffset: 3, bitSize: 7 },
    { name: 'inner', type: inner, offset: 24 },
    { name: 'link', type: types.pointer(inner), offset: 32 },
    { name: 'text', type: types.pointer(char), offset: 40 },
    { name: 'comm', type: types.array(char, 16), offset: 48 },
    { name: 'state', type: state, offset: 64 },
    { name: 'nothing', type: types.pointer(inner), offset: 72 },
    { name: 'list', type: types.array(inner, 1), offset: 80 },
  ]);
  const at = builder.allocate(96);
  const other = builder.allocate(8);
  const text = builder.allocate(32);
  builder
    .u32(at, -5)
    .u32(addVirt(at, 4), -5)
    .u64(addVirt(at, 8), -(1n << 40n));
  builder.u32(addVirt(at, 16), (0b1111101 << 3) | 0b110);
  builder.u32(addVirt(at, 28), 7).u64(addVirt(at, 32), other).u32(addVirt(other, 4), -9);
  builder.u64(addVirt(at, 40), text).text(text, 'a name').text(addVirt(at, 48), 'swapper/0');
  builder.u32(addVirt(at, 64), -1).u32(addVirt(at, 84), 11);
  return { view: builder.build().struct('sample', at), at };
}

describe.each([4, 5] as const)('a structure behind %i levels of page tables', (levels) => {
  const { view, at } = sample(levels);

  it('has integers with the sign of their type', () => {
    expect([view.number('negative'), view.number('positive'), view.integer('wide')]).toEqual([
      -5,
      4_294_967_291,
      -(1n << 40n),
    ]);
    expect(view.number('state')).toBe(-1);
    expect([view.number('low'), view.number('across')]).toEqual([6, -3]);
    expect(view.number('list[0].value')).toBe(11);
  });

  it('has structures inside and behind pointers', () => {
    expect(view.number('inner.value')).toBe(7);
    expect(view.view('inner').number('value')).toBe(7);
    expect(view.follow('link')?.number('value')).toBe(-9);
    expect(view.follow('nothing')).toBeUndefined();
    expect(view.at('comm')).toBe(addVirt(at, 48));
    expect(containerOf(addVirt(at, 28), view.type, 'inner.value')).toBe(at);
    expect(offsetOf(view.type, 'inner.value')).toBe(28);
  });

  it('has text in arrays and behind pointers', () => {
    expect(view.string('comm')).toBe('swapper/0');
    expect(view.string('text')).toBe('a name');
  });

  it('says what it does not have', () => {
    expect(view.has('absent')).toBe(false);
    expect(view.pick('absent', 'wide')).toBe('wide');
    expect(() => view.pick('absent', 'gone')).toThrow('member not found: sample.absent or gone');
    for (const read of [
      () => view.integer('absent'),
      () => view.integer('comm'),
      () => view.view('wide'),
      () => view.at('inner.x'),
    ])
      expect(read).toThrow(LookupError);
  });
});
