/**
 * Where the kernel was in memory, found by every way there is: each is forced by hiding what the ways before it use.
 * All must agree with VMCOREINFO, which the kernel itself wrote.
 */

import { describe, expect, it } from 'vitest';
import { FileSource } from '../../src/bytes/byte-source.ts';
import { NodeHost } from '../../src/faces/node/host.ts';
import type { DumpImage } from '../../src/formats/dump-image.ts';
import { openDump } from '../../src/formats/registry.ts';
import { VmcoreInfo } from '../../src/formats/vmcoreinfo.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import { openElf } from '../../src/target/find-vmlinux.ts';
import { findLoadAddress } from '../../src/target/load-address.ts';
import { Vmlinux } from '../../src/target/vmlinux.ts';
import { Fixture } from './fixture.ts';

const host = new NodeHost();

function open(fixture: Fixture): { image: DumpImage; vmlinux: Vmlinux } {
  const file = host.open(`${fixture.folder}/vmcore`);
  if (file === undefined) throw new Error('no dump');
  return {
    image: openDump([new FileSource(file)], host),
    vmlinux: new Vmlinux(openElf(host, `${fixture.folder}/vmlinux`), host),
  };
}

describe.each(['nfs', 'nfs-4level', 'sysrq-6.12', 'sysrq-7.2'] as const)('load address of %s', (name) => {
  const { image, vmlinux } = open(new Fixture(name));
  const expected = findLoadAddress(vmlinux, new PhysicalMemory(image));

  it('comes from VMCOREINFO and is proved', () => {
    expect(expected.origin).toBe('VMCOREINFO');
    expect(expected.proof).toMatch(/linux_banner/);
    expect(expected.slide).toBe(image.vmcoreinfo?.kernelOffset);
    expect(expected.paging.levels).toBe(name === 'nfs-4level' ? 4 : 5);
  });

  it('is found through the page tables of a CPU', () => {
    const found = findLoadAddress(vmlinux, new PhysicalMemory({ ...image, vmcoreinfo: undefined }));
    expect(found.origin).toMatch(/CR3/);
    expect(found).toMatchObject({ slide: expected.slide, physBase: expected.physBase, paging: expected.paging });
  });

  it('is found through the interrupt table of a CPU', () => {
    const hidden = Object.assign(new Vmlinux(vmlinux.elf, host), {
      addressOf: (symbol: string) => (symbol === '_text' ? undefined : vmlinux.addressOf(symbol)),
    });
    const found = findLoadAddress(hidden, new PhysicalMemory({ ...image, vmcoreinfo: undefined }));
    expect(found.origin).toMatch(/IDTR/);
    expect(found).toMatchObject({ slide: expected.slide, physBase: expected.physBase, paging: expected.paging });
  });

  it('is found where VMCOREINFO lacks phys_base, as before Linux 4.10, and the header of the dump has it', () => {
    const lines = image.vmcoreinfo?.text.split('\n').filter((line) => !line.startsWith('NUMBER(phys_base)')) ?? [];
    const older = { ...image, cpus: [], vmcoreinfo: new VmcoreInfo(lines.join('\n')), physBase: expected.physBase };
    const found = findLoadAddress(vmlinux, new PhysicalMemory(older));
    expect(found).toEqual(expected);
  });

  it("is found by VMCOREINFO's text in memory", () => {
    const found = findLoadAddress(vmlinux, new PhysicalMemory({ ...image, vmcoreinfo: undefined, cpus: [] }));
    expect(found.origin).toMatch(/found in memory/);
    expect(found).toMatchObject({ slide: expected.slide, physBase: expected.physBase, paging: expected.paging });
  });

  it('is refused where the vmlinux is of another kernel', () => {
    const other = open(new Fixture(name === 'sysrq-7.2' ? 'nfs' : 'sysrq-7.2')).vmlinux;
    expect(() => findLoadAddress(other, new PhysicalMemory({ ...image, cpus: [] }))).toThrow(/does not fit/);
  });
});

describe('a dump without any VMCOREINFO', () => {
  it('opens by itself, and VMCOREINFO is then read from memory', () => {
    const { target } = new Fixture('nfs-plain').session.kernel;
    expect(target.image.vmcoreinfo).toBeUndefined();
    expect(target.load.origin).toMatch(/CR3/);
    expect(target.vmcoreinfo()?.release).toMatch(/^6\.1\./);
    expect(target.vmcoreinfo()?.kernelOffset).toBe(target.load.slide);
    expect(target.vmcoreinfo()?.buildId).toBe(target.vmlinux.buildId());
  });
});

it.each(['kdump-6.1', 'kdump-6.12', 'kdump-7.2'] as const)(
  'the header of %s has the phys_base of VMCOREINFO',
  (name) => {
    const { image } = open(new Fixture(name));
    expect(image.physBase).toBe(image.vmcoreinfo?.number('phys_base'));
  },
);
