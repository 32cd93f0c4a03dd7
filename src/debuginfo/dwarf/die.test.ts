/** Entries: every form, read and skipped; references; chains of origins; indexed lists; abbreviation tables. */

import { describe, expect, it } from 'vitest';
import { DwarfBuilder, type Attribute } from '../../../test/builders/dwarf.ts';
import { ByteWriter } from '../../../test/builders/byte-writer.ts';
import { openDwarf } from '../../../test/builders/dwarf-open.ts';
import { FormatError } from '../../base/errors.ts';
import { BytesSource } from '../../bytes/byte-source.ts';
import { readAbbrevTable } from './abbrev.ts';
import * as F from './constants.ts';
import type { Die } from './die.ts';
import { coversAddress, forEachRange } from './ranges.ts';
import { DebugSection } from './section.ts';

const TEXT = 0xffff_ffff_8100_0000n;
const USER = 0x2000;
const LAST = 0x3fff;

function required(die: Die | undefined): Die {
  if (die === undefined) throw new Error('no entry');
  return die;
}

/** A root with one attribute of each form, and one behind them that is found only where all were skipped rightly. */
function withForms(
  forms: readonly (readonly [form: number, value?: Attribute[2]])[],
  wide = false,
  version: 4 | 5 = 5,
): Die {
  const b = new DwarfBuilder();
  b.unit({
    version: 4,
    root: { tag: 0x11, label: 'elsewhere', attributes: [[F.DW_AT_name, F.DW_FORM_string, 'elsewhere']] },
  });
  const attributes = forms.map(([form, value], index): Attribute => [USER + index, form, value ?? 0]);
  const unit = b.unit({
    version,
    wide,
    root: {
      tag: 0x11,
      label: 'self',
      attributes: [...attributes, [LAST, F.DW_FORM_data2, 0xbeef]],
      children: [{ tag: 0x34, label: 'child' }],
    },
  });
  const root = openDwarf(b).unit(unit).root();
  expect(root.number(LAST)).toBe(0xbeef);
  expect(root.children()).toHaveLength(1);
  return root;
}

describe.each([false, true])('forms (64-bit DWARF: %s)', (wide) => {
  it('of constants', () => {
    const forms: [number, Attribute[2]][] = [
      [F.DW_FORM_data1, 0xff],
      [F.DW_FORM_data2, 0xffff],
      [F.DW_FORM_data4, 0xffff_ffff],
      [F.DW_FORM_data8, 0x1f_ffff_ffff_ffff],
      [F.DW_FORM_udata, 300],
      [F.DW_FORM_sdata, -300],
      [F.DW_FORM_implicit_const, -7],
      [F.DW_FORM_flag, 1],
      [F.DW_FORM_flag_present, 0],
      [F.DW_FORM_sec_offset, 0x1234],
      [F.DW_FORM_indirect, { form: F.DW_FORM_udata, value: 5000 }],
    ];
    const root = withForms(forms, wide);
    expect(forms.map((_, index) => root.number(USER + index))).toEqual([
      255, 65_535, 4_294_967_295, 0x1f_ffff_ffff_ffff, 300, -300, -7, 1, 1, 0x1234, 5000,
    ]);
    expect(root.flag(USER + 7)).toBe(true);
    expect(root.number(0x1fff)).toBeUndefined();
    expect(root.has(USER)).toBe(true);
    expect(root.has(0x1fff)).toBe(false);
  });

  it('of wide constants, exactly', () => {
    const root = withForms(
      [
        [F.DW_FORM_data8, 0xffff_ffff_ffff_fffen],
        [F.DW_FORM_sdata, -(1n << 63n)],
        [F.DW_FORM_udata, (1n << 64n) - 1n],
        [F.DW_FORM_data1, 200],
        [F.DW_FORM_implicit_const, -3],
      ],
      wide,
    );
    expect([0, 1, 2, 3, 4].map((index) => root.bigNumber(USER + index))).toEqual([
      0xffff_ffff_ffff_fffen,
      -(1n << 63n),
      (1n << 64n) - 1n,
      200n,
      -3n,
    ]);
    expect(() => root.number(USER)).toThrow(FormatError);
  });

  it('of strings', () => {
    const forms = [
      F.DW_FORM_string,
      F.DW_FORM_strp,
      F.DW_FORM_line_strp,
      F.DW_FORM_strx,
      F.DW_FORM_strx1,
      F.DW_FORM_strx2,
      F.DW_FORM_strx3,
      F.DW_FORM_strx4,
    ];
    const root = withForms(forms.map((form, index) => [form, `text ${index} ${'x'.repeat(index * 20)}`]));
    expect(forms.map((_, index) => root.string(USER + index))).toEqual(
      forms.map((_, index) => `text ${index} ${'x'.repeat(index * 20)}`),
    );
  });

  it('of addresses', () => {
    const forms = [
      F.DW_FORM_addr,
      F.DW_FORM_addrx,
      F.DW_FORM_addrx1,
      F.DW_FORM_addrx2,
      F.DW_FORM_addrx3,
      F.DW_FORM_addrx4,
    ];
    const root = withForms(
      forms.map((form, index) => [form, TEXT + BigInt(index)]),
      wide,
    );
    expect(forms.map((_, index) => root.address(USER + index))).toEqual(forms.map((_, index) => -0x7f00_0000 + index));
  });

  it('of blocks', () => {
    const forms = [F.DW_FORM_block1, F.DW_FORM_block2, F.DW_FORM_block4, F.DW_FORM_block, F.DW_FORM_exprloc];
    const root = withForms(
      [
        ...forms.map((form, index) => [form, new Uint8Array(index * 40).fill(index)] as const),
        [F.DW_FORM_data16, new Uint8Array(16)],
        [F.DW_FORM_ref_sig8, 1n],
      ],
      wide,
    );
    expect(forms.map((_, index) => root.block(USER + index)?.length)).toEqual([0, 40, 80, 120, 160]);
    expect(root.block(USER + 5)).toBeUndefined();
  });

  it('of references, within the unit and to others', () => {
    const forms = [F.DW_FORM_ref1, F.DW_FORM_ref2, F.DW_FORM_ref4, F.DW_FORM_ref8];
    const root = withForms(
      [
        ...forms.map((form) => [form, { ref: 'child' }] as const),
        [F.DW_FORM_ref_udata, { ref: 'self' }],
        [F.DW_FORM_ref_addr, { ref: 'elsewhere' }],
        [F.DW_FORM_ref_addr, { ref: 'child' }],
      ],
      wide,
    );
    for (const index of [0, 1, 2, 3, 6]) expect(root.referenced(USER + index)?.tag).toBe(0x34);
    expect(root.referenced(USER + 4)?.offset).toBe(root.offset);
    expect(root.referenced(USER + 5)?.name).toBe('elsewhere');
    expect(root.referenced(0x1fff)).toBeUndefined();
  });
});

describe('damage', () => {
  it('in a form is an error of the family', () => {
    const b = new DwarfBuilder();
    const unit = b.unit({
      version: 4,
      root: {
        tag: 0x11,
        attributes: [
          [USER, F.DW_FORM_data1, 1],
          [LAST, F.DW_FORM_data1, 2],
        ],
      },
    });
    b.abbrev.patch(5, 0x7e, 1);
    expect(() => openDwarf(b).unit(unit).root().number(LAST)).toThrow('unknown form 0x7e');
    const loop = new DwarfBuilder();
    const indirect = loop.unit({
      version: 4,
      root: {
        tag: 0x11,
        attributes: [
          [USER, F.DW_FORM_indirect, { form: F.DW_FORM_udata, value: 1 }],
          [LAST, F.DW_FORM_data1, 2],
        ],
      },
    });
    loop.info.patch(indirect + 12, F.DW_FORM_indirect, 1);
    expect(() => openDwarf(loop).unit(indirect).root().number(LAST)).toThrow(FormatError);
  });

  it('in origins that lead back to themselves ends', () => {
    const b = new DwarfBuilder();
    const unit = b.unit({
      version: 5,
      root: { tag: 0x2e, label: 'a', attributes: [[F.DW_AT_abstract_origin, F.DW_FORM_ref4, { ref: 'a' }]] },
    });
    expect(openDwarf(b).unit(unit).root().name).toBeUndefined();
  });
});

describe('indexed range lists', () => {
  it('are found through their base, and every kind of entry counts', () => {
    const b = new DwarfBuilder();
    // One list in a table of one offset.
    b.rnglists.u32(4);
    b.rangeList([
      [F.DW_RLE_base_addressx, 0],
      [F.DW_RLE_offset_pair, 0x10, 0x20],
      [F.DW_RLE_startx_endx, 1, 2],
      [F.DW_RLE_startx_length, 3, 8],
      [F.DW_RLE_start_end, TEXT + 0x700n, TEXT + 0x710n],
    ]);
    for (const offset of [0x100n, 0x300n, 0x310n, 0x500n]) b.addr.u64(TEXT + offset);
    const unit = b.unit({
      version: 5,
      root: {
        tag: 0x11,
        attributes: [
          [F.DW_AT_rnglists_base, F.DW_FORM_sec_offset, 0],
          [F.DW_AT_addr_base, F.DW_FORM_sec_offset, 8],
          [F.DW_AT_ranges, F.DW_FORM_rnglistx, 0],
        ],
      },
    });
    const root = openDwarf(b).unit(unit).root();
    const found: number[][] = [];
    forEachRange(root, (low, high) => {
      found.push([low + 0x7f00_0000, high + 0x7f00_0000]);
      return false;
    });
    expect(found).toEqual([
      [0x110, 0x120],
      [0x300, 0x310],
      [0x500, 0x508],
      [0x700, 0x710],
    ]);
    expect(coversAddress(root, -0x7f00_0000 + 0x11f)).toBe(true);
    expect(coversAddress(root, -0x7f00_0000 + 0x120)).toBe(false);
  });

  it('longer than the first window are read whole', () => {
    const b = new DwarfBuilder();
    const list = b.rangeList(
      Array.from({ length: 700 }, (_, index) => [F.DW_RLE_start_length, TEXT + BigInt(index) * 32n, 16] as const),
    );
    const pairs = b.rangePairs(
      Array.from(
        { length: 700 },
        (_, index) => [TEXT + BigInt(index) * 32n, TEXT + BigInt(index) * 32n + 16n] as const,
      ),
    );
    const five = b.unit({
      version: 5,
      root: { tag: 0x11, attributes: [[F.DW_AT_ranges, F.DW_FORM_sec_offset, list]] },
    });
    const four = b.unit({
      version: 4,
      root: { tag: 0x11, attributes: [[F.DW_AT_ranges, F.DW_FORM_sec_offset, pairs]] },
    });
    const dwarf = openDwarf(b);
    for (const unit of [five, four]) {
      expect(coversAddress(required(dwarf.unit(unit).root()), -0x7f00_0000 + 699 * 32)).toBe(true);
      expect(coversAddress(required(dwarf.unit(unit).root()), -0x7f00_0000 + 16)).toBe(false);
    }
  });

  it('of unknown entries are refused without reading the whole section', () => {
    const b = new DwarfBuilder();
    b.rnglists.u8(0x33).zeros(1 << 20);
    const unit = b.unit({ version: 5, root: { tag: 0x11, attributes: [[F.DW_AT_ranges, F.DW_FORM_sec_offset, 0]] } });
    const root = openDwarf(b).unit(unit).root();
    expect(() => forEachRange(root, () => false)).toThrow('unknown entry kind 51');
  });
});

describe('an abbreviation table', () => {
  const open = (bytes: Uint8Array): DebugSection =>
    new DebugSection('.debug_abbrev', new BytesSource('test', bytes), undefined);

  it('larger than the first window is read whole', () => {
    const out = new ByteWriter().u8(0);
    for (let code = 1; code <= 4000; code++)
      out
        .uleb(code)
        .uleb(0x34)
        .u8(code & 1)
        .uleb(F.DW_AT_name)
        .uleb(F.DW_FORM_implicit_const)
        .sleb(-code)
        .u8(0)
        .u8(0);
    const table = readAbbrevTable(open(out.u8(0).build()), 1);
    expect(table[4000]).toEqual({
      code: 4000,
      tag: 0x34,
      hasChildren: false,
      names: [F.DW_AT_name],
      forms: [F.DW_FORM_implicit_const],
      constants: [-4000],
    });
    expect(table[3999]?.hasChildren).toBe(true);
  });

  it('that does not end, or has absurd codes, is refused', () => {
    expect(() => readAbbrevTable(open(Uint8Array.of(1, 0x34, 0, 3, 8)), 0)).toThrow('does not end');
    expect(() =>
      readAbbrevTable(
        open(
          new ByteWriter()
            .uleb(1 << 20)
            .zeros(9)
            .build(),
        ),
        0,
      ),
    ).toThrow('too large');
  });
});
