/** ELF vmcores: what memory is where, overlaps, cut-off files, the processors, damage. */

import { describe, expect, it } from 'vitest';
import { CoreBuilder, prstatus } from '../../test/builders/core.ts';
import { ElfBuilder } from '../../test/builders/elf.ts';
import { memoryHost } from '../../test/builders/host.ts';
import { allRanges } from '../../test/builders/ranges.ts';
import { mutationRun } from '../../test/builders/mutate.ts';
import { FaultError, FormatError, OpenError } from '../base/errors.ts';
import { BytesSource } from '../bytes/byte-source.ts';
import type { DumpImage } from './dump-image.ts';
import { EM_386, EM_AARCH64, ET_CORE, ET_EXEC, NT_PRSTATUS, PT_LOAD, PT_NOTE } from './elf/constants.ts';
import { openElfCore } from './elf-core.ts';
import { openDump } from './registry.ts';

const open = (bytes: Uint8Array): DumpImage => openElfCore(new BytesSource('vmcore', bytes));
const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

function bytesAt(image: DumpImage, address: number, length: number): number[] {
  const target = new Uint8Array(length);
  image.read(address, target);
  return [...target];
}

describe('memory', () => {
  it('is where p_paddr says, with and without virtual addresses, in whatever order', () => {
    const core = new CoreBuilder()
      .load(0x3000, filled(4096, 3), { virtualAddress: 0xffff_8880_0000_3000n })
      .load(0x1000, filled(4096, 1));
    const image = open(core.build());
    expect(allRanges(image)).toEqual([
      { start: 0x1000, size: 4096 },
      { start: 0x3000, size: 4096 },
    ]);
    expect(bytesAt(image, 0x1fff, 1)).toEqual([1]);
    expect(bytesAt(image, 0x3000, 2)).toEqual([3, 3]);
    for (const address of [0, 0xfff, 0x2000, 0x4000]) expect(() => bytesAt(image, address, 1)).toThrow(FaultError);
  });

  it('is read across segments that follow each other in memory and not in the file', () => {
    const image = open(new CoreBuilder().load(0x2000, filled(4096, 2)).load(0x1000, filled(4096, 1)).build());
    expect(bytesAt(image, 0x1ffe, 4)).toEqual([1, 1, 2, 2]);
    expect(() => bytesAt(image, 0x2ffe, 4)).toThrow('physical address 3000: not in the dump');
  });

  it('that follows on in memory and file is one range', () => {
    const image = open(new CoreBuilder().load(0x1000, filled(4096, 1)).load(0x2000, filled(4096, 2)).build());
    expect(allRanges(image)).toEqual([{ start: 0x1000, size: 8192 }]);
    expect(bytesAt(image, 0x1fff, 2)).toEqual([1, 2]);
  });

  it('that stands in several segments is the first one’s', () => {
    const image = open(
      new CoreBuilder()
        .load(0x1000, filled(0x2000, 1))
        .load(0x1000, filled(0x1000, 8))
        .load(0x2000, filled(0x2000, 2))
        .load(0x1800, filled(0x400, 9))
        .build(),
    );
    expect(allRanges(image).map(({ start, size }) => [Number(start), size])).toEqual([
      [0x1000, 0x2000],
      [0x3000, 0x1000],
    ]);
    expect(bytesAt(image, 0x1800, 1)).toEqual([1]);
    expect(bytesAt(image, 0x2fff, 2)).toEqual([1, 2]);
    expect(image.warnings).toEqual(['vmcore: the notes (processor registers, VMCOREINFO) are missing']);
  });

  it('may begin and end within a page', () => {
    const image = open(
      new CoreBuilder()
        .load(0x1000, filled(0x9fc00 - 0x1000, 1))
        .load(0x9fff0, filled(16, 2))
        .build(),
    );
    expect(bytesAt(image, 0x9fbff, 1)).toEqual([1]);
    expect(() => bytesAt(image, 0x9fbff, 2)).toThrow(FaultError);
    expect(bytesAt(image, 0x9fff0, 16)).toEqual([...filled(16, 2)]);
  });

  it('that a filter left out of the file is not there', () => {
    const image = open(
      new CoreBuilder()
        .load(0x1000, filled(4096, 1), { memorySize: 0x10_0000 })
        .load(0x20_0000, new Uint8Array(0), { memorySize: 4096 })
        .build(),
    );
    expect(allRanges(image)).toEqual([{ start: 0x1000, size: 4096 }]);
    expect(() => bytesAt(image, 0x2000, 1)).toThrow(FaultError);
  });

  it('with more segments than the header counts is whole', () => {
    const core = new CoreBuilder({ extended: true });
    for (let index = 0; index < 66_000; index++) core.load(index * 8192, filled(2, index & 0xff));
    const image = open(core.build());
    expect(allRanges(image)).toHaveLength(66_000);
    expect(bytesAt(image, 65_999 * 8192, 2)).toEqual([65_999 & 0xff, 65_999 & 0xff]);
  });
});

describe('a file that was cut off', () => {
  const whole = new CoreBuilder()
    .cpu(1, { rip: 5n })
    .load(0x1000, filled(4096, 1))
    .load(0x2000, filled(4096, 2))
    .build();
  const elf = open(whole);
  const end = whole.lastIndexOf(2) + 1;

  it('opens with what is there, and says how much is missing', () => {
    expect(elf.warnings).toEqual([]);
    const image = open(whole.slice(0, end - 96));
    expect(image.warnings).toEqual(['vmcore: the file is cut off: 96 bytes of memory are missing at its end']);
    expect(bytesAt(image, 0x2000, 4000)).toHaveLength(4000);
    expect(() => bytesAt(image, 0x2000, 4001)).toThrow(FaultError);
    expect(image.cpus).toHaveLength(1);
  });

  it('opens cut anywhere in its memory, and is refused before with one error of the family', () => {
    const memory = whole.findIndex(
      (byte, at) => byte === 1 && whole.subarray(at, at + 64).every((other) => other === 1),
    );
    for (let length = 0; length < end; length += 13) {
      if (length <= memory) expect(() => open(whole.slice(0, length)), String(length)).toThrow(FormatError);
      else
        expect(allRanges(open(whole.slice(0, length))).reduce((sum, range) => sum + range.size, 0)).toBe(
          length - memory,
        );
    }
  });

  it('misses nothing that another segment has', () => {
    const twice = new CoreBuilder().cpu(1, {}).load(0x1000, filled(4096, 1)).load(0x1000, filled(4096, 1)).build();
    const cut = open(twice.slice(0, twice.lastIndexOf(1) + 1 - 100));
    expect(allRanges(cut)).toEqual([{ start: 0x1000, size: 4096 }]);
    expect(cut.warnings).toEqual([]);
    const longer = new CoreBuilder().cpu(1, {}).load(0x1000, filled(4096, 8)).load(0x1000, filled(8192, 9)).build();
    const image = open(
      longer.slice(0, longer.findIndex((byte, at) => byte === 9 && longer[at + 1] === 9 && longer[at + 2] === 9) + 100),
    );
    expect(bytesAt(image, 0x1063, 2)).toEqual([9, 8]);
    expect(image.warnings).toEqual(['vmcore: the file is cut off: 4096 bytes of memory are missing at its end']);
  });
});

describe('processors', () => {
  it('have registers from NT_PRSTATUS and, the n-th beside the n-th, from QEMU', () => {
    const core = new CoreBuilder()
      .cpu(1, { rip: 0xffff_ffff_8100_0010n, rsp: 7n, orig_rax: 0xffff_ffff_ffff_ffffn, gs: 5n })
      .cpu(2, { rip: 2n })
      .qemuCpu({ control: [0n, 0n, 0n, 0x1000n] })
      .qemuCpu({ control: [0n, 0n, 0n, 0x2000n] })
      .vmcoreinfo(['OSRELEASE=6.1'])
      .load(0, filled(16, 0));
    const image = open(core.build());
    expect(image.format).toBe('ELF vmcore (QEMU)');
    expect(image.cpus.map(({ pid, registers, qemu }) => [pid, registers?.['rip'], qemu?.cr3])).toEqual([
      [1, 0xffff_ffff_8100_0010n, 0x1000n],
      [2, 2n, 0x2000n],
    ]);
    expect(image.cpus[0]?.registers).toMatchObject({ rsp: 7n, orig_rax: 0xffff_ffff_ffff_ffffn, gs: 5n });
    expect(image.vmcoreinfo?.release).toBe('6.1');
    expect(image.warnings).toEqual([]);
  });

  it('have none where the note is too short', () => {
    const core = new CoreBuilder()
      .note({ name: 'CORE', type: NT_PRSTATUS, data: prstatus(9, {}).slice(0, 100) })
      .load(0, filled(16, 0));
    expect(open(core.build()).cpus).toEqual([{ pid: 9, registers: undefined, qemu: undefined }]);
  });
});

/** With what message a file is refused. */
function message(bytes: Uint8Array): string {
  try {
    openDump([new BytesSource('file', bytes)], memoryHost());
  } catch (error) {
    if (error instanceof OpenError || error instanceof FormatError) return error.message;
    throw error;
  }
  return '';
}

describe('what is no vmcore', () => {
  it('is refused with what it is', () => {
    expect(message(new Uint8Array(0))).toBe('file: is empty');
    expect(message(new TextEncoder().encode('KDUMP   and more'))).toContain(
      'is cut off: it ends inside its kdump header',
    );
    expect(message(Uint8Array.of(0x1f, 0x8b, 8))).toContain('gzip -dc file > file.unpacked');
    expect(message(Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0))).toContain('xz -dc');
    expect(message(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd))).toContain('zstd -dc');
    expect(message(new TextEncoder().encode('hello world'))).toContain('begins with 68 65 6c 6c 6f 20 77 6f');
    expect(message(new ElfBuilder({ type: ET_EXEC }).segment({ type: PT_LOAD, data: filled(4, 0) }).build())).toContain(
      'no core dump',
    );
    expect(message(new CoreBuilder({ machine: EM_AARCH64 }).load(0, filled(4, 0)).build())).toContain(
      'ELF machine 183',
    );
    expect(message(new CoreBuilder({ machine: EM_386 }).load(0, filled(4, 0)).build())).toContain('32-bit machine');
    expect(message(new CoreBuilder().cpu(1, {}).build())).toContain('has no memory in it');
  });
});

describe('a damaged vmcore', () => {
  it('never does worse than an error of the family', () => {
    const core = new CoreBuilder()
      .cpu(1, { rip: 1n })
      .qemuCpu({})
      .vmcoreinfo(['KERNELOFFSET=1000000', 'NUMBER(phys_base)=-4096'])
      .load(0x1000, filled(64, 1), { virtualAddress: 1n })
      .load(0x1020, filled(64, 2));
    mutationRun(core.build(), 4000, (bytes) => {
      const image = openDump([new BytesSource('vmcore', bytes)], memoryHost());
      for (const { start, size } of allRanges(image)) image.read(start, new Uint8Array(Math.min(size, 4096)));
    });
  });

  it('ignores segments at no physical address', () => {
    const elf = new ElfBuilder({ type: ET_CORE });
    elf.segment({ type: PT_NOTE, data: new Uint8Array(0) });
    elf.segment({ type: PT_LOAD, data: filled(16, 1), physicalAddress: 0xffff_ffff_ffff_ffffn });
    elf.segment({ type: PT_LOAD, data: filled(16, 2), physicalAddress: 0x1000n });
    expect(allRanges(open(elf.build()))).toEqual([{ start: 0x1000, size: 16 }]);
  });
});
