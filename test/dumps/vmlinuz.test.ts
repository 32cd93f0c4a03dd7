/**
 * A kernel image (vmlinuz) in place of the vmlinux: what is in it is the vmlinux without its symbol table and DWARF. Each
 * way of packing gives the same bytes.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { virtAddr } from '../../src/base/addr.ts';
import { BytesSource } from '../../src/bytes/byte-source.ts';
import type { KernelSymbol } from '../../src/debuginfo/symbols/symbol-table.ts';
import { NodeHost } from '../../src/faces/node/host.ts';
import { unpackKernel } from '../../src/faces/node/unpack-kernel.ts';
import { ElfFile } from '../../src/formats/elf/elf-file.ts';
import { openElf } from '../../src/target/find-vmlinux.ts';
import { Vmlinux } from '../../src/target/vmlinux.ts';
import { bzImage, packLz4Legacy, packLzop, withSize } from '../builders/packed.ts';
import { Fixture } from './fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmscope-vmlinuz-'));
afterAll(() => rmSync(folder, { recursive: true }));

const line = ({ address, name }: KernelSymbol): string => `${address.toString(16)} ${name}`;

describe.each(['nfs', 'sysrq-6.12', 'sysrq-7.2'] as const)("the vmlinuz of %s's kernel", (name) => {
  const host = new NodeHost();
  const path = realpathSync(`${new Fixture(name).folder}/vmlinux`);
  const image = join(dirname(path), 'vmlinuz');

  it('holds the same kernel: symbols, BTF, ORC, code, build-id, banner', async () => {
    const whole = new Vmlinux(openElf(host, path), host);
    const packed = new Vmlinux(new ElfFile(new BytesSource(image, await unpackKernel(image))), host);
    expect(packed.buildId()).toBe(whole.buildId());
    expect(packed.banner).toBe(whole.banner);
    expect(packed.dwarf()).toBeUndefined();
    const theirs = new Set(Array.from(whole.symbols.all(), line));
    const mine = Array.from(packed.symbols.all(), line);
    expect(mine.length).toBeGreaterThan(50_000);
    expect(mine.filter((symbol) => !theirs.has(symbol))).toEqual([]);
    for (const section of ['.text', '.rodata', '.BTF', '.orc_unwind_ip', '.orc_unwind']) {
      const [a, b] = [packed.elf, whole.elf].map((elf) => {
        const found = elf.section(section);
        return found === undefined ? undefined : Buffer.from(elf.bytesOf(found));
      });
      expect(b !== undefined && a?.equals(b), section).toBe(true);
    }
    expect(packed.btf()?.lastId).toBe(whole.btf()?.lastId);
    const address = packed.addressOf('vfs_write') ?? 0n;
    expect(packed.orc()?.lookup(Number(BigInt.asIntN(64, virtAddr(address))))).toEqual(
      whole.orc()?.lookup(Number(BigInt.asIntN(64, virtAddr(address)))),
    );
    expect(packed.bytesAt(address, 64)).toEqual(whole.bytesAt(address, 64));
  });
});

describe('a kernel packed with', () => {
  const kernel = Uint8Array.from({ length: 20_000 }, (_, at) => (at < 9000 ? 0xcc : (at * at * 31) & 0xff));
  const byProgram = (program: string, ...words: string[]): Uint8Array =>
    withSize(execFileSync(program, words, { input: kernel, stdio: ['pipe', 'pipe', 'pipe'] }), kernel.length);

  it.each([
    ['gzip', (): Uint8Array => gzipSync(kernel)],
    ['lz4', (): Uint8Array => withSize(packLz4Legacy(kernel, 8000), kernel.length)],
    ['lzo', (): Uint8Array => withSize(packLzop(kernel, 3000, { version: 0x1040, flags: 0x101 }), kernel.length)],
    ['xz and its filter for code', (): Uint8Array => byProgram('xz', '-c', '--check=crc32', '--x86', '--lzma2')],
    ['xz alone', (): Uint8Array => byProgram('xz', '-c', '--check=crc32')],
    ['lzma', (): Uint8Array => byProgram('xz', '-c', '--format=lzma')],
  ])('%s is unpacked', async (name, payload) => {
    const path = join(folder, name.replaceAll(' ', '-'));
    writeFileSync(path, bzImage({ payload: payload() }));
    expect(Buffer.from(await unpackKernel(path)).equals(kernel)).toBe(true);
  });

  it('something else, or damaged, is refused with the reason', async () => {
    const path = join(folder, 'damaged');
    const refusal = async (bytes: Uint8Array): Promise<string> => {
      writeFileSync(path, bytes);
      return unpackKernel(path).then(
        () => 'unpacked',
        (error: unknown) => String(error),
      );
    };
    const whole = bzImage({ payload: gzipSync(kernel) });
    expect(await refusal(whole.subarray(0, -200))).toMatch(/damaged: is cut off/);
    whole.fill(0, 0xa00, 0xb00);
    expect(await refusal(whole)).toMatch(/the kernel in it cannot be unpacked|packed in an unknown way/);
    const short = withSize(packLz4Legacy(kernel, 8000), kernel.length + 1);
    expect(await refusal(bzImage({ payload: short }))).toMatch('holds 20000 bytes, and 20001 are wanted');
    expect(await refusal(Uint8Array.of(1, 2, 3))).toMatch('is no x86 kernel image');
  });
});
