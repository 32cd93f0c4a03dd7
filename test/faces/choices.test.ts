/** Words and options of commands: which tasks they choose, and that none is passed over in silence. */

import { describe, expect, it } from 'vitest';
import { VmcoreError } from '../../src/base/errors.ts';
import type { Task } from '../../src/kernel/tasks.ts';
import { Fixture } from '../dumps/fixture.ts';

const fixture = new Fixture('nfs');
const { tasks } = fixture.session.tasks();

function pids(lines: readonly string[]): number[] {
  return lines.flatMap((line) => {
    const pid = /^[> ]\s*(\d+) /.exec(line)?.[1];
    return pid === undefined ? [] : [Number(pid)];
  });
}

function pidsOf(fits: (task: Task) => boolean): number[] {
  return tasks.filter(fits).map((task) => task.pid);
}

function refusalOf(line: string): { readonly code: string; readonly message: string } {
  try {
    fixture.run(line);
  } catch (error) {
    if (error instanceof VmcoreError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error(`${line} was answered`);
}

const hasMm = (task: Task): boolean => task.mm !== 0n;

describe('foreach and ps', () => {
  it("tell user tasks by their mm; idle tasks are the kernel's", () => {
    const user = pidsOf(hasMm);
    const kernel = pidsOf((task) => !hasMm(task));
    expect(kernel).toContain(0);
    for (const line of ['foreach user ps', 'ps -u']) expect(pids(fixture.run(line)), line).toEqual(user);
    for (const line of ['foreach kernel ps', 'ps -k']) expect(pids(fixture.run(line)), line).toEqual(kernel);
  });

  it('narrow by words of different kinds, widen by words of one kind', () => {
    const isLeader = (task: Task): boolean => task.pid === task.tgid;
    expect(pids(fixture.run('foreach gleader user ps'))).toEqual(pidsOf((task) => hasMm(task) && isLeader(task)));
    expect(pids(fixture.run('ps -G -u'))).toEqual(pidsOf((task) => hasMm(task) && isLeader(task)));
    expect(pids(fixture.run('foreach user kernel ps'))).toEqual(pidsOf(() => true));
    expect(pids(fixture.run('foreach 1 kthreadd ps'))).toEqual([1, 2]);
    expect(pids(fixture.run('foreach 1 kthreadd kernel ps'))).toEqual([2]);
    expect(pids(fixture.run('foreach kernel active gleader ps')).length).toBeLessThan(tasks.length / 2);
    const states = ['ID', 'IN'].map((state) => pids(fixture.run(`foreach ${state} ps`)).length);
    expect(pids(fixture.run('foreach ID IN ps'))).toHaveLength((states[0] ?? 0) + (states[1] ?? 0));
    expect(fixture.run('foreach 1 kernel ps').join('\n')).toContain('no task is all of this: 1 kernel');
  });

  it.each([
    ['ps 99999', 'task not found: 99999'],
    ['ps nosuchtask', 'task not found: nosuchtask'],
    ['ps -m nosuchtask 1', 'task not found: nosuchtask'],
    ['ps -k 1', 'kernel thread not found: 1'],
    ['ps kthread', 'task not found: kthread; did you mean kthreadd?'],
    ['foreach 99999 bt', 'task not found: 99999'],
    ['foreach foo1 bar2 1 set', 'task not found: foo1, bar2'],
    ['foreach usr bt', 'did you mean user'],
    ['foreach toString bt', 'task not found: toString'],
    ['foreach constructor ps', 'task not found: constructor'],
    ['foreach 1 toString', 'foreach wants the command to run'],
    ['sym -q no_symbol_has_this', 'symbol with that text in its name not found: no_symbol_has_this'],
  ])('say what matches nothing: %s', (line, message) => {
    const refusal = refusalOf(line);
    expect(refusal.message).toContain(message);
    expect(refusal.code).toBe(message.startsWith('foreach') ? 'usage' : 'lookup');
  });
});

describe('what a command would not heed', () => {
  it.each([
    ['sys foo', '"foo"'],
    ['log foo', '"foo"'],
    ['mod nosuch', '"nosuch"'],
    ['quit foo', '"foo"'],
    ['hex 3', '"3"'],
    ['set 1 2', '"2"'],
    ['set radix 16 3', '"3"'],
    ['set -c 0 1', '-c and "1"'],
    ['set -p -v', '-p and -v'],
    ['bt -a 1', '-a and "1"'],
    ['bt -c 0 1', '-c and "1"'],
    ['bt -a -c 0', '-a and -c'],
    ['bt -s -x -d', '-x and -d'],
    ['foreach bt -a', 'foreach bt: there is no option -a'],
    ['foreach bt -c 0', 'foreach bt: there is no option -c'],
    ['foreach bt 1', 'foreach bt takes no words: what is "1"'],
    ['foreach ps -u', 'foreach ps: there is no option -u'],
    ['foreach -l bt', 'foreach: there is no option -l'],
    ['log -t -T', '-t and -T'],
    [
      'kmem -i',
      'kmem -i (how much memory is used for what) is not built yet: there are kmem ADDRESS, kmem -s and kmem -S',
    ],
    ['kmem -s -S', '-s and -S'],
    ['kmem -y', 'there is no option -y'],
    ['rd -8 -16 linux_banner', '-8 and -16'],
    ['rd -d -D linux_banner', '-d and -D'],
    ['rd -p -u 1000', '-p and -u'],
    ['rd -a -e linux_banner+8 linux_banner', '-a and -e'],
    ['rd -m 1000', 'Xen'],
    ['rd -r raw.bin linux_banner', 'a count of bytes, or -e'],
    ['rd linux_banner 0', '0 is no usable count'],
    ['rd linux_banner 1e3', '1e3 is no number'],
    ['rd linux_banner:0', 'linux_banner is no per-CPU symbol'],
    ['rd runqueues', 'as in runqueues:0'],
    ['rd -u linux_banner', 'is no address of user space'],
    ['rd runqueues:9', 'there is no CPU 9'],
    ['rd -e linux_banner linux_banner', 'is not behind the address'],
    ['rd (linux_banner+)', 'a value is wanted at the end'],
    ['rd -e linux_banner+8 linux_banner 3', '-e and "3"'],
    ['rd linux_banner 1 2', '"2"'],
    ['vtop -u -k linux_banner', '-u and -k'],
    ['ps -k -u', '-k and -u'],
    ['sym -l -q x', '-l and -q'],
    ['sym -M vfs_write', '-M and "vfs_write"'],
  ])('is refused: %s', (line, message) => {
    const refusal = refusalOf(line);
    expect(refusal.message).toContain(message);
    expect(refusal.code).toBe('usage');
  });
});

describe('an offset', () => {
  it('is decimal unless it has 0x, behind a symbol and behind an address', () => {
    const address = fixture.session.address('linux_banner').toString(16);
    const [sixteenOn] = fixture.run('rd linux_banner+16');
    expect(sixteenOn).toBeDefined();
    for (const word of [
      'linux_banner+0x10',
      'linux_banner+0X10',
      `${address}+16`,
      `0x${address}+0x10`,
      `(${address}+16)`,
    ])
      expect(fixture.run(`rd '${word}'`), word).toEqual([sixteenOn]);
    expect(fixture.run('help rd').join(' ')).toMatch(/decimal unless it has\s+0x/);
    for (const word of ['linux_banner+ff', `${address}+ff`])
      expect(refusalOf(`rd ${word}`).message).toContain('the offset ff is no number');
  });
});
