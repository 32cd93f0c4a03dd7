/**
 * The program on real kdumps: what a filter left out, with and without --zero-excluded; parts of a split dump; files
 * that were cut off; a cache of any size.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FaultError } from '../../src/base/errors.ts';
import type { DumpImage } from '../../src/formats/dump-image.ts';
import { Fixture } from '../dumps/fixture.ts';
import { useProgram } from './program.ts';

const program = useProgram();
const fixture = new Fixture('kdump-6.1');
const vmlinux = join(fixture.folder, 'vmlinux');
const container = (name: string): string => join(fixture.folder, 'containers', name);
const parts = ['split-d0.1', 'split-d0.2', 'split-d0.3'].map(container);

/** The first page that the filter left out. */
function excludedPage(image: DumpImage): string {
  for (let address = 0; address < image.end; address += 4096) {
    try {
      image.read(address, new Uint8Array(1));
    } catch (error) {
      if (error instanceof FaultError && error.why === 'excluded') return address.toString(16);
    }
  }
  throw new Error('no page is excluded');
}

describe('a page that the filter left out', () => {
  const filtered = new Fixture('kdump-6.12');
  const dump = join(filtered.folder, 'vmcore');
  const address = excludedPage(filtered.session.kernel.target.image);

  it('cannot be read, with the reason', async () => {
    const run = await program.run([dump, '-c', `rd -p ${address}`]);
    expect(run.stderr).toBe(`rd: cannot read physical address ${address}: page excluded by the dump filter\n`);
    expect(run.status).toBe(1);
  });

  it.each(['--zero-excluded', '--zero_excluded'])(
    'is zero with %s, and marks its answer and those after it',
    async (option) => {
      const commands = `sym init_task; rd -p ${address}; sym init_task`;
      const text = await program.run([option, dump, '-c', commands]);
      expect(text.status).toBe(0);
      expect(text.stdout.split('\n')[1]).toMatch(new RegExp(`^ *${address}:  0{16} `));
      expect(text.stderr.trimEnd().split('\n')).toEqual([
        'vmscope: warning: read as zero, since the dump leaves it out: 1 page; what rests on that is not known',
        'vmscope: warning: this answer may rest on what was read as zero before, since the dump leaves it out: 1 page',
      ]);
      const json = await program.run([option, '--json', dump, '-c', commands]);
      const answers = json.stdout
        .trimEnd()
        .split('\n')
        .map((line): unknown => JSON.parse(line));
      expect(answers[0]).not.toHaveProperty('zeroedPages');
      expect(answers[1]).toMatchObject({ ok: true, zeroedPages: { now: 1, ever: 1 } });
      expect(answers[2]).toMatchObject({ ok: true, zeroedPages: { now: 0, ever: 1 } });
    },
  );

  it('is told of by sys', async () => {
    const { stdout } = await program.run([dump, '-c', 'sys']);
    expect(stdout).toContain(`DUMPFILE: ${dump}  [PARTIAL DUMP]\n`);
  });
});

describe('a split dump', () => {
  it('is opened by its parts, in any order, and all of them are named', async () => {
    const [first, second, third] = parts as [string, string, string];
    const { stdout, stderr, status } = await program.run([third, vmlinux, first, second, '-c', 'sys']);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    // Parts without pages, as a small guest has, stand in any order.
    const named = stdout.split('\n').slice(1, 4);
    expect(named[0]).toBe(`   DUMPFILES: ${first}`);
    expect(named.slice(1).sort()).toEqual([second, third].map((part) => `${' '.repeat(14)}${part}`));
  });

  it('is refused with a part that is named twice, or a whole dump beside it', async () => {
    const [first] = parts as [string];
    const twice = await program.run([first, first, vmlinux, '-c', 'sys']);
    expect(twice).toMatchObject({ status: 3, stdout: '' });
    expect(twice.stderr).toContain('are the same part of the dump; name each part once');
    const mixed = await program.run([first, container('zlib-d0'), vmlinux, '-c', 'sys']);
    expect(mixed.stderr).toContain(`${container('zlib-d0')} is a whole kdump, no part of a split one`);
  });
});

describe('a kdump that was cut off', () => {
  /** The beginning of a file. */
  function cut(name: string, share: number): string {
    const whole = readFileSync(container(name));
    const path = join(program.folder, `${name}-${share}`);
    writeFileSync(path, whole.subarray(0, Math.floor(whole.length * share)));
    return path;
  }

  it.each(['zlib-d31', 'flat-d31', 'zstd-d31'])('opens with what is there: %s', async (name) => {
    const path = cut(name, 0.995);
    const { stdout, stderr } = await program.run([path, vmlinux, '-c', 'sys']);
    expect(stderr).toMatch(/warning: .* cut off/);
    expect(stdout).toContain('[PARTIAL DUMP] [INCOMPLETE]');
    expect(stdout).toMatch(/RELEASE: 6\.1\.0/);
  });

  it.each([0.0001, 0.0005, 0.002, 0.1])('says what is wrong where that does not suffice: %d of it', async (share) => {
    const { stdout, stderr, status } = await program.run([cut('zlib-d31', share), vmlinux, '-c', 'sys']);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/cut off/);
    expect(stderr).not.toMatch(/another kernel|internal error|^ +at /m);
    expect(status).toBe(3);
  });
});

describe('a cache of any size', () => {
  it('gives the same answers', async () => {
    const commands = 'bt; ps | head -20; log | tail -5';
    const usual = await program.run([container('zstd-d31'), vmlinux, '-c', commands]);
    for (const size of ['1M', '300m', '2G'])
      expect(await program.run(['--cache', size, container('zstd-d31'), vmlinux, '-c', commands])).toEqual(usual);
  });
});

describe('a packed kdump', () => {
  it('is refused with the command that unpacks it', async () => {
    const path = join(program.folder, 'vmcore.gz');
    writeFileSync(path, gzipSync(readFileSync(container('zlib-d31')).subarray(0, 100_000)));
    const { stderr, status } = await program.run([path, vmlinux, '-c', 'sys']);
    expect(stderr).toContain(`unpack it first: gzip -dc ${path} > ${path.slice(0, -3)}\n`);
    expect(status).toBe(3);
  });
});
