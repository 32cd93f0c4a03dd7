/** ELF headers, sections and segments of both classes; counts in section 0; damage. */

import { describe, expect, it } from 'vitest';
import { mutationRun } from '../../../test/builders/mutate.ts';
import { openElfBytes } from '../../../test/builders/dwarf-open.ts';
import { ElfBuilder } from '../../../test/builders/elf.ts';
import { FormatError } from '../../base/errors.ts';
import type { ByteSource } from '../../bytes/byte-source.ts';
import { symbolsOfElf } from '../../debuginfo/symbols/elf-symbols.ts';
import { EM_386, ET_EXEC, PT_LOAD, PT_NOTE, SHF_ALLOC, SHT_NOBITS, SHT_NOTE } from './constants.ts';
import { ElfFile } from './elf-file.ts';

const data = Uint8Array.of(1, 2, 3, 4, 5);

function build(bits: 32 | 64, extended = false): Uint8Array {
  const elf = new ElfBuilder({ bits, extended, type: ET_EXEC, machine: bits === 32 ? EM_386 : 62 });
  elf.section({ name: '.text', data, flags: SHF_ALLOC, address: bits === 32 ? 0xc000_0000n : 0xffff_ffff_8100_0000n });
  elf.section({ name: '.bss', type: SHT_NOBITS, size: 4096 });
  elf.section({ name: '.note', type: SHT_NOTE, data: data.slice(0, 4), link: 3, info: 7, entrySize: 16 });
  elf.segment({
    type: PT_LOAD,
    flags: 5,
    data,
    virtualAddress: 0x8000_1000n,
    physicalAddress: 0x1000n,
    memorySize: 99,
  });
  elf.segment({ type: PT_NOTE, data: data.slice(1) });
  return elf.build();
}

describe.each([32, 64] as const)('ELF%i', (bits) => {
  it.each([false, true])('has its sections and segments (counts in section 0: %s)', (extended) => {
    const elf = openElfBytes(build(bits, extended));
    expect(elf.is64).toBe(bits === 64);
    expect(elf.type).toBe(ET_EXEC);
    expect(elf.sections().map((section) => section.name)).toEqual(['', '.text', '.bss', '.note', '.shstrtab']);
    const text = elf.section('.text');
    expect(text?.address).toBe(bits === 32 ? 0xc000_0000n : 0xffff_ffff_8100_0000n);
    expect(text?.flags).toBe(SHF_ALLOC);
    expect(text && elf.bytesOf(text)).toEqual(data);
    const bss = elf.section('.bss');
    expect(bss?.size).toBe(4096);
    expect(bss && elf.bytesOf(bss)).toHaveLength(0);
    expect(elf.section('.note')).toMatchObject({ type: SHT_NOTE, link: 3, info: 7, entrySize: 16 });
    expect(elf.segments()).toMatchObject([
      { type: PT_LOAD, flags: 5, virtualAddress: 0x8000_1000n, physicalAddress: 0x1000n, fileSize: 5, memorySize: 99 },
      { type: PT_NOTE, flags: 7, fileSize: 4, memorySize: 4 },
    ]);
  });
});

describe('more segments than the header can count', () => {
  it('are all there', () => {
    const elf = new ElfBuilder({ extended: true });
    for (let index = 0; index < 70_000; index++) {
      elf.segment({ type: PT_LOAD, data: new Uint8Array(0), offset: 64, physicalAddress: BigInt(index) * 4096n });
    }
    const segments = openElfBytes(elf.build()).segments();
    expect(segments).toHaveLength(70_000);
    expect(segments.at(-1)?.physicalAddress).toBe(69_999n * 4096n);
  });
});

describe('a damaged ELF file', () => {
  it('is refused where it is none', () => {
    expect(() => openElfBytes(new Uint8Array(0))).toThrow(FormatError);
    expect(() => openElfBytes(new Uint8Array(100))).toThrow('is not an ELF file');
    expect(() => openElfBytes(build(64).slice(0, 40))).toThrow(FormatError);
    for (const bits of [32, 64] as const)
      for (const length of [4, 5, 16, 51])
        expect(() => openElfBytes(build(bits).slice(0, length))).toThrow('ends inside its ELF header');
    const big = build(64);
    big[5] = 2;
    expect(() => openElfBytes(big)).toThrow('big-endian');
  });

  it('opens where it was cut off, with what is there', () => {
    const whole = build(64);
    expect(openElfBytes(whole).sectionsMissing()).toBe(false);
    const elf = openElfBytes(whole.slice(0, 180));
    expect(elf.segments()).toHaveLength(2);
    expect(elf.sections()).toEqual([]);
    expect(elf.sectionsMissing()).toBe(true);
    expect(openElfBytes(whole.slice(0, -1)).sectionsMissing()).toBe(true);
    const extended = build(64, true);
    expect(openElfBytes(extended).sectionsMissing()).toBe(false);
    expect(openElfBytes(extended.slice(0, -1)).sectionsMissing()).toBe(true);
    expect(openElfBytes(extended.slice(0, 180)).sectionsMissing()).toBe(true);
    expect(openElfBytes(new ElfBuilder().segment({ type: PT_LOAD, data }).build()).sectionsMissing()).toBe(false);
  });

  it('has sections without names where the names are cut off', () => {
    const elf = new ElfBuilder();
    elf.section({ name: '.text', data });
    const bytes = elf.build();
    const names = openElfBytes(bytes).section('.shstrtab');
    // Cut in the middle of ".text".
    new DataView(bytes.buffer).setBigUint64(bytes.length - 64 + 32, 4n, true);
    expect(names).toBeDefined();
    expect(
      openElfBytes(bytes)
        .sections()
        .map((section) => section.name),
    ).toEqual(['', '.te', '']);
  });

  it('says in one error of the family that a table has absurd sizes', () => {
    const bytes = build(64);
    new DataView(bytes.buffer).setUint16(54, 1, true);
    new DataView(bytes.buffer).setUint16(56, 0xffff, true);
    new DataView(bytes.buffer).setUint16(58, 1, true);
    const elf = openElfBytes(bytes);
    expect(() => elf.segments()).toThrow(FormatError);
    expect(() => elf.sections()).toThrow(FormatError);
    const huge: ByteSource = {
      name: 'huge',
      size: 2 ** 50,
      readInto: (offset, target) => {
        const part = bytes.subarray(offset, offset + target.length);
        target.set(part);
        return target.length;
      },
    };
    const file = build(64, true);
    const sectionTable = Number(new DataView(file.buffer).getBigUint64(40, true));
    new DataView(file.buffer).setUint32(sectionTable + 44, 0xffff_ffff, true);
    expect(() =>
      new ElfFile({
        ...huge,
        readInto: (offset, target) => (target.set(file.subarray(offset, offset + target.length)), target.length),
      }).segments(),
    ).toThrow(FormatError);
  });

  it('never does worse, whatever its bytes', () => {
    for (const bits of [32, 64] as const) {
      const elf = new ElfBuilder({ bits, extended: bits === 64 });
      elf.section({ name: '.text', data, address: 0x1000n, flags: SHF_ALLOC });
      elf.segment({ type: PT_LOAD, data });
      elf.symbol({ name: 'start', value: 0x1000n }).symbol({ name: 'end', value: 0x1005n });
      mutationRun(elf.build(), 1500, (bytes) => {
        const file = openElfBytes(bytes);
        file.segments();
        for (const section of file.sections()) file.bytesOf(section);
        symbolsOfElf(file);
      });
    }
  });
});
