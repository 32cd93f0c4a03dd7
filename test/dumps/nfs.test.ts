/** The dump the project is shown with: the stack that the issue asks for, line by line, beside the console's own. */

import { describe, expect, it } from 'vitest';
import { Fixture } from './fixture.ts';

const fixture = new Fixture('nfs');
const bt = fixture.run('bt');
const text = bt.join('\n');

describe('bt of nfs', () => {
  it('is of task 1, init', () => {
    expect(bt[0]).toMatch(/^PID: 1 {8}TASK: [0-9a-f]{16} {2}CPU: \d {4}COMMAND: "init"$/);
  });

  it('has these physical frames, numbered without gaps, and no stale one', () => {
    const names = bt
      .flatMap((line) => /^ *#\d+ \[[0-9a-f]{16}\] (.*) at [0-9a-f]{16}(?: \[(\w+)\])?$/.exec(line) ?? [])
      .filter((_, index) => index % 3 === 1);
    const numbers = bt.flatMap((line) => /^ *#(\d+) \[/.exec(line)?.[1] ?? []).map(Number);
    const start = names.indexOf('panic');
    expect(names.slice(start)).toEqual([
      'panic',
      'oops_end.cold',
      'page_fault_oops',
      'exc_page_fault',
      'asm_exc_page_fault',
      '_raw_spin_lock',
      'nfs_updatepage',
      'nfs_write_end',
      'generic_perform_write',
      'nfs_file_write',
      'vfs_write',
      'ksys_write',
      'do_syscall_64',
      'entry_SYSCALL_64_after_hwframe',
    ]);
    expect(numbers).toEqual(numbers.map((_, index) => index));
  });

  it('has every register of the console at the exception, and those of user mode at the end', () => {
    const consoleText = fixture.console;
    const oops = consoleText.slice(consoleText.indexOf('RIP: 0010:_raw_spin_lock'));
    for (const name of ['RAX', 'RBX', 'RCX', 'RDX', 'RSI', 'RDI', 'RBP', 'R10', 'R11', 'R12', 'R13', 'R14', 'R15']) {
      const value = new RegExp(`${name}: ([0-9a-f]{16})`).exec(oops)?.[1];
      expect(text).toContain(`${name}: ${value}`);
    }
    expect(text).toContain(`[exception RIP: _raw_spin_lock+19]`);
    expect(text).toContain(`RSP: ${/RSP: 0018:([0-9a-f]{16})/.exec(oops)?.[1]}`);
    expect(text).toContain(`RIP: 0000000000${/RIP: 0033:0x([0-9a-f]+)/.exec(oops)?.[1]}`);
    expect(bt.at(-1)).toMatch(/^ {4}ORIG_RAX: 0000000000000001 {2}CS: 0033 {2}SS: 002b$/);
  });

  it('has the inlined calls with the lines of the calls themselves', () => {
    const inlined = (frame: string): string[] => {
      const number = bt.find((line) => line.includes(`] ${frame} at `))?.match(/#(\d+)/)?.[1];
      return bt.flatMap(
        (line) => new RegExp(`^ +#${number}\\.\\d+ (\\w+) \\(inlined\\) at (.*)$`).exec(line)?.[1] ?? [],
      );
    };
    expect(inlined('_raw_spin_lock').at(0)).toBe('arch_atomic_try_cmpxchg');
    expect(inlined('_raw_spin_lock').at(-1)).toBe('__raw_spin_lock');
    expect(inlined('nfs_updatepage')).toEqual([
      'spin_lock',
      'nfs_inode_add_request',
      'nfs_setup_write_request',
      'nfs_writepage_setup',
    ]);
    expect(inlined('vfs_write')).toEqual(['call_write_iter', 'new_sync_write']);
    expect(text).toMatch(/nfs_inode_add_request \(inlined\) at fs\/nfs\/write\.c: \d+/);
  });

  it('names the first cause', () => {
    expect(fixture.run('sys').at(-1)).toBe(
      '       PANIC: "BUG: kernel NULL pointer dereference, address: 00000000000000a4"',
    );
  });
});

describe('a dump in which nothing panicked', () => {
  const deadlock = new Fixture('deadlock');
  it('says so, and shows the task of CPU 0', () => {
    expect(deadlock.run('sys').at(-1)).toMatch(/^ {7}PANIC: \(nothing panicked: /);
    expect(deadlock.run('set').at(-1)).not.toContain('PANIC');
    expect(deadlock.run('set').join('\n')).toContain('CPU: 0');
  });

  it('shows who waits for which lock', () => {
    const stacks = deadlock.run('foreach UN bt').join('\n');
    expect(stacks).toMatch(
      /repro_a"\n(.*\n)+? *#\d+ .* __mutex_lock\S* at [0-9a-f]{16}\n(.*\n)*? *#\d+ .* take_both at [0-9a-f]{16} \[repro\]/,
    );
    expect(stacks).toMatch(
      /repro_b"\n(.*\n)+? *#\d+ .* __mutex_lock\S* at [0-9a-f]{16}\n(.*\n)*? *#\d+ .* take_both at [0-9a-f]{16} \[repro\]/,
    );
  });
});

describe('a crash in the init function of a module without a debug package', () => {
  const deref = new Fixture('deref');
  const lines = deref.run('bt -s');
  it('is named as the console names it, down to user mode', () => {
    const frames = deref.console.slice(deref.console.indexOf('Call Trace:'));
    const expected = Array.from(
      frames.matchAll(/\]  ([\w.]+)\+0x([0-9a-f]+)\/0x[0-9a-f]+/g),
      ([, name, offset]) => `${name}+${parseInt(offset ?? '', 16)}`,
    );
    const ours = lines.flatMap((line) => /\] (\S+\+\d+) at/.exec(line)?.[1] ?? []);
    const start = ours.findIndex((frame) => frame.startsWith('repro_init'));
    const until = expected.indexOf(ours.at(-1) ?? '');
    expect(start).toBeGreaterThan(0);
    expect(ours.slice(start)).toEqual(expected.slice(0, until + 1).filter((frame) => ours.includes(frame)));
    expect(lines.join('\n')).toMatch(/read_value \(inlined\)/);
  });
});
