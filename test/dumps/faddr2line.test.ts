/** `faddr2line` beside addr2line -i, and on what the consoles of the crashes say. */

import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import type { VirtAddr } from '../../src/base/addr.ts';
import { BytesSource } from '../../src/bytes/byte-source.ts';
import { disassemblerFor, loadDisassembler } from '../../src/disasm/disassembler.ts';
import { NodeHost } from '../../src/faces/node/host.ts';
import { ElfFile } from '../../src/formats/elf/elf-file.ts';
import { parseFunctionAddresses } from '../../src/query/function-address.ts';
import { functionLines, type LinesAt } from '../../src/query/function-lines.ts';
import { functionsOfFile, functionsOfKernel } from '../../src/query/function-sources.ts';
import { openCodeFile, type CodeFile } from '../../src/target/code-file.ts';
import { Fixture } from './fixture.ts';

beforeAll(() => loadDisassembler('x86_64'));

function chainOf({ frames }: LinesAt): string {
  return frames.map(({ functionName, source }) => `${functionName} ${source?.file}:${source?.line}`).join(' < ');
}

/** addr2line's chain for offsets in a section (or addresses, in vmlinux), innermost first. */
function addr2line(file: string, section: string | undefined, offsets: readonly bigint[]): string[] {
  const where = section === undefined ? [] : ['-j', section];
  const words = offsets.map((offset) => `0x${offset.toString(16)}`);
  const text = execFileSync('addr2line', ['-aife', file, ...where, ...words], { encoding: 'utf8', maxBuffer: 1 << 28 });
  return text
    .split(/^0x[0-9a-f]+$/m)
    .slice(1)
    .map((part) => {
      const rows = part.trim().split('\n');
      return rows
        .flatMap((name, index) => (index % 2 === 0 ? [`${name} ${pathOf(rows[index + 1] ?? '')}`] : []))
        .join(' < ');
    });
}

function pathOf(place: string): string {
  return place
    .replace(/^(\/.*)?debian\/build\/[^/]*\//, '')
    .replace(/^\/build\/.*\/linux-[^/]*\//, '')
    .replace(/[^/]+\/\.\.\//, '')
    .replace('/./', '/')
    .replace(/ \(discriminator \d+\)$/, '');
}

interface Asked {
  readonly text: string;
  readonly start: VirtAddr;
  readonly offset: number;
}

/** Every place behind a call, and every other instruction a little further on, in every n-th function. */
function placesIn(file: CodeFile, everyNth: number): { calls: Asked[]; others: Asked[] } {
  const disassembler = disassemblerFor('x86_64');
  const functions = Array.from(file.symbols.all()).filter(
    ({ letter, size, address, name }) =>
      /^[tT]$/.test(letter) && size > 64 && /^\w+$/.test(name) && /text/.test(file.sectionAt(address) ?? ''),
  );
  const calls: Asked[] = [];
  const others: Asked[] = [];
  for (let index = 0; index < functions.length; index += everyNth) {
    const { name, address: start, size } = functions[index] ?? { name: '', address: undefined, size: 0 };
    // binutils takes the lines of tracepoints' headers for lines of the file that includes them; Rust has paths of its
    // own. On 7.2 .data is executable in the file's eyes.
    if (start === undefined || file.symbols.named(name).length > 1 || /^_*trace|^perf_trace|^_R/.test(name)) continue;
    const code = file.bytesAt(start, size) ?? new Uint8Array(0);
    for (const [position, { kind, address, bytes }] of disassembler.decode(code, start).entries()) {
      const offset = Number(address - start) + bytes.length;
      if (position < 2 || offset >= size) continue;
      const text = `${name}+0x${offset.toString(16)}/0x${size.toString(16)}`;
      if (kind === 'call') calls.push({ text, start, offset });
      else if (position % 16 === 0 && kind === 'other') others.push({ text, start, offset });
    }
  }
  return { calls, others };
}

describe.each([
  ['nfs', 'vmlinux', 300],
  ['nfs', 'modules/nfs.ko', 4],
  ['sysrq-6.12', 'vmlinux', 300],
  ['sysrq-6.12', 'modules/nfs.ko', 4],
  ['sysrq-7.2', 'vmlinux', 300],
  ['sysrq-7.2', 'modules/nfs.ko', 4],
] as const)('faddr2line on %s/%s', (name, path, everyNth) => {
  const fullPath = `${new Fixture(name).folder}/${path}`;
  const file = openCodeFile(new NodeHost(), fullPath);
  const source = functionsOfFile(file);

  it('has the lines of the calls, and of other instructions, that addr2line has', () => {
    const { calls, others } = placesIn(file, everyNth);
    expect(calls.length).toBeGreaterThan(400);
    expect(others.length).toBeGreaterThan(100);
    const asked = [...calls.map((one) => ({ ...one, back: 1 })), ...others.map((one) => ({ ...one, back: 0 }))];
    const theirs = new Map<string, string>();
    for (const section of new Set(asked.map(({ start }) => file.sectionAt(start) ?? ''))) {
      const within = asked.filter(({ start }) => file.sectionAt(start) === section);
      const base = file.placed ? file.sectionStart(section) : 0n;
      const chains = addr2line(
        fullPath,
        file.placed ? section : undefined,
        within.map(({ start, offset, back }) => start - base + BigInt(offset - back)),
      );
      for (const [index, { text }] of within.entries()) theirs.set(text, chains[index] ?? '');
    }
    const differences = asked.flatMap(({ text, back }) => {
      const [candidate] = functionLines(source, parseFunctionAddresses([text])[0] ?? fail()).candidates;
      const found = candidate?.lines.find(({ lookUp }) => lookUp === (back === 1 ? 'call' : 'exact'));
      const ours = found === undefined ? `not looked up: ${candidate?.why}` : chainOf(found);
      return ours === theirs.get(text) ? [] : [`${text}: ${ours} | ${theirs.get(text)}`];
    });
    expect(differences.slice(0, 20)).toEqual([]);
  });
});

function fail(): never {
  throw new Error('not parsed');
}

describe.each(['nfs', 'deref', 'sysrq-6.12', 'sysrq-7.2'] as const)('the call traces on the console of %s', (name) => {
  const fixture = new Fixture(name);
  // What the kernel marks "?" are words that it met on the stack and does not vouch for: any address of code.
  const address = /(?<!\? )(?<![\w.])(?:RIP: 0010:)?[A-Za-z_][\w.]*\+0x[0-9a-f]+\/0x[0-9a-f]+(?: \[\w+\])?/g;
  const trace = new Set(Array.from(fixture.console.matchAll(address), ([text]) => text));

  it('are told apart by the sizes that the kernel prints, and are calls but for RIP', () => {
    expect(trace.size).toBeGreaterThan(5);
    for (const line of trace) {
      const answer = fixture.run(`faddr2line ${line}`);
      expect(answer[0], line).toBe(`${line.replace('RIP: 0010:', '')}:`);
      expect(answer[1], line).toMatch(
        line.startsWith('RIP') ? /an instruction pointer, not/ : /: a call ends there\)$/,
      );
      expect(answer[2], line).toMatch(/^[\w.]+ at [\w./-]+:[1-9]\d*$/);
    }
  });

  it('have the same lines where vmlinux alone is asked', () => {
    const source = functionsOfFile(openCodeFile(new NodeHost(), `${fixture.folder}/vmlinux`));
    const inDump = functionsOfKernel(fixture.session.kernel);
    for (const line of Array.from(trace).filter((one) => !one.includes('['))) {
      const [asked = fail()] = parseFunctionAddresses([line]);
      const [file, dump] = [source, inDump].map((where) => functionLines(where, asked).candidates[0]);
      // A call to the tracer, which these kernels made, is in doubt where the file alone is asked: both, the call first.
      expect(file?.lines[0]?.frames, line).toEqual(dump?.lines[0]?.frames);
      if (file?.lines.length !== 1) expect(file?.why, line).toContain('a call to the function tracer');
    }
  });
});

describe('the crash in nfs', () => {
  const fixture = new Fixture('nfs');

  it('shows the whole chain at the call, where the script would name the line behind it', () => {
    expect(fixture.run('faddr2line nfs_updatepage+0x997/0xd40 [nfs]')).toEqual([
      'nfs_updatepage+0x997/0xd40 [nfs]:',
      '(lines of nfs_updatepage+0x996: a call ends there)',
      'spin_lock at include/linux/spinlock.h:351',
      ' (inlined by) nfs_inode_add_request at fs/nfs/write.c:808',
      ' (inlined by) nfs_setup_write_request at fs/nfs/write.c:1207',
      ' (inlined by) nfs_writepage_setup at fs/nfs/write.c:1217',
      ' (inlined by) nfs_updatepage at fs/nfs/write.c:1427',
      '',
    ]);
  });

  it('takes the bytes in the dump, where a nop stands in the place of call __fentry__', () => {
    expect(fixture.run('faddr2line schedule+5')[1]).toBe(
      '(lines of schedule+0x5: the bytes that end there are no call)',
    );
  });

  it('shows every function of a name that the size does not tell apart', () => {
    const answer = fixture.run('faddr2line init_once+3/0xe');
    expect(answer[0]).toMatch(/^\(4 functions are called init_once/);
    expect(answer.filter((line) => line.startsWith('init_once+0x3/0xe at '))).toHaveLength(4);
    expect(fixture.run('faddr2line init_once+3/0x64').filter((line) => line.startsWith('init_once+'))).toHaveLength(1);
  });

  it.each([
    ['nosuch_function+0x1/0x2', /nosuch_function/],
    ['vfs_write+0x10000/0x3e0', /behind the end of the function/],
    ['vfs_write+zz', /vfs_write\+zz is no function\+offset\/size/],
    ['vfs_write', /vfs_write is no function\+offset\/size/],
    ['', /no function\+offset\/size was given/],
    ['vfs_write+0x10 [nfs]', /in module nfs/],
  ])('refuses "%s"', (words, message) => {
    expect(() => fixture.run(`faddr2line ${words}`)).toThrow(message);
  });
});

describe('a file that is none', () => {
  const host = new NodeHost();
  it('is refused with what is wrong with it', () => {
    const { folder } = new Fixture('nfs');
    expect(() => openCodeFile(host, '/nonexistent')).toThrow('/nonexistent: no such file');
    expect(() => openCodeFile(host, `${folder}/vmcore`)).toThrow('is a memory image');
    expect(() => openCodeFile(host, '/bin/ls')).toThrow(/no symbols|no debug information/);
    expect(() => new ElfFile(new BytesSource('x', new Uint8Array(4)))).toThrow('not an ELF file');
  });
});
