/** Where a variable is at an address: expressions that always hold, and lists of versions 4 and 5. */

import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../test/builders/byte-writer.ts';
import { DwarfBuilder, type Attribute } from '../../../test/builders/dwarf.ts';
import { openDwarfBytes } from '../../../test/builders/dwarf-open.ts';
import { mutationRun } from '../../../test/builders/mutate.ts';
import { ElfBuilder } from '../../../test/builders/elf.ts';
import { FormatError } from '../../base/errors.ts';
import * as F from './constants.ts';
import { expressionAt } from './location-lists.ts';

const TEXT = 0x1000;

/** What is found at an address: the only byte of the expression. */
type Lookup = (address: number) => number | undefined;

function lookup(version: 4 | 5, lists: ByteWriter, location: Attribute, more: readonly Attribute[] = []): Lookup {
  const b = new DwarfBuilder();
  b.addr.u64(0x3000).u64(0x3010);
  const offset = b.unit({
    version,
    root: { tag: 0x11, attributes: [[F.DW_AT_low_pc, F.DW_FORM_addr, BigInt(TEXT)], ...more, location] },
  });
  const elf = new ElfBuilder();
  for (const [name, data] of b.sections()) elf.section({ name, data });
  elf.section({ name: version === 5 ? '.debug_loclists' : '.debug_loc', data: lists.build() });
  const die = openDwarfBytes(elf.build()).unit(offset).root();
  return (address) => expressionAt(die, address)?.[0];
}

const listAt = (offset: number): Attribute => [F.DW_AT_location, F.DW_FORM_sec_offset, offset];
const v4 = (lists: ByteWriter): Lookup => lookup(4, lists, listAt(0));
const v5 = (lists: ByteWriter): Lookup => lookup(5, lists, listAt(0));
const pair = (writer: ByteWriter, low: number, high: number, byte: number): ByteWriter =>
  writer.u64(low).u64(high).u16(1).u8(byte);

describe('an expression of its own', () => {
  it('holds everywhere', () => {
    const find = lookup(5, new ByteWriter(), [F.DW_AT_location, F.DW_FORM_exprloc, Uint8Array.of(0x55)]);
    expect(find(0)).toBe(0x55);
    expect(find(TEXT)).toBe(0x55);
  });
});

describe('a list of version 4', () => {
  it('has offsets from the unit, from the address it chooses, and an end', () => {
    const lists = pair(new ByteWriter(), 0x10, 0x20, 0x50);
    lists.u64(-1).u64(0x2000);
    pair(lists, 0, 8, 0x51).zeros(16);
    pair(lists, 0, 0x10000, 0x52);
    const find = v4(lists);
    expect([0x100f, 0x1010, 0x101f, 0x1020].map(find)).toEqual([undefined, 0x50, 0x50, undefined]);
    expect([0x1fff, 0x2000, 0x2007, 0x2008].map(find)).toEqual([undefined, 0x51, 0x51, undefined]);
  });

  it('is refused where it is cut off, or has no end', () => {
    expect(() => v4(new ByteWriter().u64(0x10).u64(0x20).u16(9).u8(0))(0)).toThrow(FormatError);
    const endless = new ByteWriter();
    for (let count = 0; count < 5000; count++) endless.u64(-1).u64(0x2000);
    expect(() => v4(endless)(TEXT)).toThrow(FormatError);
  });
});

describe('a list of version 5', () => {
  const bounds = (find: Lookup, low: number, high: number): (number | undefined)[] =>
    [low - 1, low, high - 1, high].map(find);

  it('has every kind of entry, and passes over views', () => {
    const lists = new ByteWriter();
    lists.u8(F.DW_LLE_GNU_view_pair).uleb(3).uleb(200);
    lists.u8(F.DW_LLE_offset_pair).uleb(0x10).uleb(0x20).uleb(1).u8(0x50);
    lists.u8(F.DW_LLE_base_address).u64(0x2000);
    lists.u8(F.DW_LLE_offset_pair).uleb(0).uleb(8).uleb(1).u8(0x51);
    lists.u8(F.DW_LLE_base_addressx).uleb(0);
    lists.u8(F.DW_LLE_offset_pair).uleb(0x100).uleb(0x108).uleb(1).u8(0x52);
    lists.u8(F.DW_LLE_startx_endx).uleb(0).uleb(1).uleb(1).u8(0x53);
    lists.u8(F.DW_LLE_startx_length).uleb(1).uleb(0x10).uleb(1).u8(0x54);
    lists.u8(F.DW_LLE_start_end).u64(0x5000).u64(0x5004).uleb(1).u8(0x55);
    lists.u8(F.DW_LLE_start_length).u64(0x6000).uleb(0x200).uleb(1).u8(0x56).u8(F.DW_LLE_end_of_list);
    const find = v5(lists);
    expect(bounds(find, 0x1010, 0x1020)).toEqual([undefined, 0x50, 0x50, undefined]);
    expect(bounds(find, 0x2000, 0x2008)).toEqual([undefined, 0x51, 0x51, undefined]);
    expect(bounds(find, 0x3100, 0x3108)).toEqual([undefined, 0x52, 0x52, undefined]);
    expect(bounds(find, 0x3000, 0x3010)).toEqual([undefined, 0x53, 0x53, 0x54]);
    expect(bounds(find, 0x3010, 0x3020)).toEqual([0x53, 0x54, 0x54, undefined]);
    expect(bounds(find, 0x5000, 0x5004)).toEqual([undefined, 0x55, 0x55, undefined]);
    expect(bounds(find, 0x6000, 0x6200)).toEqual([undefined, 0x56, 0x56, undefined]);
  });

  it('has a default for where no other entry holds, wherever it stands', () => {
    const lists = new ByteWriter().u8(F.DW_LLE_default_location).uleb(1).u8(0x57);
    lists.u8(F.DW_LLE_offset_pair).uleb(0).uleb(4).uleb(1).u8(0x50).u8(F.DW_LLE_end_of_list);
    expect(bounds(v5(lists), 0x1000, 0x1004)).toEqual([0x57, 0x50, 0x50, 0x57]);
  });

  it('is found by its index in the table of the unit', () => {
    const lists = new ByteWriter().zeros(12).u32(8).u32(9).u8(F.DW_LLE_end_of_list);
    lists.u8(F.DW_LLE_offset_pair).uleb(0).uleb(4).uleb(1).u8(0x58).u8(F.DW_LLE_end_of_list);
    const base: Attribute = [F.DW_AT_loclists_base, F.DW_FORM_sec_offset, 12];
    const indexed = (index: number): Lookup => lookup(5, lists, [F.DW_AT_location, F.DW_FORM_loclistx, index], [base]);
    expect(indexed(0)(0x1000)).toBeUndefined();
    expect(indexed(1)(0x1000)).toBe(0x58);
  });

  it('longer than the first window is read to its end', () => {
    const lists = new ByteWriter();
    for (let count = 0; count < 1000; count++)
      lists
        .u8(F.DW_LLE_offset_pair)
        .uleb(count)
        .uleb(count + 1)
        .uleb(1)
        .u8(count & 0x7f);
    lists.u8(F.DW_LLE_end_of_list);
    expect(v5(lists)(TEXT + 999)).toBe(999 & 0x7f);
    expect(v5(lists)(TEXT + 1000)).toBeUndefined();
  });

  it('is refused where it is cut off, has no end, or an unknown entry', () => {
    expect(() => v5(new ByteWriter().u8(F.DW_LLE_offset_pair).uleb(0).uleb(4).uleb(9).u8(0))(0)).toThrow(FormatError);
    expect(() => v5(new ByteWriter().u8(0x7f).zeros(9))(0)).toThrow('unknown entry kind 127');
    const endless = new ByteWriter();
    for (let count = 0; count < 50_000; count++) endless.u8(F.DW_LLE_base_addressx).uleb(0);
    expect(() => v5(endless)(TEXT)).toThrow(FormatError);
  });
});

describe('damaged lists', () => {
  const list4 = pair(pair(new ByteWriter(), 0x10, 0x20, 0x50).u64(-1).u64(0x2000), 0, 8, 0x51)
    .zeros(16)
    .build();
  const list5 = new ByteWriter();
  list5.u8(F.DW_LLE_offset_pair).u8(0x10).u8(0x20).u8(1).u8(0x50);
  list5.u8(F.DW_LLE_base_address).u64(0x2000);
  list5.u8(F.DW_LLE_start_length).u64(0x2100).u8(0x10).u8(1).u8(0x51);
  list5.u8(F.DW_LLE_startx_endx).u8(0).u8(1).u8(1).u8(0x52);
  list5.u8(F.DW_LLE_end_of_list);

  it.each([
    [4, list4],
    [5, list5.build()],
  ] as const)('of version %i never do worse than an error of the family', (version, bytes) => {
    mutationRun(bytes, 600, (damaged) => {
      const lists = new ByteWriter().bytes(damaged);
      const find = lookup(version, lists, listAt(0));
      for (const address of [0, 0x1010, 0x2000, 0x2104, 0x3008]) find(address);
    });
  });
});
