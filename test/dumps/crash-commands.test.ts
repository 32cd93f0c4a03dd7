/**
 * What the commands print against what crash 9.0.2 prints on the same dump, line by line. Where they differ on
 * purpose, the difference is named here.
 */

import { describe, expect, it } from 'vitest';
import { Fixture, fixtureNames } from './fixture.ts';

function lines(text: string | undefined): string[] {
  return (text ?? '').split('\n').filter((line) => line !== '');
}

/** Columns without their padding. */
function columns(line: string): string {
  return line.trim().replace(/\s+/g, ' ');
}

describe.each(fixtureNames)('commands on %s, beside crash', (name) => {
  const fixture = new Fixture(name);
  const opened = fixture.crash('sys') !== undefined;

  it.runIf(opened)('sys has its fields', () => {
    const fields = (text: readonly string[]): Map<string, string> =>
      new Map(text.map((line) => [line.slice(0, line.indexOf(':')).trim(), line.slice(line.indexOf(':') + 1).trim()]));
    const ours = fields(fixture.run('sys'));
    const theirs = fields(lines(fixture.crash('sys')));
    expect([...ours.keys()]).toEqual([...theirs.keys()]);
    for (const key of ['CPUS', 'LOAD AVERAGE', 'TASKS', 'NODENAME', 'RELEASE', 'VERSION', 'MACHINE', 'MEMORY']) {
      expect(ours.get(key), key).toBe(theirs.get(key));
    }
    expect(ours.get('KERNEL')?.endsWith('[TAINTED]')).toBe(theirs.get('KERNEL')?.endsWith('[TAINTED]'));
    // crash divides jiffies by an HZ it guesses, wrongly on 6.12 (00:03:48 after 14 seconds): the log is the judge.
    expect(Math.abs(seconds(ours.get('UPTIME')) - lastSeconds(fixture))).toBeLessThanOrEqual(
      // A hang is dumped some seconds after its last message.
      name === 'deadlock' ? 10 : 2,
    );
    expect(ours.get('DATE')).toBe(theirs.get('DATE'));
  });

  it.runIf(opened)('set shows the same task', () => {
    const kept = /^(PID|COMMAND|CPU): /;
    const fields = (text: readonly string[]): string[] => text.map(columns).filter((line) => kept.test(line));
    if (name !== 'deadlock') expect(fields(fixture.run('set'))).toEqual(fields(lines(fixture.crash('set'))));
    else expect(fixture.run('set').join('\n')).toContain('CPU: 0');
  });

  it.runIf(opened)('ps has its rows', () => {
    const rows = (text: readonly string[]): string[] => text.map(columns).sort();
    expect(rows(fixture.run('ps'))).toEqual(rows(lines(fixture.crash('ps'))));
  });

  it.runIf(opened)('ps -m has its times', () => {
    const rows = (text: readonly string[]): string[] => text.map(columns).sort();
    expect(rows(fixture.run('ps -m'))).toEqual(rows(lines(fixture.crash('ps -m'))));
  });

  it.runIf(opened)('mod has its modules', () => {
    const rows = (text: readonly string[]): string[] =>
      text.slice(1).map((line) => columns(line).split(' ').slice(0, 4).join(' '));
    expect(rows(fixture.run('mod'))).toEqual(rows(lines(fixture.crash('mod'))));
  });

  it.runIf(opened)('log -T has the same text, and the date of the dump at its end', () => {
    // crash's dates begin at a time of boot made of its uptime: see above.
    const dated = /^\[(.*?)\] (.*)$/;
    const ours = fixture.run('log -T').map((line) => dated.exec(line));
    const theirs = (fixture.crash('log -T') ?? '')
      .replace(/\n$/, '')
      .split('\n')
      .map((line) => dated.exec(line));
    expect(ours.map((match) => match?.[2])).toEqual(theirs.map((match) => match?.[2]));
    const date = /DATE: (.*)/.exec(fixture.run('sys').join('\n'))?.[1] ?? '';
    const since = Date.parse(date) - Date.parse(ours.at(-1)?.[1] ?? '');
    expect(since).toBeGreaterThanOrEqual(-1000);
    expect(since).toBeLessThanOrEqual(10_000);
  });

  it.runIf(opened).each(['log', 'log -t', 'log -m'])('%s is the same text', (command) => {
    expect(fixture.run(command)).toEqual((fixture.crash(command) ?? '').replace(/\n$/, '').split('\n'));
  });

  const reads = opened ? fixture.crashCommands().filter((command) => /^rd (?!.*-(?:N|r|u)\b)/.test(command)) : [];
  it.runIf(opened).each(reads)('%s is the same text', (command) => {
    const theirs = lines(fixture.crash(command));
    // crash names the start of .data by its section; a symbol of the kernel's stands there too.
    if (/^rd -[sS]/.test(command)) {
      const plain = theirs.filter((line) => !line.includes('.data')).map((line) => line.trimEnd());
      expect(fixture.run(command).map((line) => line.trimEnd())).toEqual(expect.arrayContaining(plain));
      expect(plain.length).toBeGreaterThan(theirs.length - 2);
    } else if (/^rd -a \w+$/.test(command)) {
      // A newline in a string is printed as such by crash, and shown as \\n here.
      expect(fixture.run(command).map((line) => line.replace(/\\n$/, ''))).toEqual(theirs);
    } else expect(fixture.run(command).map((line) => line.trimEnd())).toEqual(theirs.map((line) => line.trimEnd()));
  });

  it.runIf(opened).each(['rd -N -32 linux_banner 6', 'rd -N -16 linux_banner 9'])(
    '%s has the same words',
    (command) => {
      // crash swaps the text beside them, too; here it is that of the bytes as they stand.
      const words = (text: readonly string[]): string[] => text.map((line) => line.split('   ')[0] ?? '');
      expect(words(fixture.run(command))).toEqual(words(lines(fixture.crash(command))));
    },
  );

  const [ofInit] = fixture.crashCommands().filter((command) => command.startsWith('rd -u'));
  it.runIf(ofInit !== undefined)('rd -u reads the same memory of init', () => {
    const { session } = fixture;
    const { current } = session;
    fixture.run('set 1');
    const ours = fixture.run(ofInit ?? '');
    session.current = current;
    expect(ours).toEqual(lines(fixture.crash(ofInit ?? '')));
  });

  const walks = opened ? fixture.crashCommands().filter((command) => /^vtop (-u )?[0-9a-fx]+$/.test(command)) : [];
  it.runIf(opened).each(walks)('%s walks the same tables', (command) => {
    const important = /=>|PAGE:|PHYSICAL|DIRECTORY|^[0-9a-f]+ +[0-9a-f]+ +\(/;
    const rows = (text: readonly string[]): string[] =>
      text.map(columns).filter((line) => important.test(line) && !line.includes('CNT'));
    const context = /-u|0x0*[0-9a-f]{1,12}$/.test(command) ? command.replace('vtop', 'vtop -c 1') : command;
    expect(rows(fixture.run(context))).toEqual(rows(lines(fixture.crash(command))));
  });

  it.runIf(opened)('sym finds the same symbols', () => {
    for (const command of ['sym linux_banner', 'sym init_task']) {
      expect(fixture.run(command)).toEqual(lines(fixture.crash(command)));
    }
  });
});

function seconds(clock: string | undefined): number {
  return (clock ?? '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** Seconds since boot of the last message. */
function lastSeconds(fixture: Fixture): number {
  return Number(/^\[ *(\d+\.\d+)\]/.exec(fixture.run('log').findLast((line) => line.startsWith('[')) ?? '')?.[1]);
}
