/** `vmscope faddr2line` and `dis` in the built program: the disassembler is a file beside it, loaded when it is needed. */

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sample, useProgram, vmcore, vmlinux, type Run } from './program.ts';

const program = useProgram();
const nfs = `${sample}/modules/nfs.ko`;

function file(name: string): string {
  return join(program.folder, name);
}

function expectRefusal({ status, stdout, stderr }: Run, wantedStatus: number, message: string | RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^vmscope: /);
  expect(stderr).not.toMatch(/^ +at |internal error/m);
  expect(stdout).toBe('');
  expect(status).toBe(wantedStatus);
}

const chain = [
  'spin_lock at include/linux/spinlock.h:351',
  ' (inlined by) nfs_inode_add_request at fs/nfs/write.c:808',
  ' (inlined by) nfs_setup_write_request at fs/nfs/write.c:1207',
  ' (inlined by) nfs_writepage_setup at fs/nfs/write.c:1217',
  ' (inlined by) nfs_updatepage at fs/nfs/write.c:1427',
];

describe('vmscope faddr2line', () => {
  it('needs no dump: a module, a module that is packed, a vmlinux', async () => {
    const packed = ['xz', 'gzip'].map((program) => {
      const path = file(`nfs.ko.${program}`);
      writeFileSync(path, execFileSync(program, ['-1', '-c', nfs], { maxBuffer: 1 << 28 }));
      return path;
    });
    for (const path of [nfs, ...packed]) {
      const { status, stdout, stderr } = await program.run(['faddr2line', path, 'nfs_updatepage+0x997/0xd40']);
      expect(stderr).toBe('');
      expect(stdout.split('\n').slice(2, 7)).toEqual(chain);
      expect(status).toBe(0);
    }
    const { stdout } = await program.run(['faddr2line', vmlinux, 'schedule+0x3e', 'vfs_write+6']);
    expect(stdout).toMatch(/^schedule\+0x3e\/0xc7:\n/);
    expect(stdout).toMatch(/^vfs_write\+0x6\//m);
  });

  it('takes a line of an oops as it is', async () => {
    const line = 'RIP: 0010:nfs_updatepage+0x997/0xd40 [nfs]';
    const { stdout } = await program.run(['faddr2line', nfs, ...line.split(' ')]);
    expect(stdout).toContain('an instruction pointer, not a return address');
    expect(stdout).toContain('nfs_inode_add_request at fs/nfs/write.c:809');
  });

  it('prints both lines where the file has no code, as files of debug information alone have not', async () => {
    execFileSync('objcopy', ['--only-keep-debug', nfs, file('nfs.ko.debug')]);
    const { status, stdout } = await program.run(['faddr2line', file('nfs.ko.debug'), 'nfs_updatepage+0x997/0xd40']);
    const [, first, ...rest] = stdout.split('\n');
    expect(first).toMatch(
      /^\(if it is a return address: lines of nfs_updatepage\+0x996: in doubt: the code cannot be read/,
    );
    expect(rest.slice(0, 5)).toEqual(chain);
    expect(rest[5]).toMatch(/^\(if it is an instruction pointer: lines of nfs_updatepage\+0x997: /);
    expect(rest[6]).toBe('nfs_inode_add_request at fs/nfs/write.c:809');
    expect(status).toBe(0);
  });

  it('answers in JSON, a line an address, failures too', async () => {
    const { status, stdout } = await program.run(['faddr2line', '--json', vmlinux, 'schedule+0x3e', 'nosuch+1']);
    const [first, second] = stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(first).toMatchObject({ ok: true, type: 'function-lines', result: { candidates: [{ size: 0xc7 }] } });
    expect(second).toMatchObject({ ok: false, command: 'nosuch+1', error: { code: 'lookup' } });
    expect(status).toBe(1);
  });

  it('shows its help', async () => {
    const { status, stdout } = await program.run(['faddr2line', '--help']);
    expect(stdout).toMatch(/^usage: vmscope faddr2line FILE/);
    expect(status).toBe(0);
    expect((await program.run(['--help'])).stdout).toContain('vmscope faddr2line FILE');
  });

  it('answers what it can, and names what it cannot', async () => {
    const { status, stdout, stderr } = await program.run(['faddr2line', vmlinux, 'schdule+1', 'schedule+0x3e']);
    expect(stdout).toMatch(/^schedule\+0x3e/);
    expect(stderr).toMatch(/schdule; did you mean schedule/);
    expect(status).toBe(1);
  });

  it('refuses what makes no sense', async () => {
    const ask = (...words: readonly string[]): Promise<Run> => program.run(['faddr2line', ...words]);
    expectRefusal(await ask(), 2, 'which file? usage: vmscope faddr2line FILE');
    expectRefusal(await ask(vmlinux), 2, 'no function+offset/size was given');
    expectRefusal(await ask(vmlinux, 'schedule+zz'), 2, 'schedule+zz is no function+offset/size');
    expectRefusal(await ask(vmlinux, 'schedule'), 2, 'schedule is no function+offset/size');
    expectRefusal(await ask('--frob', vmlinux, 'a+1'), 2, 'there is no option --frob');
    expectRefusal(await ask(vmlinux, 'schedule+0x1000/0x2000'), 1, 'behind the end of the function (size 0xc7)');
  });

  describe('with a file that is none', () => {
    beforeAll(() => {
      writeFileSync(file('empty'), '');
      writeFileSync(file('text'), 'no ELF file\n'.repeat(9));
      writeFileSync(file('broken.ko.xz'), Buffer.from('fd377a585a000004deadbeef', 'hex'));
      mkdirSync(file('folder'));
      copyFileSync(nfs, file('cut.ko'));
      truncateSync(file('cut.ko'), 100_000);
      execFileSync('objcopy', ['--strip-debug', nfs, file('nodebug.ko')]);
      execFileSync('objcopy', ['--strip-all', '--keep-section=.text', vmlinux, file('stripped')]);
    });

    it.each([
      ['missing', 'missing: no such file'],
      ['missing.ko.xz', 'missing.ko.xz: no such file'],
      ['empty', 'empty: is empty'],
      ['folder', 'folder: is a folder'],
      ['text', 'text: is not an ELF file'],
      ['cut.ko', 'cut.ko: the file is cut off'],
      ['nodebug.ko', 'nodebug.ko: has no debug information (DWARF)'],
      ['stripped', 'stripped: has no symbols (stripped?)'],
    ])('%s', async (name, message) => {
      expectRefusal(await program.run(['faddr2line', file(name), 'schedule+1']), 3, message);
    });

    it('a dump, a packed file that is damaged', async () => {
      expectRefusal(await program.run(['faddr2line', vmcore, 'schedule+1']), 3, 'is a memory image');
      expectRefusal(
        await program.run(['faddr2line', file('broken.ko.xz'), 'schedule+1']),
        3,
        'broken.ko.xz: the file is cut off',
      );
    });
  });
});

describe('dis', () => {
  it('loads the disassembler, in text and JSON', async () => {
    const text = await program.run([vmcore, '-s', '-c', 'dis schedule 2']);
    expect(text.stdout).toMatch(/^0x[0-9a-f]{16} <schedule>:\tnopl {3}0x0\(%rax,%rax,1\) \[FTRACE NOP\]\n/);
    const { stdout } = await program.run([vmcore, '-s', '--json', '-c', 'dis -l schedule 2']);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      type: 'disassembly',
      result: {
        rows: [{ bytes: '0f1f440000', kind: 'other', source: [{ functionName: 'schedule' }] }, { current: false }],
      },
    });
  });

  it('shows source from --src, and nothing from outside of it', async () => {
    mkdirSync(file('tree/kernel/sched'), { recursive: true });
    const lines = Array.from({ length: 6700 }, (_, index) => (index === 6660 ? '}' : `\tline ${index + 1};`));
    writeFileSync(file('tree/kernel/sched/core.c'), lines.join('\n'));
    const { stdout } = await program.run([
      vmcore,
      '-s',
      '--src',
      file('tree'),
      '-c',
      'dis -s schedule 2; dis -s schedule',
    ]);
    const [counted = '', whole = ''] = stdout.split(/(?<=\n)(?=FILE: )/);
    expect(counted.split('\n')).toEqual([
      'FILE: kernel/sched/core.c',
      'LINE: 6654',
      '',
      ...[6649, 6650, 6651, 6652, 6653].map((number) => `  ${number}\t\tline ${number};`),
      '* 6654\t\tline 6654;',
      '  6655\t\tline 6655;',
      '  6656\t\tline 6656;',
      '',
      '',
    ]);
    expect(whole).toMatch(/\n {2}6661\t}\n\n$/);
  });

  it.each([
    ['dis', /dis wants a symbol or an address/],
    ['dis nosuch_symbol', /symbol not found: nosuch_symbol/],
    ['dis schedule 0', /0 is no usable count/],
    ['dis schedule x', /x is no usable count/],
    ['dis schedule 1 2', /no more than 2 words: what is "2"/],
    ['dis schedule+0x1000', /behind the end of schedule \(size 0xc7\)/],
    ['dis schedule+zz', /offset zz is no number/],
    ['dis -rf schedule', /-r and -f exclude each other/],
    ['dis -u schedule', /no address of user mode/],
    ['dis -u ffffffff81000000', /leave out -u/],
    ['dis 400000', /of user mode: dis -u/],
    ['dis ffffffffff000000', /not mapped/],
    ['dis -b x schedule', /-b x is no number of bytes/],
    ['dis init_once', /functions bear this name; say which by its address:\n +ffffffff\w+ +size 0x/],
    ['dis -q schedule', /there is no option -q/],
  ])('refuses "%s"', async (line, message) => {
    const { status, stdout, stderr } = await program.run([vmcore, '-s', '-c', line]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/internal error/);
    expect(stdout).toBe('');
    expect(status).toBe(1);
  });
});
