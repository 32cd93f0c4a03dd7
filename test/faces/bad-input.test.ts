/** What is no dump, no vmlinux or no option: one clear message, the right exit status, no stack trace, nothing written. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Fixture } from '../dumps/fixture.ts';
import { useProgram, vmcore, vmlinux, type Run } from './program.ts';

const program = useProgram();
const otherVmlinux = `${new Fixture('sysrq-7.2').folder}/vmlinux`;

function file(name: string): string {
  return join(program.folder, name);
}

function expectRefusal({ status, stdout, stderr }: Run, wantedStatus: number, message: string | RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^(vmscope: |\w+ not found)/);
  expect(stderr).not.toMatch(/^ +at |internal error/m);
  expect(stdout).toBe('');
  expect(status).toBe(wantedStatus);
}

describe('a dump that is none', () => {
  beforeAll(() => {
    writeFileSync(file('empty'), '');
    writeFileSync(file('text'), 'this is a text, and no dump\n'.repeat(100));
    writeFileSync(file('compressed'), Buffer.from('1f8b0800000000000003', 'hex'));
    mkdirSync(file('folder'));
  });

  it.each([
    ['missing', 'missing: no such file'],
    ['empty', 'empty: is empty'],
    ['folder', 'folder: is a folder, not a file'],
    ['text', /text: is no memory image .* begins with 74 68 69 73/],
    ['compressed', /compressed: is packed by gzip, .* unpack it first: gzip -dc /],
    ['/dev/null', '/dev/null: is no regular file'],
  ])('%s', async (name, message) => {
    const path = name.startsWith('/') ? name : file(name);
    expectRefusal(await program.run([path, '-c', 'sys']), 3, message);
    expectRefusal(await program.run([path, vmlinux, '-c', 'sys']), 3, message);
    expectRefusal(await program.run([path]), 3, message);
  });

  it('a vmlinux alone, two of them, two dumps', async () => {
    expectRefusal(await program.run([vmlinux, '-c', 'sys']), 3, 'no core dump (is it the vmlinux?)');
    expectRefusal(await program.run([vmlinux, vmlinux]), 3, 'neither');
    expectRefusal(await program.run([vmcore, vmcore]), 3, 'several dumps are named');
  });
});

describe('a dump that was cut off', () => {
  it('opens where what is there suffices, and is refused in words where it does not', async () => {
    const cut = file('cut');
    execFileSync('cp', ['--sparse=always', vmcore, cut]);
    const { size } = statSync(cut);

    truncateSync(cut, Math.floor(size * 0.9));
    const most = await program.run([vmlinux, cut, '-c', 'sys; bt; log; ps; mod']);
    expect(most.stderr).toMatch(
      /^vmscope: warning: .*cut: the file is cut off: \d+ bytes of memory are missing at its end\n/,
    );
    expect(most.stderr).not.toMatch(/internal error/);
    expect(most.stdout).toMatch(/ RELEASE: 6\.1\.0/);
    const json = await program.run([vmlinux, cut, '--json', '-c', 'ps; sys; mod; log; kmem -s']);
    for (const line of json.stdout.trim().split('\n')) expect(() => void JSON.parse(line)).not.toThrow();
    expect(json.stdout).toMatch(/"notes":\["cannot read [^"]*: what is above may lack what was there"\]/);

    for (const left of [Math.floor(size / 2), 65_536, 1024, 100]) {
      truncateSync(cut, left);
      const { status, stdout, stderr } = await program.run([vmlinux, cut, '-c', 'sys']);
      expect(stderr).toMatch(left > 1024 ? /^vmscope: [^]*the file is cut off/ : /^vmscope: /);
      expect(stderr).not.toMatch(/internal error|^ +at /m);
      expect([0, 3]).toContain(status);
      if (status === 3) expect(stdout).toBe('');
    }
    expect(readdirSync(program.folder).filter((name) => name.startsWith('cut'))).toEqual(['cut']);
  });
});

describe('a vmlinux that does not do', () => {
  it('of another kernel: both build-ids are said', async () => {
    const run = await program.run([otherVmlinux, vmcore, '-c', 'sys']);
    expectRefusal(run, 3, /its build-id: +[0-9a-f]{40} .*\n.*the dump's build-id: [0-9a-f]{40}/);
  });

  it('missing, or no vmlinux at all', async () => {
    expectRefusal(await program.run(['nowhere', vmcore, '-c', 'sys']), 3, 'nowhere: no such file');
    writeFileSync(file('no-elf'), 'text');
    expectRefusal(await program.run([file('no-elf'), vmcore, '-c', 'sys']), 3, 'no-elf: is not an ELF file');
  });

  it('cut off: inside its header, and before its section headers', async () => {
    execFileSync('cp', ['--sparse=always', vmlinux, file('cut-vmlinux')]);
    for (const left of [statSync(vmlinux).size - 64, 1_000_000]) {
      truncateSync(file('cut-vmlinux'), left);
      expectRefusal(
        await program.run([file('cut-vmlinux'), vmcore, '-c', 'sys']),
        3,
        'cut-vmlinux: the file is cut off: its section headers lie beyond its end',
      );
    }
    truncateSync(file('cut-vmlinux'), 5);
    expectRefusal(
      await program.run([file('cut-vmlinux'), vmcore, '-c', 'sys']),
      3,
      'cut-vmlinux: is cut off: it ends inside its ELF header',
    );
  });

  it('not found: every place that was looked at is said, and the dump is read alone', async () => {
    const lonely = file('lonely');
    mkdirSync(lonely);
    symlinkSync(vmcore, join(lonely, 'vmcore'));
    const without = await program.run([join(lonely, 'vmcore'), '-c', 'bt']);
    expect(without.status).toBe(0);
    expect(without.stderr).toMatch(/build-id [0-9a-f]{40}[^]*Looked at[^]*\/usr\/lib\/debug/);
    expect(without.stdout).toMatch(/ vfs_write at [0-9a-f]{16}$/m);
    const unasked = await program.run([join(lonely, 'vmcore'), '--no-debuginfo', '-c', 'bt']);
    expect(unasked).toMatchObject({ status: 0, stderr: '' });
    const found = await program.run([
      join(lonely, 'vmcore'),
      '--debug-dir',
      vmcore.replace(/\/vmcore$/, ''),
      '-c',
      'set',
    ]);
    expect(found).toMatchObject({ status: 0, stderr: '' });
  });

  it('stripped, without DWARF, without code: a stack all the same', async () => {
    const whole = await program.run([vmlinux, vmcore, '-c', 'bt']);
    const frames = (text: string): string[] => text.split('\n').filter((line) => /^ *#\d+ \[/.test(line));
    for (const [tool, ...words] of [['strip'], ['strip', '--strip-debug'], ['objcopy', '--only-keep-debug']] as const) {
      execFileSync(
        tool,
        tool === 'strip' ? [...words, '-o', file('lesser'), vmlinux] : [...words, vmlinux, file('lesser')],
      );
      const { status, stdout, stderr } = await program.run([file('lesser'), vmcore, '-c', 'bt; sys; log | tail -n 1']);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(frames(stdout)).toEqual(frames(whole.stdout));
      expect(stdout).toMatch(/ PANIC: "BUG: kernel NULL pointer/);
      if (tool === 'objcopy') expect(stdout).toMatch(/nfs_inode_add_request \(inlined\)/);
      else expect(stdout).toContain('lesser has no DWARF');
    }
  });
});

describe('wrong words', () => {
  it.each([
    [[], 'which dump?'],
    [['--jsn', vmcore], 'there is no option --jsn; did you mean --json?'],
    [['-x', vmcore], 'there is no option -x'],
    [['--json=yes', vmcore], '--json takes no value'],
    [['--cache', 'much', vmcore], '--cache wants a size from 1M to 64G, not much'],
    [['--cache', '12', vmcore], '--cache wants a size'],
    [['--cache=1000G', vmcore], '--cache wants a size'],
    [[vmcore, '-c'], '-c wants a value: COMMANDS'],
    [[vmcore, '-i', '/nowhere/commands'], '/nowhere/commands: no such file'],
  ])('%j', async (words, message) => {
    expectRefusal(await program.run(words), 2, message);
  });

  it.each([
    ['lgo', 'command not found: lgo; did you mean log?'],
    ['bt -z', 'bt: there is no option -z'],
    ['sym no_such_symbol_at_all', 'symbol not found: no_such_symbol_at_all'],
    ['bt "1', 'the quote " does not end'],
  ])('a command: %s', async (line, message) => {
    const { status, stdout, stderr } = await program.run([vmcore, '-c', line]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
