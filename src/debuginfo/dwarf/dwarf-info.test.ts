/** From an address to functions, inlined calls and lines; units of DWARF 4 and 5 in one file; relocated modules. */

import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../test/builders/byte-writer.ts';
import { DwarfBuilder, type DieSpec } from '../../../test/builders/dwarf.ts';
import { openDwarf, openDwarfBytes } from '../../../test/builders/dwarf-open.ts';
import { ElfBuilder, symbolTableBytes } from '../../../test/builders/elf.ts';
import { mutationRun } from '../../../test/builders/mutate.ts';
import { attempt, FormatError } from '../../base/errors.ts';
import { ET_REL, SHF_ALLOC, SHF_EXECINSTR, SHT_RELA, SHT_SYMTAB, STT_SECTION } from '../../formats/elf/constants.ts';
import * as F from './constants.ts';
import type { DwarfInfo } from './dwarf-info.ts';

const TEXT = 0xffff_ffff_8100_0000n;
const at = (offset: number): number => Number(BigInt.asIntN(64, TEXT)) + offset;

/** A function with an inlined call in a block, itself with an inlined call inside; its cold part elsewhere. */
function functionTree(version: 4 | 5, b: DwarfBuilder, base: bigint): DieSpec[] {
  const cold = base + 0x800n;
  const lists =
    version === 5
      ? [
          b.rangeList([
            [F.DW_RLE_base_address, base],
            [F.DW_RLE_offset_pair, 0x10, 0x40],
            [F.DW_RLE_start_length, cold, 0x10],
          ]),
          b.rangeList([
            [F.DW_RLE_start_end, base + 0x18n, base + 0x20n],
            [F.DW_RLE_offset_pair, 0x28, 0x30],
          ]),
        ]
      : [
          b.rangePairs([
            [0x10n, 0x40n],
            [0xffff_ffff_ffff_ffffn, cold],
            [0n, 0x10n],
          ]),
          b.rangePairs([
            [0x18n, 0x20n],
            [0x28n, 0x30n],
          ]),
        ];
  const form = F.DW_FORM_sec_offset;
  return [
    {
      tag: F.DW_TAG_subprogram,
      label: 'inner',
      attributes: [
        [F.DW_AT_name, F.DW_FORM_string, 'inner'],
        [0x20, F.DW_FORM_data1, 1],
      ],
    },
    {
      tag: F.DW_TAG_subprogram,
      label: `middle${version}`,
      attributes: [
        [F.DW_AT_name, F.DW_FORM_strp, 'middle'],
        [0x20, F.DW_FORM_data1, 1],
      ],
    },
    {
      tag: F.DW_TAG_subprogram,
      sibling: true,
      attributes: [
        [F.DW_AT_name, F.DW_FORM_strp, 'outer'],
        [F.DW_AT_ranges, form, lists[0] ?? 0],
      ],
      children: [
        { tag: F.DW_TAG_variable, attributes: [[F.DW_AT_name, F.DW_FORM_string, 'x']] },
        {
          tag: F.DW_TAG_lexical_block,
          attributes: [
            [F.DW_AT_low_pc, F.DW_FORM_addr, base + 0x14n],
            [F.DW_AT_high_pc, F.DW_FORM_data1, 0x24],
          ],
          children: [
            {
              tag: F.DW_TAG_inlined_subroutine,
              attributes: [
                [F.DW_AT_abstract_origin, F.DW_FORM_ref_addr, { ref: `middle${version}` }],
                [F.DW_AT_ranges, form, lists[1] ?? 0],
                [F.DW_AT_call_file, F.DW_FORM_data1, 1],
                [F.DW_AT_call_line, F.DW_FORM_data2, 300],
                [F.DW_AT_call_column, F.DW_FORM_data1, 9],
              ],
              children: [
                {
                  tag: F.DW_TAG_inlined_subroutine,
                  attributes: [
                    [F.DW_AT_abstract_origin, F.DW_FORM_ref_addr, { ref: 'inner' }],
                    [F.DW_AT_low_pc, F.DW_FORM_addr, base + 0x18n],
                    [F.DW_AT_high_pc, F.DW_FORM_addr, base + 0x1cn],
                    [F.DW_AT_call_file, F.DW_FORM_data1, 2],
                    [F.DW_AT_call_line, F.DW_FORM_data1, 44],
                  ],
                },
              ],
            },
          ],
        },
      ],
    },
    {
      tag: F.DW_TAG_subprogram,
      attributes: [
        [F.DW_AT_name, F.DW_FORM_string, 'declared'],
        [F.DW_AT_declaration, F.DW_FORM_flag_present],
        [F.DW_AT_low_pc, F.DW_FORM_addr, base],
        [F.DW_AT_high_pc, F.DW_FORM_data4, 0x900],
      ],
    },
    {
      tag: F.DW_TAG_namespace,
      children: [
        {
          tag: F.DW_TAG_subprogram,
          attributes: [
            [F.DW_AT_name, F.DW_FORM_string, 'nested'],
            [F.DW_AT_low_pc, F.DW_FORM_addr, base + 0x100n],
            [F.DW_AT_high_pc, F.DW_FORM_udata, 0x10],
          ],
          children: [],
        },
      ],
    },
  ];
}

function addUnit(b: DwarfBuilder, version: 4 | 5, base: bigint): number {
  const directories = version === 5 ? ['/build/linux-6.1', 'fs/nfs', 'include/linux'] : ['fs/nfs', 'include/linux'];
  const files =
    version === 5
      ? [
          { name: 'write.c', directory: 1 },
          { name: 'write.c', directory: 1 },
          { name: 'spinlock.h', directory: 2 },
        ]
      : [
          { name: 'write.c', directory: 1 },
          { name: 'spinlock.h', directory: 2 },
        ];
  const line = b.lineProgram({ version, directories, files }, (p) => {
    p.setAddress(base + 0x10n)
      .setFile(1)
      .advanceLine(9)
      .setColumn(3)
      .copy();
    p.setFile(2).setColumn(7).advanceLine(90).advancePc(8).copy();
    p.setFile(1).advanceLine(-50).advancePc(4).copy();
    p.advancePc(0x24).endSequence();
    p.setAddress(base + 0x800n)
      .setFile(1)
      .advanceLine(499)
      .copy()
      .advancePc(0x10)
      .endSequence();
  });
  const pairs =
    version === 5
      ? 0
      : b.rangePairs([
          [base, base + 0x200n],
          [base + 0x800n, base + 0x810n],
        ]);
  const lists =
    version === 5
      ? b.rangeList([
          [F.DW_RLE_start_length, base, 0x200],
          [F.DW_RLE_start_length, base + 0x800n, 0x10],
        ])
      : pairs;
  return b.unit({
    version,
    root: {
      tag: 0x11,
      attributes: [
        [F.DW_AT_name, F.DW_FORM_string, 'fs/nfs/write.c'],
        [F.DW_AT_comp_dir, F.DW_FORM_strp, '/build/linux-6.1'],
        [F.DW_AT_stmt_list, F.DW_FORM_sec_offset, line],
        // As compilers write it where a unit has ranges: the base of its lists is zero, or where they say.
        [F.DW_AT_low_pc, F.DW_FORM_addr, base],
        [
          F.DW_AT_ranges,
          F.DW_FORM_sec_offset,
          version === 5
            ? lists
            : b.rangePairs([
                [0n, 0x200n],
                [0x800n, 0x810n],
              ]),
        ],
      ],
      children: functionTree(version, b, base),
    },
  });
}

function sample(aranges: 'all' | 'none' | 'some'): DwarfBuilder {
  const b = new DwarfBuilder();
  const five = addUnit(b, 5, TEXT);
  const four = addUnit(b, 4, TEXT + 0x1000n);
  if (aranges !== 'none')
    b.arangeSet(five, [
      [TEXT, 0x200],
      [TEXT + 0x800n, 0x10],
    ]);
  if (aranges === 'all')
    b.arangeSet(four, [
      [TEXT + 0x1000n, 0x200],
      [TEXT + 0x1800n, 0x10],
    ]);
  return b;
}

function describeAt(dwarf: DwarfInfo, address: number): string[] {
  return dwarf
    .framesAt(address)
    .map(
      ({ functionName, source, inlined }) =>
        `${functionName}${inlined ? ' inlined' : ''} ${source?.file}:${source?.line}:${source?.column}`,
    );
}

describe.each(['all', 'none', 'some'] as const)('with .debug_aranges for %s', (aranges) => {
  const dwarf = openDwarf(sample(aranges));

  it.each([
    [5, 0],
    [4, 0x1000],
  ])('a DWARF %i unit has its functions, inlined calls and lines', (_, base) => {
    expect(describeAt(dwarf, at(base + 0x18))).toEqual([
      'inner inlined include/linux/spinlock.h:100:7',
      'middle inlined include/linux/spinlock.h:44:0',
      'outer fs/nfs/write.c:300:9',
    ]);
    expect(describeAt(dwarf, at(base + 0x1c))).toEqual([
      'middle inlined fs/nfs/write.c:50:7',
      'outer fs/nfs/write.c:300:9',
    ]);
    expect(describeAt(dwarf, at(base + 0x20))).toEqual(['outer fs/nfs/write.c:50:7']);
    expect(describeAt(dwarf, at(base + 0x28))).toHaveLength(2);
    expect(describeAt(dwarf, at(base + 0x10))).toEqual(['outer fs/nfs/write.c:10:3']);
    expect(describeAt(dwarf, at(base + 0x80f))).toEqual(['outer fs/nfs/write.c:500:0']);
    expect(describeAt(dwarf, at(base + 0x100))).toEqual(['nested undefined:undefined:undefined']);
    expect(dwarf.scopesAt(at(base + 0x18)).map((die) => die.tag)).toEqual([
      F.DW_TAG_subprogram,
      F.DW_TAG_lexical_block,
      F.DW_TAG_inlined_subroutine,
      F.DW_TAG_inlined_subroutine,
    ]);
  });

  it('says nothing of addresses that no function covers', () => {
    for (const offset of [-1, 0, 0xf, 0x40, 0x7ff, 0x810, 0x2000]) expect(describeAt(dwarf, at(offset))).toEqual([]);
    expect(dwarf.lineAt(at(0x3f))).toEqual({ file: 'fs/nfs/write.c', line: 50, column: 7 });
    expect(dwarf.lineAt(at(0x40))).toBeUndefined();
  });
});

describe('work', () => {
  it('is one unit where .debug_aranges leads to it', () => {
    const dwarf = openDwarf(sample('all'));
    dwarf.framesAt(at(0x10));
    expect(dwarf.unitsOpened).toBe(1);
  });
});

describe('sections', () => {
  it('may be compressed', () => {
    expect(describeAt(openDwarfBytes(sample('all').build({ compressed: true })), at(0x20))).toEqual([
      'outer fs/nfs/write.c:50:7',
    ]);
  });

  it('compressed the GNU way and cut off are refused with an error of the family', () => {
    for (const data of [
      new ByteWriter().bytes([0x5a, 0x4c, 0x49, 0x42]).zeros(3).build(),
      new ByteWriter().bytes([0x5a, 0x4c, 0x49, 0x42]).zeros(20).build(),
    ]) {
      const elf = new ElfBuilder();
      elf.section({ name: '.zdebug_info', data });
      expect(() => openDwarfBytes(elf.build()).framesAt(0)).toThrow(FormatError);
    }
  });

  it('of a module are relocated to where its sections were loaded', () => {
    const b = new DwarfBuilder();
    const unit = b.unit({
      version: 5,
      root: {
        tag: 0x11,
        attributes: [
          [F.DW_AT_name, F.DW_FORM_string, 'm.c'],
          [F.DW_AT_low_pc, F.DW_FORM_addr, 0n],
          [F.DW_AT_high_pc, F.DW_FORM_data4, 0x100],
        ],
        children: [
          {
            tag: F.DW_TAG_subprogram,
            attributes: [
              [F.DW_AT_low_pc, F.DW_FORM_addr, 0n],
              [F.DW_AT_high_pc, F.DW_FORM_data4, 0x10],
              [F.DW_AT_name, F.DW_FORM_string, 'cleanup'],
            ],
          },
        ],
      },
    });
    const sections = b.sections();
    const info = sections.get('.debug_info') ?? new Uint8Array(0);
    // Where the two addresses are: behind the abbreviation code and, in the first, the name.
    const first = unit + 12 + 1 + 4;
    const second = first + 8 + 4 + 1;
    const elf = new ElfBuilder({ type: ET_REL });
    const text = elf.section({
      name: '.text',
      flags: SHF_ALLOC | SHF_EXECINSTR,
      address: 0x2180n,
      data: new Uint8Array(0x100),
    });
    const infoIndex = elf.section({ name: '.debug_info', data: info });
    elf.section({ name: '.debug_abbrev', data: sections.get('.debug_abbrev') ?? new Uint8Array(0) });
    const { symtab, strtab } = symbolTableBytes([{ name: '', value: 0n, type: STT_SECTION, section: text }]);
    const strings = elf.section({ name: '.strtab', data: strtab, type: 3 });
    const symbols = elf.section({ name: '.symtab', data: symtab, type: SHT_SYMTAB, link: strings });
    for (const order of ['sorted', 'unsorted'] as const) {
      const rela = new ByteWriter();
      for (const [offset, addend] of order === 'sorted'
        ? ([
            [first, 0n],
            [second, 0x20n],
          ] as const)
        : ([
            [second, 0x20n],
            [first, 0n],
          ] as const))
        rela.u64(offset).u32(1).u32(1).u64(addend);
      const relocated = new ElfBuilder({ type: ET_REL });
      relocated.section({
        name: '.text',
        flags: SHF_ALLOC | SHF_EXECINSTR,
        address: 0x2180n,
        data: new Uint8Array(0x100),
      });
      relocated.section({ name: '.debug_info', data: info });
      relocated.section({ name: '.debug_abbrev', data: sections.get('.debug_abbrev') ?? new Uint8Array(0) });
      relocated.section({ name: '.strtab', data: strtab, type: 3 });
      relocated.section({ name: '.symtab', data: symtab, type: SHT_SYMTAB, link: strings });
      relocated.section({
        name: '.rela.debug_info',
        type: SHT_RELA,
        data: rela.build(),
        link: symbols,
        info: infoIndex,
        entrySize: 24,
      });
      const dwarf = openDwarfBytes(relocated.build(), (name) =>
        name === '.text' ? 0xffff_ffff_c000_0000n : undefined,
      );
      expect(dwarf.framesAt(-0x4000_0000 + 0x25).map((frame) => frame.functionName)).toEqual(['cleanup']);
      expect(dwarf.framesAt(-0x4000_0000 + 0x1f)).toEqual([]);
    }
  });
});

describe('damaged DWARF', () => {
  function useAll(dwarf: DwarfInfo): void {
    for (const base of [0, 0x1000]) {
      for (const offset of [0x10, 0x18, 0x28, 0x100, 0x808]) {
        attempt(() => dwarf.framesAt(at(base + offset)));
        attempt(() => dwarf.lineAt(at(base + offset)));
        attempt(() => dwarf.scopesAt(at(base + offset)));
      }
    }
    for (let offset = 0; offset < 400; offset += 31) attempt(() => dwarf.dieAt(offset)?.name);
  }

  it.each([
    '.debug_info',
    '.debug_abbrev',
    '.debug_line',
    '.debug_str',
    '.debug_line_str',
    '.debug_rnglists',
    '.debug_ranges',
    '.debug_aranges',
  ])('in %s never does worse than an error of the family', (name) => {
    const sections = sample(name === '.debug_aranges' ? 'some' : 'none').sections();
    mutationRun(
      sections.get(name) ?? new Uint8Array(0),
      name === '.debug_info' || name === '.debug_abbrev' ? 700 : 300,
      (bytes) => {
        const elf = new ElfBuilder();
        for (const [other, data] of sections) elf.section({ name: other, data: other === name ? bytes : data });
        useAll(openDwarfBytes(elf.build()));
      },
    );
  });

  it('in the line program costs the lines, not the functions', () => {
    const b = sample('none');
    b.line.patch(4, 9, 2);
    expect(
      openDwarf(b)
        .framesAt(at(0x18))
        .map((frame) => [frame.functionName, frame.source]),
    ).toEqual([
      ['inner', undefined],
      ['middle', undefined],
      ['outer', undefined],
    ]);
  });

  it('in one unit leaves the others to be found', () => {
    const b = new DwarfBuilder();
    addUnit(b, 5, TEXT);
    const broken = b.unit({
      version: 5,
      root: { tag: 0x11, attributes: [[F.DW_AT_name, F.DW_FORM_string, 'x']], children: [] },
    });
    addUnit(b, 4, TEXT + 0x1000n);
    b.info.patch(broken + 8, 0xffff_0000, 4);
    const dwarf = openDwarf(b);
    expect(describeAt(dwarf, at(0x20))).toEqual(['outer fs/nfs/write.c:50:7']);
    expect(describeAt(dwarf, at(0x1020))).toEqual(['outer fs/nfs/write.c:50:7']);
  });

  it('with zeros behind the last unit is read up to them', () => {
    const b = sample('none');
    b.info.zeros(64);
    expect(describeAt(openDwarf(b), at(0x20))).toEqual(['outer fs/nfs/write.c:50:7']);
  });

  it('with siblings that lead into their own children ends', () => {
    const b = new DwarfBuilder();
    const depth = 200;
    let tree: DieSpec = { tag: F.DW_TAG_namespace, children: [] };
    for (let level = 0; level < depth; level++)
      tree = { tag: F.DW_TAG_namespace, attributes: [[F.DW_AT_sibling, F.DW_FORM_ref4, 0]], children: [tree] };
    const unit = b.unit({
      version: 5,
      root: {
        tag: 0x11,
        attributes: [
          [F.DW_AT_low_pc, F.DW_FORM_addr, TEXT],
          [F.DW_AT_high_pc, F.DW_FORM_data4, 0x100],
        ],
        children: [tree],
      },
    });
    // Each namespace (code, sibling) says its sibling is its grandchild.
    const first = unit + 12 + 1 + 12;
    for (let level = 0; level + 2 < depth; level++)
      b.info.patch(first + level * 5 + 1, first - unit + (level + 2) * 5, 4);
    const start = performance.now();
    attempt(() => openDwarf(b).framesAt(at(0)));
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});
