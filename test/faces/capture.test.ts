/** `vmscope capture` with a real QEMU: the files are what was asked for, and what cannot work is told. */

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { FileSource } from '../../src/bytes/byte-source.ts';
import { NodeHost } from '../../src/faces/node/host.ts';
import { Qmp } from '../../src/faces/node/qmp.ts';
import type { DumpImage } from '../../src/formats/dump-image.ts';
import { PT_LOAD } from '../../src/formats/elf/constants.ts';
import { ElfFile } from '../../src/formats/elf/elf-file.ts';
import { openDump } from '../../src/formats/registry.ts';
import { filledFrom, filling, mappedAt } from '../builders/boot-sector.ts';
import { useProgram, type Run } from './program.ts';
import { RealQemu, until } from './qemu.ts';
import { keys, Terminal } from './terminal.ts';

const program = useProgram();

function capture(qemu: RealQemu, ...words: readonly string[]): Promise<Run> {
  return program.run(['capture', '--qmp', qemu.qmp, ...words]);
}

function source(path: string): FileSource {
  const file = new NodeHost().open(path);
  if (file === undefined) throw new Error(`${path} is not there`);
  return new FileSource(file);
}

function firstWords(image: DumpImage): bigint[] {
  const bytes = new Uint8Array(64);
  image.read(filledFrom, bytes);
  return Array.from(new BigUint64Array(bytes.buffer));
}

function addressesOf(path: string): bigint[] {
  return new ElfFile(source(path))
    .segments()
    .filter((segment) => segment.type === PT_LOAD)
    .map((segment) => segment.virtualAddress);
}

/** Begins a dump that takes a second, and waits until the file holds a part of it. */
async function whileWriting(qemu: RealQemu, file: string): Promise<{ readonly end: Promise<Run> }> {
  const end = capture(qemu, '-o', file, '--format', 'kdump-zlib');
  await until(() => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 1 << 20, 'the first part of the file');
  return { end };
}

async function statusOf(qemu: RealQemu): Promise<string> {
  return (await capture(qemu, '--status')).stdout;
}

describe('a guest that runs', () => {
  it('is dumped in every format, plain and by mapping, and runs on', async () => {
    await using qemu = await RealQemu.start();
    expect(await statusOf(qemu)).toBe('no dump was begun since QEMU started\n');

    const elf = qemu.file('it is elf');
    const plain = await program.run(['capture', '--qmp', 'qmp', '-o', 'it is elf'], { cwd: qemu.folder });
    expect(plain.stderr).toMatch(/^vmscope: guest: running \(QEMU [\d.]+, 64.0 MiB of memory\); it stands still/);
    expect(plain.stderr).toContain('there is no VMCOREINFO in it');
    expect(plain.stdout).toMatch(/it is elf: 64\.\d MiB in .* s, ELF vmcore \(QEMU\), without VMCOREINFO\nnext: /);
    expect(plain.stdout).toContain(`next: vmscope vmlinux '${elf}'\n`);
    expect(plain.status).toBe(0);
    expect(firstWords(openDump([source(elf)], new NodeHost()))).toEqual(filling(8));
    expect(addressesOf(elf)).not.toContain(mappedAt);
    expect(statSync(elf).mode & 0o777).toBe(0o600);

    const paging = qemu.file('paging');
    expect(await capture(qemu, '-o', paging, '--paging')).toMatchObject({ status: 0 });
    expect(firstWords(openDump([source(paging)], new NodeHost()))).toEqual(filling(8));
    expect(addressesOf(paging)).toContain(mappedAt);

    const zlib = qemu.file('zlib');
    expect(await capture(qemu, '-o', zlib, '--format', 'kdump-zlib')).toMatchObject({ status: 0 });
    const head = readFileSync(zlib)
      .subarray(0, 1 << 16)
      .toString('latin1');
    expect(head).toMatch(/^makedumpfile\0/);
    expect(head).toContain('KDUMP   ');
    expect(statSync(zlib).size).toBeLessThan(statSync(elf).size);

    const qmp = await Qmp.connect({ kind: 'unix', path: qemu.qmp });
    expect(await qmp.execute('query-status')).toMatchObject({ running: true });
    qmp.close();
  });

  it('is dumped while nobody waits, with --detach', async () => {
    await using qemu = await RealQemu.start();
    const file = qemu.file('vmcore');
    const slow = qemu.slowDown();
    const begun = await capture(qemu, '-o', file, '--format', 'kdump-zlib', '--detach');
    expect(begun).toMatchObject({ status: 0, stdout: '' });
    expect(begun.stderr).toContain(`QEMU writes ${file} now`);
    expect(await statusOf(qemu)).toMatch(/^QEMU is writing a dump: \d+ %, [\d.]+ MiB of 64.\d MiB of memory\n$/);
    const second = await capture(qemu, '-o', qemu.file('second'));
    expect(second).toMatchObject({ status: 1, stdout: '' });
    expect(second.stderr).toContain('QEMU is writing a dump already');
    expect(existsSync(qemu.file('second'))).toBe(false);
    slow.end();
    while ((await statusOf(qemu)).startsWith('QEMU is writing'));
    expect(await statusOf(qemu)).toMatch(/^the last dump is complete: 64/);
    expect(statSync(file).size).toBeGreaterThan(40 << 20);
  });

  it('shows its progress on a terminal, and is dumped to the end where the user presses Ctrl-C', async () => {
    await using qemu = await RealQemu.start();
    const file = qemu.file('vmcore');
    const line = `${process.execPath} ${program.path} capture --qmp ${qemu.qmp} -o ${file} --format kdump-zlib`;
    await using terminal = new Terminal(line, {});
    await terminal.see(/\[#*-+\] +\d+ % {2}[\d.]+ \w+ of 64.\d MiB/);
    terminal.type(keys.controlC);
    await terminal.see(`QMP cannot stop a dump: QEMU writes ${file} to its end`);
    expect(await terminal.end()).toBe(1);
    while ((await statusOf(qemu)).startsWith('QEMU is writing'));
    expect(await statusOf(qemu)).toMatch(/^the last dump is complete/);
    expect(statSync(file).size).toBeGreaterThan(40 << 20);
  });

  it('leaves what there is of its dump when QEMU is killed', async () => {
    await using qemu = await RealQemu.start();
    const file = qemu.file('vmcore');
    const { end } = await whileWriting(qemu, file);
    await qemu.kill();
    const { status, stderr } = await end;
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /QEMU closed the connection and has ended, while it was writing .*vmcore, of which [\d.]+ MiB/,
    );
    expect(existsSync(file)).toBe(true);
  });
});

describe.concurrent('a guest that was not started', () => {
  it('is dumped over TCP, as the 32-bit machine that it still is', async () => {
    const port = await freePort();
    await using qemu = await RealQemu.start('-S', '-qmp', `tcp:127.0.0.1:${port},server=on,wait=off`);
    const file = qemu.file('vmcore');
    const { status, stdout, stderr } = await program.run(['capture', '--qmp', `127.0.0.1:${port}`, '-o', file]);
    expect(status).toBe(0);
    expect(stderr).toContain('guest: prelaunch');
    expect(stderr).toMatch(/QEMU has written it, but vmscope cannot open it: .*32-bit machine/);
    expect(stdout).toMatch(/vmcore: 64\.\d MiB in .* s\n$/);
  });

  it('is not dumped where that cannot work; nothing is overwritten or left behind', async () => {
    await using qemu = await RealQemu.start('-S');
    const file = qemu.file('vmcore');
    writeFileSync(file, 'precious');
    const before = readdirSync(qemu.folder);
    const cases: readonly [readonly string[], 1 | 2, RegExp][] = [
      [['-o', file], 1, /vmcore: is there already, and is not overwritten/],
      [['-o', qemu.folder], 1, /is a folder/],
      [['-o', qemu.file('no/vmcore')], 1, /the folder .*no is not there/],
      [['-o', qemu.file('x'), '--format', 'kdump-snappy'], 1, /does not offer kdump-snappy, but: elf, kdump-zlib/],
      [['-o', qemu.file('x'), '--format', 'snappy'], 2, /there is no format snappy/],
      [['-o', qemu.file('x'), '--format', 'kdump-zlib', '--paging'], 2, /without --paging only/],
      [[], 2, /the file to write is missing/],
    ];
    for (const [words, status, message] of cases) {
      const run = await capture(qemu, ...words);
      expect(run).toMatchObject({ status, stdout: '' });
      expect(run.stderr).toMatch(message);
    }
    expect(readFileSync(file, 'utf8')).toBe('precious');
    expect(readdirSync(qemu.folder)).toEqual(before);
  });

  it('is not dumped while another client has the socket', async () => {
    await using qemu = await RealQemu.start('-S');
    const other = createConnection(qemu.qmp);
    await once(other, 'data');
    const { status, stderr } = await capture(qemu, '-o', qemu.file('vmcore'));
    other.destroy();
    expect(status).toBe(1);
    expect(stderr).toMatch(/did not greet within 5 s\.\nIt serves one client a socket at a time/);
    expect(existsSync(qemu.file('vmcore'))).toBe(false);
  });

  it('is asked for help and by a name that a file may have', async () => {
    const help = await program.run(['capture', '--help']);
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(help.stdout).toContain('usage: vmscope capture --qmp SOCKET -o FILE');
    expect((await program.run(['--help'])).stdout).toContain('vmscope capture --qmp SOCKET -o FILE');
    writeFileSync(`${program.folder}/capture`, 'no dump');
    const opened = await program.run(['./capture', '-c', 'sys'], { cwd: program.folder });
    expect(opened).toMatchObject({ status: 3, stderr: expect.stringContaining('./capture: is no memory image') });
  });
});

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;
if (!isRoot) console.log('skipped: captures to a full disk and by a QEMU of another user, which only root can set up');

/** What only root can set up: a full file system, a QEMU that runs as somebody else. */
describe.skipIf(!isRoot)('as root', () => {
  it('a disk that is too small is told before, and one that fills up behind', async (context) => {
    await using qemu = await RealQemu.start();
    const disk = qemu.file('disk');
    mkdirSync(disk);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'vmscope-test', disk]);
    if (mounted.status !== 0) context.skip(`no file system can be mounted here: ${mounted.stderr.toString()}`);
    try {
      const file = `${disk}/vmcore`;
      const before = await capture(qemu, '-o', file);
      expect(before).toMatchObject({ status: 1, stdout: '' });
      expect(before.stderr).toContain('disk has 8.0 MiB free, and the guest 64.0 MiB of memory, which does not fit');
      const elf = await capture(qemu, '-o', file, '--no-space-check');
      expect(elf).toMatchObject({ status: 1, stdout: '' });
      expect(elf.stderr).toMatch(/could not write .*No space left on device\nThe disk is full: .*kdump-zlib/);
      expect(elf.stderr).toContain('The partial file is removed.');
      const zlib = await capture(qemu, '-o', file, '--format', 'kdump-zlib');
      expect(zlib).toMatchObject({ status: 1, stdout: '' });
      expect(zlib.stderr).toMatch(/the dump may not fit\n[^]*The disk is full: name a file elsewhere\.\n/);
      expect(readdirSync(disk)).toEqual([]);
      expect(await statusOf(qemu)).toMatch(/^the last dump failed/);
    } finally {
      spawnSync('umount', [disk]);
    }
  });

  it('a QEMU of another user makes the file itself where it may, and says where it may not', async () => {
    await using qemu = await RealQemu.start('-S', '-runas', 'nobody');
    mkdirSync(qemu.file('its'));
    chownSync(qemu.file('its'), nobody, nobody);
    const its = await capture(qemu, '-o', qemu.file('its/vmcore'));
    expect(its.status).toBe(0);
    expect(statSync(qemu.file('its/vmcore')).uid).toBe(nobody);
    const ours = await capture(qemu, '-o', qemu.file('vmcore'));
    expect(ours).toMatchObject({ status: 1, stdout: '' });
    expect(ours.stderr).toMatch(/QEMU cannot write .*Permission denied\nQEMU opens the file itself/);
    expect(existsSync(qemu.file('vmcore'))).toBe(false);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
