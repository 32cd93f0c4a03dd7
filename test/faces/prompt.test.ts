/** The prompt, in a terminal of its own: history, completion, Ctrl-C, the pager, shell lines. */

import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { useProgram, vmcore } from './program.ts';
import { keys, Terminal } from './terminal.ts';

const program = useProgram();
const prompt = 'vmscope> ';
const state = join(program.folder, 'state');
const historyFile = join(state, 'vmscope', 'history');

beforeEach(() => rmSync(state, { recursive: true, force: true }));

function open(words = '-s', env: Readonly<Record<string, string>> = {}): Terminal {
  return new Terminal(`${process.execPath} ${program.path} ${words} ${vmcore}`, {
    XDG_STATE_HOME: state,
    PAGER: 'cat',
    ...env,
  });
}

describe('the prompt', () => {
  it('begins with what the dump is of, answers, complains, and ends with Ctrl-D', async () => {
    await using terminal = open('');
    await terminal.see(/KERNEL: [^]* PANIC: [^]*COMMAND: "init"/);
    await terminal.see(prompt);
    terminal.type(`foo${keys.enter}`);
    await terminal.see('command not found: foo');
    await terminal.see(prompt);
    terminal.type(`sym vfs_write${keys.enter}`);
    await terminal.see(/\(T\) vfs_write/);
    await terminal.see(prompt);
    terminal.type(keys.controlD);
    expect(await terminal.end()).toBe(0);
  });

  it('runs a file of commands first, and ends with quit', async () => {
    const commands = join(program.folder, 'commands');
    writeFileSync(commands, '# first\nset; sym vfs_read\n');
    await using terminal = open(`-s -i ${commands}`);
    await terminal.see(/PID: 1[^]*vfs_read[^]*vmscope> /);
    terminal.type(`q${keys.enter}`);
    expect(await terminal.end()).toBe(0);
  });

  it('says in words why a dump cannot be opened', async () => {
    await using terminal = open('/nowhere/vmlinux');
    await terminal.see('vmscope: /nowhere/vmlinux: no such file');
    expect(await terminal.end()).toBe(3);
  });

  it('runs what was typed ahead, line by line', async () => {
    await using terminal = open();
    await terminal.see(prompt);
    terminal.type(['set', 'sym vfs_read', 'sym vfs_write', 'quit', ''].join(keys.enter));
    await terminal.see(/PID: 1[^]*\(T\) vfs_read[^]*\(T\) vfs_write/);
    expect(await terminal.end()).toBe(0);
  });
});

describe('history', () => {
  it('is kept across runs, for its owner only', async () => {
    {
      await using terminal = open();
      await terminal.see(prompt);
      terminal.type(`sym vfs_write${keys.enter}`);
      await terminal.see(/\(T\) vfs_write[^]*vmscope> /);
      terminal.type(`quit${keys.enter}`);
      await terminal.end();
    }
    expect(readFileSync(historyFile, 'utf8')).toBe('sym vfs_write\nquit\n');
    expect(statSync(historyFile).mode & 0o777).toBe(0o600);
    await using terminal = open();
    await terminal.see(prompt);
    terminal.type(keys.up);
    await terminal.see('quit');
    terminal.type(keys.up);
    await terminal.see('sym vfs_write');
    terminal.type(keys.enter);
    await terminal.see(/\(T\) vfs_write/);
  });

  it('is bounded', async () => {
    mkdirSync(join(state, 'vmscope'), { recursive: true });
    writeFileSync(historyFile, Array.from({ length: 5000 }, (_, index) => `sym s${index}\n`).join(''), { mode: 0o644 });
    await using terminal = open();
    await terminal.see(prompt);
    terminal.type(keys.up);
    await terminal.see('sym s4999');
    expect(readFileSync(historyFile, 'utf8').split('\n')).toHaveLength(1001);
    expect(statSync(historyFile).mode & 0o777).toBe(0o600);
  });
});

describe('Tab', () => {
  it('completes commands, options and symbols', async () => {
    await using terminal = open();
    await terminal.see(prompt);
    terminal.type('fore');
    await terminal.see('fore');
    terminal.type(keys.tab);
    await terminal.see('ach ');
    terminal.type(keys.controlC);
    await terminal.see(prompt);
    terminal.type('sym vfs_wri');
    await terminal.see('vfs_wri');
    terminal.type(keys.tab);
    await terminal.see('te');
    terminal.type(keys.tab);
    await terminal.see(/vfs_write +vfs_writev/);
    terminal.type(keys.controlC);
    await terminal.see(prompt);
    terminal.type('log -');
    await terminal.see('log -');
    terminal.type(keys.tab);
    await terminal.rest();
    terminal.type(keys.tab);
    await terminal.see(/-T +-d +-m +-t/);
  });

  it('completes types, members and modules; behind a type or member no space, as a dot may follow', async () => {
    await using terminal = open();
    await terminal.see(prompt);
    for (const [line, rest, behind] of [
      ['struct task_str', 'uct', /^[^ ]*\|/],
      ['struct task_struct.se.on_', 'rq', /^[^ ]*\|/],
      ['p init_task.real_p', 'arent', /^[^ ]*\|/],
      ['whatis struct nfs_in', 'ode', /^[^ ]*\|/],
      ['mod -s qemu', '_fw_cfg', /^ [^ ]*\|/],
    ] as const) {
      terminal.type(line);
      await terminal.see(line);
      terminal.type(keys.tab);
      await terminal.see(rest);
      terminal.type('|');
      await terminal.see(behind);
      terminal.type(keys.controlC);
      await terminal.see(prompt);
    }
  });

  it('twice at once does what it does twice in turn', async () => {
    await using terminal = open();
    await terminal.see(prompt);
    terminal.type(`sym nfs_up${keys.tab}${keys.tab}`);
    await terminal.see(/nfs_update[^]*nfs_update_inode[^]*nfs_updatepage/);
    terminal.type(keys.controlC);
    await terminal.see(prompt);
    terminal.type(`help fore${keys.tab}${keys.tab}`);
    await terminal.see('ach ');
    expect(await terminal.rest()).toBe('');
  });

  it('offers nothing of the dump behind a pipe', async () => {
    await using terminal = open();
    await terminal.see(prompt);
    terminal.type('sym x | vfs_wri');
    await terminal.see('vfs_wri');
    terminal.type(keys.tab);
    expect(await terminal.rest()).not.toContain('te');
  });
});

describe('Ctrl-C', () => {
  it('clears the line at an idle prompt', async () => {
    await using terminal = open();
    await terminal.see(prompt);
    terminal.type('sym no_such');
    await terminal.see('no_such');
    terminal.type(keys.controlC);
    await terminal.see(prompt);
    terminal.type(`set${keys.enter}`);
    expect(await terminal.see('PID: 1')).not.toContain('not found');
  });

  it('stops the running command and what follows it on the line, and not the session', async () => {
    await using terminal = open();
    await terminal.see(prompt);
    const file = join(program.folder, 'stacks');
    const line = Array.from({ length: 40 }, () => `foreach bt -l >> ${file}`).join('; ');
    terminal.type(`set; ${line}; sym vfs_read${keys.enter}`);
    await terminal.see(/PID: 1/);
    terminal.type(keys.controlC);
    const output = await terminal.see(/interrupted[^]*vmscope> /);
    expect(output).not.toContain('(T) vfs_read');
    terminal.type(`sym vfs_write${keys.enter}`);
    await terminal.see(/\(T\) vfs_write/);
  });

  it('ends a shell line, and not the session', async () => {
    await using terminal = open();
    await terminal.see(prompt);
    // A shell that is interrupted between two commands may go on with the second: it gets another chance.
    terminal.type(`!echo begun; while sleep 0.05; do :; done${keys.enter}`);
    await terminal.see(/\nbegun/);
    terminal.type(keys.controlC);
    await terminal.see(prompt);
    terminal.type(`set${keys.enter}`);
    await terminal.see('PID: 1');
  });
});

describe('the pager', () => {
  it('shows what is longer than the screen; when it quits, the command ends silently', async () => {
    await using terminal = open('-s', { PAGER: "sh -c 'head -n 3; echo paged'" });
    await terminal.see(prompt);
    terminal.type(`foreach bt -l${keys.enter}`);
    const output = await terminal.see(/paged[^]*vmscope> /);
    expect(output.split('\n').length).toBeLessThan(10);
    expect(output).not.toContain('interrupted');
    terminal.type(`set${keys.enter}`);
    expect(await terminal.see(/STATE[^]*vmscope> /)).not.toContain('paged');
  });

  it('is less where there is one and none was chosen', async ({ skip }) => {
    if (!existsSync('/usr/bin/less')) skip('less is not installed');
    await using terminal = open('-s', { PAGER: 'less', LESS: 'FRX' });
    await terminal.see(prompt);
    terminal.type(`sym -l${keys.enter}`);
    await terminal.see(/_text[^]*:/);
    terminal.type('q');
    await terminal.see(prompt);
    terminal.type(`set${keys.enter}`);
    await terminal.see('PID: 1');
  });

  it('that is not there is done without', async () => {
    await using terminal = new Terminal(`env PATH=/nowhere ${process.execPath} ${program.path} -s ${vmcore}`, {
      PAGER: 'no-such-pager',
    });
    await terminal.see(prompt);
    terminal.type(`log${keys.enter}`);
    await terminal.see(/Linux version[^]*Kernel panic[^]*vmscope> /);
  });

  it('is not used for a pipe or a file', async () => {
    await using terminal = open('-s', { PAGER: 'sh -c "echo paged"' });
    await terminal.see(prompt);
    terminal.type(`log | head -n 40${keys.enter}`);
    expect(await terminal.see(prompt)).not.toContain('paged');
  });
});
