/**
 * `search` on real dumps beside crash 9.0.2. Where they differ, crash is wrong:
 * - It takes all of the 1 GiB from __START_KERNEL_map on for the kernel image and makes addresses up that the page
 *   tables do not map (below _text); what is mapped behind _end it does not search.
 * - Its vmalloc region reaches over the image, in which it may find things twice.
 * - It cuts a text at the end of a page.
 */

import { describe, expect, it } from 'vitest';
import { Fixture, fixtureNames } from './fixture.ts';
import { attempt } from '../../src/base/errors.ts';
import { parseHex } from '../../src/commands/session.ts';
import { virtAddr } from '../../src/base/addr.ts';

const names = fixtureNames.filter((name) => new Fixture(name).crash('sys') !== undefined);

function theirLines(fixture: Fixture, command: string): string[] {
  return [...new Set((fixture.crash(command) ?? '').split('\n').map((line) => line.trimEnd()))].filter(
    (line) => line !== '',
  );
}

describe.each(names)('search on %s, beside crash', (name) => {
  const fixture = new Fixture(name);
  fixture.standWithCrash();
  const { kernel } = fixture.session;
  const text = kernel.addressOf('_text') ?? virtAddr(0);
  const end = kernel.addressOf('_end') ?? virtAddr(0);
  const addressOf = (line: string): bigint => parseHex(line.split(':')[0] ?? '') ?? virtAddr(0);
  const isMapped = (line: string): boolean =>
    attempt(() => kernel.memory.translate(virtAddr(addressOf(line)))) !== undefined;
  /** What crash makes up. */
  const isMadeUp = (line: string): boolean =>
    addressOf(line) >= 0xffff_ffff_8000_0000n && addressOf(line) < text && !isMapped(line);
  /** Behind the image and before the first module: the rest of its last large page. */
  const firstModule = kernel.modules().modules.reduce((low, { base }) => (base < low ? base : low), virtAddr(-1n));
  const isBehindImage = (line: string): boolean => addressOf(line) >= end && addressOf(line) < firstModule;

  it.each(['search init_task', 'search -K init_task', 'search -V init_task'])('%s', (command) => {
    const ours = fixture.run(command);
    const theirs = theirLines(fixture, command);
    expect(ours.filter((line) => !isBehindImage(line)).sort()).toEqual(theirs.filter((line) => !isMadeUp(line)).sort());
    expect(ours.filter(isBehindImage).every(isMapped)).toBe(true);
    expect(ours).toEqual([...ours].sort());
    expect(ours.length).toBeGreaterThan(20);
  });

  it('search -t, task by task', () => {
    const tasks = (lines: readonly string[]): string[] => lines.join('\n').split('\n\n').sort();
    const theirs = (fixture.crash('search -t init_task') ?? '').trimEnd().split('\n');
    expect(tasks(fixture.run('search -t init_task'))).toEqual(tasks(theirs));
  });

  it('search -T -x: what is around', () => {
    const ours = fixture.run('search -T -x 2 init_task');
    const theirs = (fixture.crash('search -T -x 2 init_task') ?? '').replace(/\n$/, '').split('\n');
    if (theirs.length === 1) expect(ours).toEqual(['(not found in 32768 bytes)']);
    else expect(ours).toEqual(theirs);
  });

  it.each([
    'search -m ff 0xffffffffffffff00 -s linux_banner -l 65536',
    'search -w -s linux_banner -l 64 -x 3 756e694c',
    'search -h -s linux_banner -l 4096 756e',
    'search -h -m ff00 -s linux_banner -l 512 6e',
    'search -p -w deadbeef',
  ])('%s', (command) => {
    const ours = fixture.run(command).filter((line) => line !== '' && !line.startsWith('(not found'));
    expect(ours).toEqual(theirLines(fixture, command));
  });

  it('search -u, in the same task', () => {
    const theirs = theirLines(fixture, 'search -u -w 464c457f');
    if (fixture.session.current.mm === 0n) {
      expect(theirs).toEqual(['search: current context has no user address space']);
      expect(() => fixture.run('search -u -w 464c457f')).toThrow('is a kernel thread');
    } else expect(fixture.run('search -u -w 464c457f')).toEqual(theirs);
  });

  it.each(['search -c "Linux version"', 'search -c -p "do_syscall_64" "not syncing"'])('%s', (command) => {
    const ours = fixture.run(command);
    const theirs = theirLines(fixture, command).filter((line) => command.includes('-p') || !isMadeUp(line));
    expect(
      ours.filter((line) => command.includes('-p') || !isBehindImage(line)).map((line) => line.split(':')[0]),
    ).toEqual(theirs.map((line) => line.split(':')[0]));
    for (const line of theirs)
      expect(
        ours.some((own) => own.startsWith(line)),
        line,
      ).toBe(true);
  });
});

describe.each(fixtureNames)('search on %s', (name) => {
  const fixture = new Fixture(name);

  it('finds a value where it stands, in the direct map and in the image, and only there', () => {
    const { kernel } = fixture.session;
    const banner = kernel.symbol('linux_banner');
    const word = kernel.memory.u64(banner).toString(16);
    const ours = fixture.run(`search ${word}`);
    expect(ours).toContain(`${banner.toString(16)}: ${word}`);
    const physical = fixture.run(`search -p ${word}`);
    expect(physical).toContain(`${kernel.memory.translate(banner).toString(16)}: ${word}`);
    for (const line of ours) {
      const address = virtAddr(parseHex(line.split(':')[0] ?? '') ?? 0n);
      expect(kernel.memory.u64(address).toString(16)).toBe(word);
      expect(physical).toContain(`${kernel.memory.translate(address).toString(16)}: ${word}`);
    }
    // Physical memory of the kernel is in its direct map.
    expect(ours.length).toBeGreaterThanOrEqual(physical.length);
  });

  it('finds on the stacks what the stacks hold', () => {
    const { tasks } = fixture.session.tasks();
    const task = tasks.find(({ pid }) => pid === 1);
    if (task === undefined) throw new Error('no init');
    const own = fixture.run(`search -t ${task.address.toString(16)}`);
    const begins = own.filter((line) => line.startsWith('PID: '));
    expect(new Set(begins).size).toBe(begins.length);
    for (const line of own.filter((entry) => /^[0-9a-f]+: /.test(entry))) {
      const address = parseHex(line.split(':')[0] ?? '') ?? 0n;
      expect(tasks.some(({ stack }) => address >= stack && address < stack + 16384n)).toBe(true);
    }
  });
});
