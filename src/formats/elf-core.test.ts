/** ELF vmcores: what memory is where, overlaps, cut-off files, the processors, damage. */

import { describe, expect, it } from 'vitest';
import { CoreBuilder, prstatus } from '../../test/builders/core.ts';
import { ElfBuilder } from '../../test/builders/elf.ts';
import { CountingSource } from '../../test/builders/counting-source.ts';
import { memoryHost } from '../../test/builders/host.ts';
import { allRanges } from '../../test/builders/ranges.ts';
import { mutationRun } from '../../test/builders/mutate.ts';
import { FaultError, FormatError, OpenError } from '../base/errors.ts';
import { BytesSource } from '../bytes/byte-source.ts';
import type { DumpImage } from './dump-image.ts';
import { EM_386, EM_AARCH64, EM_X86_64, ET_CORE, ET_EXEC, NT_PRSTATUS, PT_LOAD, PT_NOTE } from './elf/constants.ts';
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

describe('a dump by makedumpfile -E', () => {
  const core = (flags = 0): DumpImage =>
    open(
      new CoreBuilder({ flags })
        .cpu(1, {})
        .load(0x1000, filled(0x1000, 1), { memorySize: 0x3000 })
        .load(0x4000, filled(0x1000, 2))
        .load(0x8000, new Uint8Array(0), { memorySize: 0x1000 })
        .build(),
    );

  it('tells what was left out from what was no memory', () => {
    const image = core();
    const why = (address: number): string => {
      try {
        image.read(address, new Uint8Array(1));
        return 'read';
      } catch (error) {
        if (error instanceof FaultError) return error.why;
        throw error;
      }
    };
    expect([0, 0x1000, 0x2000, 0x3fff, 0x4000, 0x5000, 0x8000, 0x9000].map(why)).toEqual([
      'not-in-dump', 'read', 'excluded', 'excluded', 'read', 'not-in-dump', 'excluded', 'not-in-dump',
    ]); // prettier-ignore
    expect(image.marks).toEqual(['PARTIAL DUMP']);
    expect(image.end).toBe(0x9000);
  });

  it('that ran out of space says so', () => {
    expect(core(1).marks).toEqual(['PARTIAL DUMP', 'INCOMPLETE']);
    expect(core(1).warnings).toEqual(['vmcore: the dump is incomplete: whoever wrote it ran out of space']);
  });

  it('is not what QEMU writes: there memory that is not in the file was not asked for', () => {
    const qemu = new CoreBuilder().cpu(1, {}).qemuCpu({}).load(0x1000, filled(0x1000, 1), { memorySize: 0x2000 });
    expect(open(qemu.build()).marks).toEqual([]);
    expect(() => bytesAt(open(qemu.build()), 0x2000, 1)).toThrow('not in the dump');
  });
});

describe('a 32-bit file', () => {
  it.each([EM_X86_64, EM_386])('of machine %d holds a kernel of 64 bits where its notes are', (machine) => {
    const core = new CoreBuilder({ bits: 32, machine })
      .cpu(7, { rip: 0xffff_ffff_8100_0000n })
      .load(0x1000, filled(64, 1));
    const image = open(core.build());
    expect(image.cpus[0]?.registers?.['rip']).toBe(0xffff_ffff_8100_0000n);
    expect(bytesAt(image, 0x1010, 1)).toEqual([1]);
    expect(image.architecture.name).toBe('x86_64');
  });

  it('of a machine of 32 bits is refused', () => {
    const core = new CoreBuilder({ bits: 32, machine: EM_386 })
      .note({ name: 'CORE', type: NT_PRSTATUS, data: new Uint8Array(144) })
      .load(0x1000, filled(64, 1));
    expect(() => open(core.build())).toThrow('32-bit machine');
  });
});

describe('/proc/kcore', () => {
  it('is the memory of a running kernel: what has a physical address is read, and nothing before it is asked for', () => {
    const head = new ElfBuilder({ type: ET_CORE });
    const none = new Uint8Array(0);
    const vmalloc = 0x7fff_0000_0000;
    head.segment({ type: PT_NOTE, data: none });
    const segment = { type: PT_LOAD, data: none, fileSize: 2 ** 44, memorySize: 2 ** 44 };
    head.segment({ ...segment, offset: vmalloc, physicalAddress: 0xffff_ffff_ffff_ffffn });
    head.segment({ ...segment, offset: 0x1000_0000_0000, fileSize: 2 ** 30, physicalAddress: 0x10_0000n });
    const bytes = head.build();
    const source = new CountingSource('kcore', 2 ** 47, (offset, target) => {
      target.fill(offset % 251);
      if (offset < bytes.length) target.set(bytes.subarray(offset, offset + target.length));
    });
    const image = openElfCore(source);
    expect(image.marks).toContain('LIVE SYSTEM');
    expect(image.warnings.join()).toContain('is the memory of a running kernel');
    expect(allRanges(image)).toEqual([{ start: 0x10_0000, size: 2 ** 30 }]);
    expect(bytesAt(image, 0x10_0000 + 4096, 1)).toEqual([(0x1000_0000_0000 + 4096) % 251]);
    expect(source.bytesRead).toBeLessThan(8192);
  });
});

describe('a sparse vmcore of a terabyte', () => {
  it('costs its headers, whatever its size', () => {
    const core = new CoreBuilder().cpu(1, {});
    core.load(0x1_0000_0000, filled(16, 1), { fileSize: 2 ** 40, memorySize: 2 ** 40 });
    const bytes = core.build();
    const source = new CountingSource('vmcore', bytes.length + 2 ** 40, (offset, target) => {
      target.fill(0);
      if (offset < bytes.length) target.set(bytes.subarray(offset, offset + target.length));
    });
    const image = openElfCore(source);
    image.read(0x1_0000_0000 + 2 ** 40 - 8, new Uint8Array(8));
    expect(source.bytesRead).toBeLessThan(4096);
    expect(image.warnings).toEqual([]);
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
