/** The contract of the command line: where commands come from, where answers go, what the exit status says. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useProgram, vmcore, vmlinux } from './program.ts';

const program = useProgram();

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function jsonLines(text: string): unknown[] {
  return linesOf(text).map((line): unknown => JSON.parse(line));
}

describe('the built program', () => {
  it('imports nothing but Node and its own files', () => {
    const folder = join(program.folder, 'dist');
    for (const name of readdirSync(folder)) {
      const text = readFileSync(join(folder, name), 'utf8');
      for (const [, from = ''] of text.matchAll(/^(?:import|export)[^;]*?from "([^"]+)";$|\bimport\("([^"]+)"\)/gm)) {
        expect(
          from === '' || from.startsWith('node:') || existsSync(join(folder, from)),
          `${name} imports ${from}`,
        ).toBe(true);
      }
    }
  });

  it('answers --help and --version at once', async () => {
    const help = await program.run(['--help']);
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(help.stdout).toContain('usage: vmscope [options] [vmlinux] vmcore');
    expect(await program.run(['--version'])).toMatchObject({ status: 0, stdout: 'vmscope 0.1.0\n', stderr: '' });
  });
});

describe('commands', () => {
  it('come from -c, which may be repeated and hold several', async () => {
    const { status, stdout, stderr } = await program.run([vmcore, '-c', 'set; sym vfs_write', '-c', 'help quit']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^ {4}PID: 1\n[^]*\(T\) vfs_write [^]*quit: leave\n/);
    expect(stdout).not.toContain('KERNEL:');
  });

  it('come from standard input, after what the dump is of', async () => {
    const { status, stdout } = await program.run([vmcore], { input: '# a comment; foo\n\nsym vfs_write\nquit\nfoo\n' });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ +KERNEL: [^]* PANIC: [^]*COMMAND: "init"[^]*vfs_write/);
    expect(stdout).not.toContain('>');
  });

  it('come from a file, and -s leaves out what the dump is of', async () => {
    const file = join(program.folder, 'commands');
    writeFileSync(file, 'set\nnosuch\nsym vfs_read');
    const { status, stdout, stderr } = await program.run(['-s', vmcore, '-i', file]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^ {4}PID: 1\n[^]*vfs_read/);
    expect(stderr).toBe('command not found: nosuch\n');
  });

  it('are answered as they come through a pipe', async () => {
    const { stdout } = await program.shell(
      `(echo sym vfs_write; sleep 1; echo quit; echo sym vfs_read) | $VMSCOPE -s ${vmcore}`,
    );
    expect(stdout).toMatch(/vfs_write/);
    expect(stdout).not.toMatch(/vfs_read/);
  });

  it('need no order of the two files', async () => {
    const one = await program.run([vmlinux, vmcore, '-c', 'set']);
    const other = await program.run(['-c', 'set', vmcore, vmlinux]);
    expect(one).toMatchObject({ status: 0, stderr: '' });
    expect(other).toEqual(one);
  });
});

describe('answers', () => {
  it('are a line a command in JSON; one that fails does not stop the rest', async () => {
    const { status, stdout, stderr } = await program.run([
      vmcore,
      '--json',
      '-c',
      'set; nosuch; bt 99999999; bt; quit; set',
    ]);
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(jsonLines(stdout)).toMatchObject([
      {
        command: 'set',
        type: 'task',
        ok: true,
        result: { type: 'task', pid: 1, task: expect.stringMatching(/^0x[0-9a-f]{16}$/) },
      },
      {
        command: 'nosuch',
        type: 'error',
        ok: false,
        error: { code: 'lookup', what: 'command', wanted: 'nosuch', suggestions: [] },
      },
      {
        command: 'bt 99999999',
        type: 'error',
        ok: false,
        error: { code: 'lookup', message: expect.stringContaining('99999999') },
      },
      { command: 'bt', type: 'backtrace', ok: true, result: [{ type: 'backtrace' }] },
      { command: 'quit', type: 'none', ok: true, result: [] },
    ]);
  });

  it('show in JSON what came before they failed, and why they did', async () => {
    const { status, stdout } = await program.run([
      vmcore,
      '--json',
      '-c',
      'struct task_struct.comm,nope init_task; set',
    ]);
    expect(status).toBe(1);
    expect(jsonLines(stdout)).toMatchObject([
      { type: 'structure', ok: false, error: { code: 'lookup' }, result: [{ members: [{ path: 'comm' }] }] },
      { type: 'task', ok: true },
    ]);
  });

  it('have failed where no value that was asked for can be read', async () => {
    const none = await program.run([vmcore, '-c', 'p *(int *)0; dis ffffffffffffffff; kmem ffffffffffffffff']);
    expect(none).toMatchObject({ status: 1, stdout: '' });
    expect(linesOf(none.stderr)).toEqual([
      expect.stringMatching(/^p: cannot read .* 0: not mapped$/),
      expect.stringMatching(/^dis: cannot read .* ffffffffffffffff: not mapped$/),
      expect.stringMatching(/^kmem: ffffffffffffffff: cannot read /),
    ]);
    const json = await program.run([vmcore, '--json', '-c', 'list 0']);
    expect(json.status).toBe(1);
    expect(jsonLines(json.stdout)).toMatchObject([{ ok: false, error: { code: 'unavailable' } }]);
    const one = await program.run([vmcore, '-c', 'kmem ffffffffffffffff linux_banner']);
    expect(one).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/cannot read[^]*linux_banner/) });
  });

  it('in JSON are whole where they are long', async () => {
    const { status, stdout } = await program.run([vmcore, '--json', '-c', 'sym -l', '-c', 'foreach bt']);
    expect(status).toBe(0);
    const [symbols, stacks] = jsonLines(stdout);
    expect(symbols).toMatchObject({ type: 'symbols', ok: true });
    expect(stacks).toMatchObject({ type: 'backtrace', ok: true });
  });

  it('go to files and pipes; the dump itself is never written', async () => {
    const file = join(program.folder, 'answer');
    const lines = [
      `set > ${file}`,
      `sym vfs_write >> ${file}`,
      'log | head -n 1',
      `nosuch > ${file}`,
      `set > ${vmcore}`,
      'set > /nowhere/x',
    ];
    const { status, stdout, stderr } = await program.run(['-s', vmcore], { input: lines.join('\n') });
    expect(status).toBe(1);
    expect(readFileSync(file, 'utf8')).toMatch(/^ {4}PID: 1\n[^]*vfs_write[^\n]*\n$/);
    expect(linesOf(stdout)).toEqual([expect.stringContaining('Linux version')]);
    expect(linesOf(stderr)).toEqual([
      'command not found: nosuch',
      `set: ${vmcore} is being read by this very session; it is not written over`,
      'set: cannot write /nowhere/x: no such file or folder',
    ]);
  });

  it('leave the shell its say, but not in the JSON', async () => {
    const input = '!echo hello; exit 3\nset';
    const text = await program.run(['-s', vmcore], { input });
    expect(text.status).toBe(1);
    expect(text.stdout).toMatch(/^hello\n {4}PID/);
    const json = await program.run(['-s', '--json', vmcore], { input });
    expect(json.stderr).toBe('hello\n');
    expect(jsonLines(json.stdout)).toMatchObject([
      { type: 'shell', ok: false, result: { status: 3 } },
      { type: 'task' },
    ]);
  });

  it('end silently where nobody reads them', async () => {
    const { stdout, stderr } = await program.shell(`$VMSCOPE ${vmcore} -c 'sym -l; log; foreach bt -l' | head -n 2`);
    expect(linesOf(stdout)).toHaveLength(2);
    expect(stderr).toBe('');
    const inner = await program.run([vmcore, '-c', 'sym -l | head -n 1', '-c', 'set']);
    expect(inner).toMatchObject({ status: 0, stderr: '' });
    expect(linesOf(inner.stdout)).toHaveLength(6);
  });

  it('that have no place to go are said once, in words', async () => {
    for (const words of ['-c "bt; log"', '--json -c bt', '--json -c foo -c bt']) {
      const run = await program.shell(`$VMSCOPE ${vmcore} ${words} > /dev/full`);
      expect(run, words).toEqual({ status: 1, stdout: '', stderr: 'vmscope: stdout: no space left on device\n' });
    }
    const help = await program.shell('$VMSCOPE --help > /dev/full');
    expect(help).toMatchObject({ status: 1, stderr: 'vmscope: stdout: no space left on device\n' });
    expect(await program.shell(`$VMSCOPE ${vmcore} -c foo 2> /dev/full`)).toMatchObject({ status: 1, stdout: '' });
    const file = await program.run([vmcore, '-c', 'set > /dev/full', '-c', 'set']);
    expect(file).toMatchObject({ status: 1, stderr: 'set: cannot write /dev/full: no space left on device\n' });
    expect(file.stdout).toMatch(/PID: 1/);
  });

  it('hold no escape sequences', async () => {
    const { stdout } = await program.run([vmcore], { input: 'log\nbt\nps\nhelp\nmod\n' });
    expect(stdout).not.toMatch(/\u001b/); // oxlint-disable-line no-control-regex -- that it is not there is the point
  });
});

describe('modules that are packed', () => {
  const folder = join(program.folder, 'packed');
  const pack = (commands: string): Promise<unknown> =>
    program.shell(`mkdir -p ${folder}/modules && cd ${folder} && ln -sf ${vmcore} vmcore && ${commands}`);
  const from = `${sample()}/modules`;

  it('are unpacked on demand, and the answer is the same', async () => {
    const packed = await pack(
      [
        `xz -0 -C crc32 -kc ${from}/nfs.ko > modules/nfs.ko.xz`,
        `zstd -q -c ${from}/sunrpc.ko > modules/sunrpc.ko.zst`,
        `zstd -q < ${from}/grace.ko > modules/grace.ko.debug.zst`,
        `gzip -1 -c ${from}/netfs.ko > modules/netfs.ko.gz`,
        `cp ${from}/nfsd.ko modules/nfsd.ko.debug`,
        'head -c 1000 modules/nfs.ko.xz > modules/lockd.ko.xz',
        'head -c 1000 modules/sunrpc.ko.zst > modules/nfsv3.ko.zst',
        'head -c 1000 modules/netfs.ko.gz > modules/fscache.ko.gz',
        'head -c 1000 modules/nfs.ko.xz > modules/repro.ko.xz',
        'tail -c 1000 modules/nfs.ko.xz >> modules/repro.ko.xz',
        'echo nothing > modules/nfs_acl.ko',
      ].join(' && '),
    );
    expect(packed).toMatchObject({ status: 0, stderr: '' });
    const plain = await program.run([vmcore, '-c', 'bt -l']);
    const { status, stdout, stderr } = await program.run([vmlinux, join(folder, 'vmcore'), '-c', 'bt -l; mod']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.startsWith(plain.stdout)).toBe(true);
    expect(stdout).toContain(`${folder}/modules/nfs.ko.xz\n`);
    expect(stdout).toContain(`${folder}/modules/sunrpc.ko.zst  (not unpacked yet)\n`);
  });

  it('are all loaded by mod -S, those that are damaged with a word each', async () => {
    const { status, stdout, stderr } = await program.run([vmlinux, vmcore, '-c', `mod -S ${folder}/modules`]);
    expect(status).toBe(0);
    for (const file of ['nfs.ko.xz', 'sunrpc.ko.zst', 'grace.ko.debug.zst', 'netfs.ko.gz', 'nfsd.ko.debug'])
      expect(stdout).toContain(`  ${folder}/modules/${file}\n`);
    for (const file of ['lockd.ko.xz', 'nfsv3.ko.zst', 'fscache.ko.gz']) {
      const [codec] = file.split('.').slice(-1);
      const why = `${folder}/modules/${file}: the file is cut off: the end of its ${codec} data is missing`;
      expect(stderr).toContain(`vmscope: warning: ${why}; going on without it\n`);
      expect(stdout).toContain(`${why}\n`);
    }
    expect(stdout).toContain(`${folder}/modules/repro.ko.xz: cannot be unpacked: its xz data is damaged\n`);
    expect(stdout).toContain(`${folder}/modules/nfs_acl.ko: is not an ELF file\n`);
    expect(stdout).toMatch(/modules has no file of this build for these, which keep the file they had: .*\blockd\b/);
  });

  it('are taken by name, wherever they are', async () => {
    const file = join(folder, 'modules', 'nfs.ko.xz');
    const { stdout, stderr } = await program.run([vmcore, '-c', `mod -s nfs ${file}; sym nfs_updatepage`]);
    expect(stderr).toBe('');
    expect(stdout).toContain(`  ${file}\n`);
    expect(stdout).toContain('nfs_updatepage [nfs] fs/nfs/write.c: ');
    for (const [module, name, codec] of [
      ['lockd', 'lockd.ko.xz', 'xz'],
      ['nfsv3', 'nfsv3.ko.zst', 'zst'],
      ['fscache', 'fscache.ko.gz', 'gz'],
    ] as const) {
      const cut = join(folder, 'modules', name);
      expect(await program.run([vmcore, '-c', `mod -s ${module} ${cut}`])).toEqual({
        status: 1,
        stdout: '',
        stderr: `mod: ${cut}: the file is cut off: the end of its ${codec} data is missing\n`,
      });
    }
  });

  it('are looked for under --mod first', async () => {
    const { stdout } = await program.run([vmcore, '--mod', `${folder}/modules`, '-c', 'mod']);
    expect(stdout).toContain(`${folder}/modules/nfs.ko.xz  (not unpacked yet)\n`);
    expect(stdout).toContain(`${folder}/modules/nfsd.ko.debug\n`);
  });
});

function sample(): string {
  return vmcore.slice(0, vmcore.lastIndexOf('/'));
}
