/** BTF: every kind, bit-fields of both sorts, split data, damage. */

import { describe, expect, it } from 'vitest';
import { BtfBuilder } from '../../../test/builders/btf.ts';
import { mutationRun } from '../../../test/builders/mutate.ts';
import { FormatError } from '../../base/errors.ts';
import { findMember } from '../types/members.ts';
import { sizeOf, strip, type Type } from '../types/type.ts';
import { Btf } from './btf.ts';

function sample(): { builder: BtfBuilder; ids: Record<string, number> } {
  const b = new BtfBuilder();
  const int = b.int('int', 4, { signed: true });
  const long = b.int('unsigned long', 8);
  const char = b.int('char', 1, { signed: true });
  const bool = b.int('_Bool', 1, { bool: true });
  const constChar = b.qualified('const', char);
  const text = b.pointer(constChar);
  const u32 = b.typedef('u32', b.int('unsigned int', 4));
  const matrix = b.array(b.array(int, 3), 2);
  const flexible = b.array(char, 0);
  const anonymous = b.compound('union', '', 8, [
    { name: 'raw', type: long, offset: 0 },
    { name: 'low', type: u32, offset: 0 },
  ]);
  const node = b.nextId;
  b.struct('node', 64, [
    { name: 'next', type: node + 1, offset: 0 },
    { name: '', type: anonymous, offset: 8 },
    { name: 'matrix', type: matrix, offset: 16 },
    { name: 'flag', type: bool, offset: 40 },
    { name: 'name', type: text, offset: 48 },
    { name: 'data', type: flexible, offset: 64 },
  ]);
  b.pointer(node);
  const newBits = b.struct('new_bits', 8, [
    { name: 'a', type: u32, offset: 0, bitOffset: 0, bitSize: 3 },
    { name: 'b', type: u32, offset: 0, bitOffset: 3, bitSize: 13 },
    { name: 'plain', type: u32, offset: 4 },
  ]);
  const old5 = b.int('unsigned int', 4, { bits: 5 });
  const oldBits = b.compound(
    'struct',
    'old_bits',
    4,
    [
      { name: 'x', type: old5, offset: 0, bitOffset: 4 },
      { name: 'y', type: old5, offset: 0, bitOffset: 9 },
      { name: 'z', type: u32, offset: 4 },
    ],
    false,
  );
  const state = b.enum('state', { RUNNING: 0, DEAD: 0x80 });
  const negative = b.enum('negative', { NONE: -1, SOME: 1 }, { signed: true });
  const wide = b.enum64('wide', { TOP: 0xffff_ffff_ffff_ffffn, LOW: 1n });
  const wideSigned = b.enum64('wide_signed', { BOTTOM: -1n }, true);
  const forward = b.forward('hidden');
  const callback = b.prototype(int, [
    { name: 'work', type: node + 1 },
    { name: '', type: 0 },
  ]);
  const tagged = b.pointer(b.typeTag('user', char));
  const variable = b.variable('per_cpu_state', state);
  b.section('.data..percpu', [{ id: variable, offset: 0, size: 4 }]);
  b.declTag('tag', node);
  b.function('do_it', callback);
  const float = b.float('double', 8);
  return {
    builder: b,
    ids: {
      int,
      text,
      matrix,
      flexible,
      node,
      newBits,
      old5,
      oldBits,
      state,
      negative,
      wide,
      wideSigned,
      forward,
      callback,
      tagged,
      float,
    },
  };
}

const { builder, ids } = sample();
const btf = new Btf(builder.build(), '.BTF');
const type = (name: string): Type => btf.type(ids[name] ?? 0);

describe('types', () => {
  it('of each kind are what was written', () => {
    expect(type('int')).toEqual({ kind: 'int', name: 'int', size: 4, signed: true, encoding: 'integer' });
    expect(btf.base('_Bool')).toMatchObject({ encoding: 'bool', size: 1 });
    expect(btf.base('char')).toMatchObject({ encoding: 'char' });
    expect(btf.base('double')).toEqual({ kind: 'float', name: 'double', size: 8 });
    const text = type('text');
    expect(text.kind === 'pointer' && text.target).toMatchObject({ kind: 'qualified', qualifier: 'const' });
    expect(btf.typedef('u32')?.target).toMatchObject({ kind: 'int', name: 'unsigned int', signed: false });
    expect(type('forward')).toMatchObject({ kind: 'struct', name: 'hidden', complete: false });
    expect(sizeOf(type('matrix'))).toBe(24);
    expect(type('flexible')).toMatchObject({ kind: 'array', count: undefined });
    const tagged = type('tagged');
    expect(tagged.kind === 'pointer' && tagged.target).toMatchObject({ kind: 'int', name: 'char' });
    expect(type('callback')).toMatchObject({ kind: 'function', variadic: true, parameters: [{ name: 'work' }] });
    expect(btf.variable('per_cpu_state')).toMatchObject({ kind: 'enum', name: 'state' });
    expect(btf.type(0)).toEqual({ kind: 'void' });
    expect(btf.type(100_000)).toEqual({ kind: 'void' });
  });

  it('that are compound have members, through anonymous ones and arrays of arrays', () => {
    const node = btf.compound('struct', 'node');
    if (node === undefined) throw new Error('no node');
    expect(node.size).toBe(64);
    expect(findMember(node, 'low')).toMatchObject({ offset: 8 });
    expect(findMember(node, 'matrix[1]')).toMatchObject({ offset: 28 });
    expect(findMember(node, 'matrix[1][2]')).toMatchObject({ offset: 36 });
    expect(findMember(node, 'data[5]')).toMatchObject({ offset: 69 });
    expect(findMember(node, 'absent')).toBeUndefined();
    expect(findMember(node, 'flag.x')).toBeUndefined();
    expect(findMember(node, 'flag[0]')).toBeUndefined();
    const next = strip(findMember(node, 'next')?.type ?? { kind: 'void' });
    expect(next.kind === 'pointer' && next.target).toBe(node);
    expect(btf.compound('union', 'node')).toBeUndefined();
  });

  it('have bit-fields, by kind_flag', () => {
    const bits = btf
      .compound('struct', 'new_bits')
      ?.members.map(({ name, offset, bitField }) => [name, offset, bitField]);
    expect(bits).toEqual([
      ['a', 0, { bitOffset: 0, bitSize: 3 }],
      ['b', 0, { bitOffset: 3, bitSize: 13 }],
      ['plain', 4, undefined],
    ]);
  });

  it('have bit-fields, by narrow integers', () => {
    const bits = btf
      .compound('struct', 'old_bits')
      ?.members.map(({ name, offset, bitField }) => [name, offset, bitField]);
    expect(bits).toEqual([
      ['x', 0, { bitOffset: 4, bitSize: 5 }],
      ['y', 1, { bitOffset: 1, bitSize: 5 }],
      ['z', 4, undefined],
    ]);
  });

  it('of kernels that say so are unsigned from 2^31 on, and of older ones negative', () => {
    const build = (more: (b: BtfBuilder) => void): Btf => {
      const builder = new BtfBuilder();
      builder.enum('mask', { LOW: 1, TOP: 0x8000_0000 });
      more(builder);
      return new Btf(builder.build(), 'BTF');
    };
    const old = build(() => {});
    expect(old.enumeration('mask')).toMatchObject({
      signed: true,
      enumerators: [{ value: 1n }, { value: -0x8000_0000n }],
    });
    for (const more of [
      (b: BtfBuilder): unknown => b.enum('other', { NONE: -1 }, { signed: true }),
      (b: BtfBuilder): unknown => b.enum64('other', { MUCH: 1n << 40n }),
    ])
      expect(build(more).enumeration('mask')).toMatchObject({
        signed: false,
        enumerators: [{ value: 1n }, { value: 0x8000_0000n }],
      });
    const base = new BtfBuilder();
    base.enum('other', { NONE: -1 }, { signed: true });
    const split = new BtfBuilder(base);
    split.enum('mask', { TOP: 0xffff_ffff });
    expect(new Btf(split.build(), 'module', new Btf(base.build(), 'BTF')).enumeration('mask')).toMatchObject({
      signed: false,
      enumerators: [{ value: 0xffff_ffffn }],
    });
  });

  it('have enumerators with their signs', () => {
    expect(btf.enumeration('negative')).toMatchObject({
      signed: true,
      enumerators: [
        { name: 'NONE', value: -1n },
        { name: 'SOME', value: 1n },
      ],
    });
    expect(btf.enumeration('wide')).toMatchObject({
      size: 8,
      enumerators: [
        { name: 'TOP', value: 0xffff_ffff_ffff_ffffn },
        { name: 'LOW', value: 1n },
      ],
    });
    expect(btf.enumerator('BOTTOM')?.value).toBe(-1n);
    expect(btf.enumerator('DEAD')?.value).toBe(0x80n);
    expect(btf.enumerator('ABSENT')).toBeUndefined();
  });
});

describe('functions, variables and lists', () => {
  it('are found by name, functions with their parameters, variables with their places', () => {
    expect(btf.functionNamed('do_it')).toMatchObject({
      kind: 'function',
      variadic: true,
      parameters: [{ name: 'work' }],
    });
    expect(btf.functionNamed('node')).toBeUndefined();
    expect(btf.variables('per_cpu_state')).toMatchObject([
      { section: '.data..percpu', offset: 0, type: { name: 'state' } },
    ]);
    expect(btf.variables('do_it')).toEqual([]);
  });

  it('of compounds hold the named ones that are complete', () => {
    expect(Array.from(btf.compounds(), ({ kind, name }) => `${kind} ${name}`)).toEqual([
      'struct node',
      'struct new_bits',
      'struct old_bits',
    ]);
  });
});

describe('split BTF', () => {
  const module = new BtfBuilder(builder);
  const own = module.struct('module_state', 16, [
    { name: 'node', type: ids['node'] ?? 0, offset: 0 },
    { name: 'matrix', type: ids['matrix'] ?? 0, offset: 8 },
  ]);
  // The widths of its members stand in the records of the base, beyond the end of the module's own.
  module.compound('struct', 'module_bits', 4, [{ name: 'x', type: ids['old5'] ?? 0, offset: 0, bitOffset: 4 }], false);
  module.enum('module_enum', { MODULE_ONLY: 7 });
  const split = new Btf(module.build(), 'module', btf);

  it('goes on with its base: ids, strings, names', () => {
    expect(own).toBe(btf.lastId + 1);
    expect(split.type(own)).toMatchObject({ kind: 'struct', name: 'module_state', size: 16 });
    expect(split.type(ids['node'] ?? 0)).toBe(btf.type(ids['node'] ?? 0));
    expect(split.compound('struct', 'module_state')?.members.map((member) => member.name)).toEqual(['node', 'matrix']);
    expect(split.compound('struct', 'module_bits')?.members[0]?.bitField).toEqual({ bitOffset: 4, bitSize: 5 });
    expect(Array.from(split.compounds(), ({ name }) => name)).toEqual(['module_state', 'module_bits']);
    expect(split.functionNamed('do_it')).toBe(btf.functionNamed('do_it'));
    expect(split.variables('per_cpu_state')).toHaveLength(1);
    expect(split.compound('struct', 'node')).toBe(btf.compound('struct', 'node'));
    expect(btf.compound('struct', 'module_state')).toBeUndefined();
    expect(split.enumerator('MODULE_ONLY')?.value).toBe(7n);
    expect(split.enumerator('RUNNING')?.value).toBe(0n);
    expect(split.variable('per_cpu_state')).toBeDefined();
  });
});

describe('damaged BTF', () => {
  /** Decodes all there is, two levels deep. */
  function useAll(data: Btf): void {
    for (let id = 0; id <= Math.min(data.lastId, 500); id++) {
      const found = data.type(id);
      sizeOf(found);
      if (found.kind === 'struct' || found.kind === 'union') {
        for (const member of found.members) sizeOf(member.type);
        findMember(found, 'no_such_member');
      }
      if (found.kind === 'function') for (const parameter of found.parameters) sizeOf(parameter.type);
    }
    data.compound('struct', 'node');
    data.enumerator('DEAD');
    data.variable('per_cpu_state');
  }

  it('is refused where it is none', () => {
    expect(() => new Btf(new Uint8Array(0), '.BTF')).toThrow(FormatError);
    expect(() => new Btf(new Uint8Array(64), '.BTF')).toThrow('is no BTF data');
    expect(() => new Btf(builder.build().slice(0, -1), '.BTF')).toThrow(FormatError);
  });

  it('with types that stand for themselves ends as void', () => {
    const loop = new BtfBuilder();
    const self = loop.typeTag('self', 1);
    const first = loop.typedef('first', loop.nextId + 1);
    loop.typedef('second', first);
    const array = loop.array(loop.nextId, 4);
    const data = new Btf(loop.build(), '.BTF');
    expect(data.type(self)).toEqual({ kind: 'void' });
    expect(strip(data.type(first))).toEqual({ kind: 'void' });
    expect(sizeOf(data.type(array))).toBe(0);
  });

  it('with a long chain of tags ends, too', () => {
    const chain = new BtfBuilder();
    for (let id = 1; id <= 60_000; id++) chain.typeTag('t', id + 1);
    expect(new Btf(chain.build(), '.BTF').type(1)).toEqual({ kind: 'void' });
  });

  it('with anonymous members that hold their own struct ends, too', () => {
    const loop = new BtfBuilder();
    loop.struct(
      '',
      8,
      Array.from({ length: 8 }, () => ({ name: '', type: 1, offset: 0 })),
    );
    const data = new Btf(loop.build(), '.BTF');
    const found = strip(data.type(1));
    expect(found.kind === 'struct' && findMember(found, 'x')).toBeUndefined();
  });

  it('never does worse than an error of the family', () => {
    mutationRun(builder.build(), 4000, (bytes) => useAll(new Btf(bytes, '.BTF')));
  });
});
