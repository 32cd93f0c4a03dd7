/** From an address to functions, inlined calls and lines; units of DWARF 4 and 5 in one file; relocated modules. */

import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../test/builders/byte-writer.ts';
import { DwarfBuilder } from '../../../test/builders/dwarf.ts';
import { openDwarf, openDwarfBytes } from '../../../test/builders/dwarf-open.ts';
import { at, describeAt, sampleDwarf } from '../../../test/builders/dwarf-sample.ts';
import { ElfBuilder, symbolTableBytes } from '../../../test/builders/elf.ts';
import { FormatError } from '../../base/errors.ts';
import { ET_REL, SHF_ALLOC, SHF_EXECINSTR, SHT_RELA, SHT_SYMTAB, STT_SECTION } from '../../formats/elf/constants.ts';
import * as F from './constants.ts';

describe.each(['all', 'none', 'some'] as const)('with .debug_aranges for %s', (aranges) => {
  const dwarf = openDwarf(sampleDwarf(aranges));

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
    const dwarf = openDwarf(sampleDwarf('all'));
    dwarf.framesAt(at(0x10));
    expect(dwarf.unitsOpened).toBe(1);
  });
});

describe('sections', () => {
  it('may be compressed', () => {
    expect(describeAt(openDwarfBytes(sampleDwarf('all').build({ compressed: true })), at(0x20))).toEqual([
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
