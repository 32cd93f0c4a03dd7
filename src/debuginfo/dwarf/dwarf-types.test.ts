/** DWARF entries as types: bit-fields old and new, arrays, enums, functions, types by name, loops. */

import { describe, expect, it } from 'vitest';
import { DwarfBuilder, type DieSpec } from '../../../test/builders/dwarf.ts';
import { openDwarf } from '../../../test/builders/dwarf-open.ts';
import { findMember } from '../types/members.ts';
import { sizeOf, strip, type CompoundType } from '../types/type.ts';
import * as F from './constants.ts';
import type { DwarfTypes } from './dwarf-types.ts';
import { DW_OP_addr, DW_OP_plus_uconst } from './operation-constants.ts';

const named = (name: string): [number, number, string] => [F.DW_AT_name, F.DW_FORM_string, name];
const size = (bytes: number): [number, number, number] => [F.DW_AT_byte_size, F.DW_FORM_data1, bytes];
const of = (ref: string): [number, number, { ref: string }] => [F.DW_AT_type, F.DW_FORM_ref4, { ref }];
const base = (label: string, name: string, bytes: number, encoding: number): DieSpec => ({
  tag: F.DW_TAG_base_type,
  label,
  attributes: [named(name), size(bytes), [F.DW_AT_encoding, F.DW_FORM_data1, encoding]],
});

function open(children: readonly DieSpec[], version: 4 | 5 = 5): DwarfTypes {
  const b = new DwarfBuilder();
  b.unit({ version, root: { tag: 0x11, attributes: [named('empty.c')], children: [] } });
  b.unit({ version, root: { tag: 0x11, attributes: [named('types.c')], children } });
  return openDwarf(b).types;
}

function struct(types: DwarfTypes, name: string): CompoundType {
  const found = types.compound('struct', name);
  if (found === undefined) throw new Error(`no struct ${name}`);
  return found;
}

const member = (
  name: string,
  type: string,
  place: readonly (readonly [number, number, number | Uint8Array])[],
): DieSpec => ({ tag: F.DW_TAG_member, attributes: [named(name), of(type), ...place] });

const types = open([
  base('int', 'int', 4, F.DW_ATE_signed),
  base('uint', 'unsigned int', 4, F.DW_ATE_unsigned),
  base('char', 'char', 1, F.DW_ATE_signed_char),
  base('bool', '_Bool', 1, F.DW_ATE_boolean),
  base('double', 'double', 8, F.DW_ATE_float),
  { tag: F.DW_TAG_typedef, label: 'u32', attributes: [named('u32'), of('uint')] },
  { tag: F.DW_TAG_volatile_type, label: 'vu32', attributes: [of('u32')] },
  { tag: F.DW_TAG_pointer_type, label: 'void*', attributes: [size(8)] },
  { tag: F.DW_TAG_pointer_type, label: 'node*', attributes: [of('node')] },
  {
    tag: F.DW_TAG_array_type,
    label: 'matrix',
    attributes: [of('int')],
    children: [
      { tag: F.DW_TAG_subrange_type, attributes: [[F.DW_AT_upper_bound, F.DW_FORM_data1, 1]] },
      { tag: F.DW_TAG_subrange_type, attributes: [[F.DW_AT_count, F.DW_FORM_data1, 3]] },
    ],
  },
  {
    tag: F.DW_TAG_array_type,
    label: 'flexible',
    attributes: [of('char')],
    children: [{ tag: F.DW_TAG_subrange_type }],
  },
  { tag: F.DW_TAG_structure_type, attributes: [named('node'), [F.DW_AT_declaration, F.DW_FORM_flag_present]] },
  {
    tag: F.DW_TAG_structure_type,
    label: 'node',
    attributes: [named('node'), size(64)],
    children: [
      member('next', 'node*', [[F.DW_AT_data_member_location, F.DW_FORM_data1, 0]]),
      { tag: F.DW_TAG_member, attributes: [of('inner'), [F.DW_AT_data_member_location, F.DW_FORM_data1, 8]] },
      member('matrix', 'matrix', [
        [F.DW_AT_data_member_location, F.DW_FORM_exprloc, Uint8Array.of(DW_OP_plus_uconst, 16)],
      ]),
      member('tail', 'flexible', [[F.DW_AT_data_member_location, F.DW_FORM_data1, 64]]),
    ],
  },
  {
    tag: F.DW_TAG_union_type,
    label: 'inner',
    attributes: [size(8)],
    children: [member('raw', 'void*', []), member('low', 'vu32', [])],
  },
  {
    tag: F.DW_TAG_structure_type,
    attributes: [named('new_bits'), size(8)],
    children: [
      member('a', 'u32', [
        [F.DW_AT_bit_size, F.DW_FORM_data1, 3],
        [F.DW_AT_data_bit_offset, F.DW_FORM_data1, 0],
      ]),
      member('b', 'u32', [
        [F.DW_AT_bit_size, F.DW_FORM_data1, 13],
        [F.DW_AT_data_bit_offset, F.DW_FORM_data1, 35],
      ]),
    ],
  },
  // As GCC 10 wrote for: u32 a:3; u32 b:13; at byte 4. The bit offset counts from the most significant bit.
  {
    tag: F.DW_TAG_structure_type,
    attributes: [named('old_bits'), size(8)],
    children: [
      member('a', 'u32', [
        [F.DW_AT_byte_size, F.DW_FORM_data1, 4],
        [F.DW_AT_bit_size, F.DW_FORM_data1, 3],
        [F.DW_AT_bit_offset, F.DW_FORM_data1, 29],
        [F.DW_AT_data_member_location, F.DW_FORM_data1, 4],
      ]),
      member('b', 'uint', [
        [F.DW_AT_bit_size, F.DW_FORM_data1, 13],
        [F.DW_AT_bit_offset, F.DW_FORM_data1, 16],
        [F.DW_AT_data_member_location, F.DW_FORM_data1, 4],
      ]),
    ],
  },
  {
    tag: F.DW_TAG_enumeration_type,
    attributes: [named('state'), size(4)],
    children: [
      { tag: F.DW_TAG_enumerator, attributes: [named('NONE'), [F.DW_AT_const_value, F.DW_FORM_sdata, -1]] },
      { tag: F.DW_TAG_enumerator, attributes: [named('FULL'), [F.DW_AT_const_value, F.DW_FORM_data1, 200]] },
    ],
  },
  {
    tag: F.DW_TAG_enumeration_type,
    attributes: [named('wide'), size(8)],
    children: [
      {
        tag: F.DW_TAG_enumerator,
        attributes: [named('TOP'), [F.DW_AT_const_value, F.DW_FORM_data8, 0xffff_ffff_ffff_ffffn]],
      },
    ],
  },
  {
    tag: F.DW_TAG_subroutine_type,
    label: 'loop',
    attributes: [of('int')],
    children: [{ tag: F.DW_TAG_formal_parameter, attributes: [of('loop')] }, { tag: F.DW_TAG_unspecified_parameters }],
  },
  { tag: F.DW_TAG_typedef, attributes: [named('loop_t'), of('loop')] },
  { tag: F.DW_TAG_typedef, label: 'endless', attributes: [named('endless'), of('endless')] },
  { tag: F.DW_TAG_variable, attributes: [named('a_node'), of('node')] },
]);

describe('types by name', () => {
  it('are definitions, not declarations', () => {
    const node = struct(types, 'node');
    expect(node).toMatchObject({ size: 64, complete: true, name: 'node' });
    expect(types.variable('a_node')).toBe(node);
    expect(types.compound('union', 'node')).toBeUndefined();
    expect(types.base('_Bool')).toMatchObject({ encoding: 'bool' });
    expect(types.base('char')).toMatchObject({ encoding: 'char', signed: true });
    expect(types.base('double')).toMatchObject({ kind: 'float', size: 8 });
    expect(types.typedef('u32')?.target).toMatchObject({ name: 'unsigned int', signed: false });
  });

  it('are listed by kind, each in its own', () => {
    expect([...types.names('struct')]).toContain('node');
    expect([...types.names('typedef')]).toEqual(expect.arrayContaining(['u32', 'loop_t']));
    expect([...types.names('union')]).not.toContain('node');
    expect([...types.names('typedef')]).not.toContain('a_node');
  });

  it('have members at their offsets, through anonymous ones', () => {
    const node = struct(types, 'node');
    expect(findMember(node, 'low')).toMatchObject({ offset: 8 });
    expect(strip(findMember(node, 'low')?.type ?? { kind: 'void' })).toMatchObject({ kind: 'int', size: 4 });
    expect(findMember(node, 'matrix[1][2]')).toMatchObject({ offset: 36 });
    expect(sizeOf(findMember(node, 'matrix')?.type ?? { kind: 'void' })).toBe(24);
    expect(strip(findMember(node, 'tail')?.type ?? { kind: 'void' })).toMatchObject({
      kind: 'array',
      count: undefined,
    });
    const next = strip(findMember(node, 'next')?.type ?? { kind: 'void' });
    expect(next.kind === 'pointer' && next.target).toBe(node);
  });

  it('have bit-fields of both kinds', () => {
    const bits = (name: string): unknown =>
      struct(types, name).members.map(({ name: member, offset, bitField }) => [member, offset, bitField]);
    expect(bits('new_bits')).toEqual([
      ['a', 0, { bitOffset: 0, bitSize: 3 }],
      ['b', 4, { bitOffset: 3, bitSize: 13 }],
    ]);
    expect(bits('old_bits')).toEqual([
      ['a', 4, { bitOffset: 0, bitSize: 3 }],
      ['b', 4, { bitOffset: 3, bitSize: 13 }],
    ]);
  });

  it('have enumerators, of any width and sign', () => {
    expect(types.enumeration('state')).toMatchObject({ signed: true, enumerators: [{ value: -1n }, { value: 200n }] });
    expect(types.enumerator('TOP')?.value).toBe(0xffff_ffff_ffff_ffffn);
    expect(types.enumerator('FULL')?.value).toBe(200n);
    expect(types.enumerator('OTHER')).toBeUndefined();
  });

  it('that refer to themselves end', () => {
    const loop = strip(types.typedef('loop_t') ?? { kind: 'void' });
    expect(loop).toMatchObject({ kind: 'function', variadic: true });
    expect(loop.kind === 'function' && loop.parameters[0]?.type).toBe(loop);
    expect(strip(types.typedef('endless') ?? { kind: 'void' })).toEqual({ kind: 'void' });
  });
});

describe('variables and functions', () => {
  const place = (address: bigint): [number, number, Uint8Array] => {
    const bytes = new Uint8Array(9);
    bytes[0] = DW_OP_addr;
    new DataView(bytes.buffer).setBigUint64(1, address, true);
    return [F.DW_AT_location, F.DW_FORM_exprloc, bytes];
  };
  const declaration: [number, number] = [F.DW_AT_declaration, F.DW_FORM_flag_present];
  const b = new DwarfBuilder();
  const statics: DieSpec[] = Array.from({ length: 5 }, (_, index) => ({
    tag: F.DW_TAG_variable,
    attributes: [named('state'), of(index === 4 ? 'uint' : 'int'), place(0x1000n + BigInt(index))],
  }));
  b.unit({
    version: 5,
    root: {
      tag: 0x11,
      attributes: [
        named('variables.c'),
        [F.DW_AT_low_pc, F.DW_FORM_addr, 0x5000n],
        [F.DW_AT_high_pc, F.DW_FORM_data1, 32],
      ],
      children: [
        base('int', 'int', 4, F.DW_ATE_signed),
        base('uint', 'unsigned int', 4, F.DW_ATE_unsigned),
        { tag: F.DW_TAG_variable, attributes: [named('elsewhere'), of('int'), declaration] },
        ...statics,
        { tag: F.DW_TAG_variable, label: 'declared', attributes: [named('table'), of('uint'), declaration] },
        {
          tag: F.DW_TAG_variable,
          attributes: [[F.DW_AT_specification, F.DW_FORM_ref4, { ref: 'declared' }], place(0x2000n)],
        },
        {
          tag: F.DW_TAG_enumeration_type,
          attributes: [size(4)],
          children: [
            { tag: F.DW_TAG_enumerator, attributes: [named('ONE'), [F.DW_AT_const_value, F.DW_FORM_data1, 1]] },
          ],
        },
        {
          tag: F.DW_TAG_enumeration_type,
          attributes: [size(4)],
          children: [
            { tag: F.DW_TAG_enumerator, attributes: [named('TWO'), [F.DW_AT_const_value, F.DW_FORM_data1, 2]] },
          ],
        },
        {
          tag: F.DW_TAG_subprogram,
          label: 'abstract',
          attributes: [named('clamp'), of('int')],
          children: [
            { tag: F.DW_TAG_formal_parameter, label: 'p', attributes: [named('value'), of('uint')] },
            { tag: F.DW_TAG_formal_parameter, attributes: [named('unused'), of('int')] },
          ],
        },
        {
          tag: F.DW_TAG_subprogram,
          attributes: [
            [F.DW_AT_abstract_origin, F.DW_FORM_ref4, { ref: 'abstract' }],
            [F.DW_AT_low_pc, F.DW_FORM_addr, 0x5000n],
            [F.DW_AT_high_pc, F.DW_FORM_data1, 16],
          ],
          children: [
            { tag: F.DW_TAG_formal_parameter, attributes: [[F.DW_AT_abstract_origin, F.DW_FORM_ref4, { ref: 'p' }]] },
          ],
        },
      ],
    },
  });
  const info = openDwarf(b);

  it('are told apart by address, however many share a name', () => {
    expect(info.types.variableAt('state', 0x1003)).toMatchObject({ name: 'int' });
    expect(info.types.variableAt('state', 0x1004)).toMatchObject({ name: 'unsigned int' });
    expect(info.types.variableAt('state', 0x1005)).toBeUndefined();
    expect(info.types.declaredVariable('state')).toBeUndefined();
    expect(info.types.declaredVariable('elsewhere')).toMatchObject({ name: 'int' });
  });

  it('have the name of the declaration they complete', () => {
    expect(info.types.variableAt('table', 0x2000)).toMatchObject({ name: 'unsigned int' });
  });

  it('have all parameters in a copy that dropped some', () => {
    const [die] = info.scopesAt(0x5004);
    const type = die && info.types.functionType(die);
    expect(type?.parameters.map((parameter) => [parameter.name, sizeOf(parameter.type)])).toEqual([
      ['value', 4],
      ['unused', 4],
    ]);
    expect(type?.returns).toMatchObject({ name: 'int' });
  });

  it('stand beside the enumerators of every anonymous enumeration', () => {
    expect(['ONE', 'TWO'].map((name) => info.types.enumerator(name)?.value)).toEqual([1n, 2n]);
  });
});
