/** Two units, of DWARF 5 and 4, each a function with inlined calls inside one another and a cold part elsewhere. */

import * as F from '../../src/debuginfo/dwarf/constants.ts';
import type { DwarfInfo } from '../../src/debuginfo/dwarf/dwarf-info.ts';
import { DwarfBuilder, type DieSpec } from './dwarf.ts';

export const TEXT = 0xffff_ffff_8100_0000n;
export const at = (offset: number): number => Number(BigInt.asIntN(64, TEXT)) + offset;

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

export function addUnit(b: DwarfBuilder, version: 4 | 5, base: bigint): number {
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

export function sampleDwarf(aranges: 'all' | 'none' | 'some'): DwarfBuilder {
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

export function describeAt(dwarf: DwarfInfo, address: number): string[] {
  return dwarf
    .framesAt(address)
    .map(
      ({ functionName, source, inlined }) =>
        `${functionName}${inlined ? ' inlined' : ''} ${source?.file}:${source?.line}:${source?.column}`,
    );
}
