/** Line number programs: every opcode, versions 2 to 5, tables of files, damage. */

import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../test/builders/byte-writer.ts';
import { DwarfBuilder } from '../../../test/builders/dwarf.ts';
import type { LineAssembler, LineSpec } from '../../../test/builders/dwarf-line.ts';
import { openElfBytes } from '../../../test/builders/dwarf-open.ts';
import { ElfBuilder } from '../../../test/builders/elf.ts';
import { memoryHost } from '../../../test/builders/host.ts';
import { FormatError } from '../../base/errors.ts';
import { LineProgram } from './line-program.ts';
import { DwarfSections } from './sections.ts';

const TEXT = 0xffff_ffff_8100_0000n;
const at = (offset: number): number => Number(BigInt.asIntN(64, TEXT)) + offset;
const plain = {
  directories: ['/src', 'a'],
  files: [
    { name: 'zero.c', directory: 0 },
    { name: 'one.c', directory: 1 },
    { name: 'two.h', directory: 1 },
  ],
};

function run(spec: Partial<LineSpec>, write: (program: LineAssembler) => void): LineProgram {
  const b = new DwarfBuilder();
  b.line.zeros(3);
  const offset = b.lineProgram({ version: 5, ...plain, ...spec }, write);
  return new LineProgram(new DwarfSections(openElfBytes(b.build()), memoryHost()), offset);
}

function row(program: LineProgram, offset: number): unknown[] | undefined {
  const found = program.rowAt(at(offset));
  return found && [found.file, found.line, found.column];
}

describe.each([2, 3, 4, 5] as const)('version %i', (version) => {
  it('runs every opcode', () => {
    const program = run({ version, unknownOpcodes: [0, 2] }, (p) => {
      p.setAddress(TEXT).setFile(2).setColumn(5).advanceLine(100).copy(); // 0: 2, 101, 5
      p.special(3, 4); // 4: line 104
      p.special(-5, 2); // 6: line 99
      p.constAddPc().special(0, 0); // 6 + (255 - 15) / 14 = 17 → 23
      p.fixedAdvancePc(0x100).advanceLine(-98).copy(); // 0x117: line 1
      p.negateStatement().basicBlock().prologueEnd().epilogueBegin().setIsa(3);
      p.unknown(13, []).unknown(14, [300, 4]).discriminator(7).extended(0x80, [1, 2, 3]);
      p.advancePc(0x200).setFile(1).setColumn(0).copy(); // 0x317
      p.advancePc(1).endSequence();
    });
    expect(row(program, -1)).toBeUndefined();
    expect(row(program, 0)).toEqual([2, 101, 5]);
    expect(row(program, 3)).toEqual([2, 101, 5]);
    expect(row(program, 4)).toEqual([2, 104, 5]);
    expect(row(program, 6)).toEqual([2, 99, 5]);
    expect(row(program, 22)).toEqual([2, 99, 5]);
    expect(row(program, 23)).toEqual([2, 99, 5]);
    expect(row(program, 0x116)).toEqual([2, 99, 5]);
    expect(row(program, 0x117)).toEqual([2, 1, 5]);
    expect(row(program, 0x317)).toEqual([1, 1, 0]);
    expect(row(program, 0x318)).toBeUndefined();
  });

  it('scales by the minimum instruction length, but not DW_LNS_fixed_advance_pc', () => {
    const program = run({ version, minimumInstruction: 4, lineBase: -3, lineRange: 12 }, (p) => {
      p.setAddress(TEXT)
        .copy()
        .special(1, 2)
        .advancePc(3)
        .special(1, 0)
        .fixedAdvancePc(1)
        .special(1, 0)
        .constAddPc()
        .special(1, 0)
        .advancePc(1)
        .endSequence();
    });
    const step = Math.floor((255 - 13) / 12) * 4;
    expect([0, 8, 20, 21, 21 + step].map((offset) => program.rowAt(at(offset))?.line)).toEqual([1, 2, 3, 4, 5]);
    expect([7, 19, 20 + step].map((offset) => program.rowAt(at(offset))?.line)).toEqual([1, 2, 4]);
  });

  it('keeps sequences apart and sorts them', () => {
    const program = run({ version }, (p) => {
      p.setAddress(TEXT + 0x100n)
        .advanceLine(9)
        .copy()
        .advancePc(0x10)
        .endSequence();
      p.setAddress(TEXT).advanceLine(4).copy().advancePc(0x10).endSequence();
      p.setAddress(TEXT + 0x50n)
        .copy()
        .endSequence(); // empty
      p.setAddress(TEXT + 0x200n).copy(); // never ends
    });
    expect(program.rowAt(at(0x108))?.line).toBe(10);
    expect(program.rowAt(at(8))?.line).toBe(5);
    for (const offset of [0x10, 0x50, 0xff, 0x110, 0x200]) expect(program.rowAt(at(offset))).toBeUndefined();
  });

  it('names files with their directories', () => {
    const program = run({ version }, (p) => void p.copy());
    const first = version === 5 ? 0 : 1;
    expect(program.path(first)).toBe('zero.c');
    expect(program.path(first + 1)).toBe(version === 5 ? 'a/one.c' : '/src/one.c');
    expect(program.path(first + 3)).toBeUndefined();
    expect(program.path(-1)).toBeUndefined();
  });
});

describe('version 5', () => {
  it('takes names in place, checksums, and 64-bit DWARF', () => {
    for (const spec of [{ inlineNames: true }, { checksums: true }, { wide: true }, { wide: true, checksums: true }]) {
      const program = run(spec, (p) => void p.setAddress(TEXT).copy().advancePc(4).endSequence());
      expect(program.path(2)).toBe('a/two.h');
      expect(program.rowAt(at(3))?.line).toBe(1);
    }
  });
});

describe('a damaged program', () => {
  const open = (bytes: Uint8Array): LineProgram => {
    const elf = new ElfBuilder();
    elf.section({ name: '.debug_line', data: bytes });
    return new LineProgram(new DwarfSections(openElfBytes(elf.build()), memoryHost()), 0);
  };
  const header = (count: bigint, formats: readonly number[]): Uint8Array => {
    const tables = new ByteWriter()
      .bytes([1, 1, 1, 0xfb, 14, 1])
      .u8(formats.length / 2)
      .bytes(formats)
      .uleb(count);
    const body = new ByteWriter().u16(5).u8(8).u8(0).u32(tables.length).bytes(tables.build()).zeros(8);
    return new ByteWriter().u32(body.length).bytes(body.build()).build();
  };

  it('with a table of countless entries that take no bytes is refused at once', () => {
    expect(() => open(header(1n << 40n, []))).toThrow(FormatError);
    expect(() => open(header(1n << 40n, [1, 0x19]))).toThrow(FormatError);
    expect(() => open(header(1n << 40n, [1, 8]))).toThrow(FormatError);
  });

  it('of another version or without a line range is refused', () => {
    expect(() => open(new ByteWriter().u32(10).u16(6).zeros(8).build())).toThrow('version 6 is not supported');
    const bytes = header(0n, []);
    bytes[16] = 0;
    expect(() => open(bytes)).toThrow('no line range');
    expect(() => open(new ByteWriter().u32(0xffff_fff0).zeros(20).build())).toThrow(FormatError);
  });
});
