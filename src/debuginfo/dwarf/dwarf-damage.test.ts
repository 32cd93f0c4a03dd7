/** Damaged DWARF costs what it describes, and nothing else: no other error, no other unit, no endless walk. */

import { describe, expect, it } from 'vitest';
import { DwarfBuilder, type DieSpec } from '../../../test/builders/dwarf.ts';
import { openDwarf, openDwarfBytes } from '../../../test/builders/dwarf-open.ts';
import { addUnit, at, describeAt, sampleDwarf, TEXT } from '../../../test/builders/dwarf-sample.ts';
import { ElfBuilder } from '../../../test/builders/elf.ts';
import { mutationRun } from '../../../test/builders/mutate.ts';
import { attempt } from '../../base/errors.ts';
import * as F from './constants.ts';
import type { DwarfInfo } from './dwarf-info.ts';

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
    const sections = sampleDwarf(name === '.debug_aranges' ? 'some' : 'none').sections();
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
    const b = sampleDwarf('none');
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
    const b = sampleDwarf('none');
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
    expect(openDwarf(b).framesAt(at(0))).toEqual([]);
  });
});
