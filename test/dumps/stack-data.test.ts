/**
 * What bt shows of the data on stacks, beside crash 9.0.2 on the same dumps: the words of every frame and what they
 * point at, addresses of code, saved registers. crash leaves frames out, so the words of a stack are compared as a
 * whole. Where they differ on purpose, the difference is named here.
 */

import { describe, expect, it } from 'vitest';
import { virtAddr } from '../../src/base/addr.ts';
import type { Session } from '../../src/commands/session.ts';
import { slabObjectAt } from '../../src/kernel/slab.ts';
import { stackOfTask, walkStack } from '../../src/query/stack-walk.ts';
import { Fixture, fixtureNames } from './fixture.ts';

const names = fixtureNames.filter((name) => new Fixture(name).crashCommands().length > 0);

/** The lines that follow each task's header. */
function byTask(text: string | readonly string[]): Map<string, string[]> {
  const tasks = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of typeof text === 'string' ? text.split('\n') : text) {
    const task = /TASK: ([0-9a-f]+)/.exec(line)?.[1];
    if (task === undefined) lines.push(line);
    else tasks.set(task, (lines = []));
  }
  return tasks;
}

function lines(text: string | undefined): string[] {
  return (text ?? '').split('\n').filter((line) => line !== '');
}

/** What is printed for each word, by its address. */
function wordsOf(lines: readonly string[]): Map<bigint, string> {
  const words = new Map<bigint, string>();
  for (const line of lines) {
    const [, address, cells] = /^ *([0-9a-f]{16}): +(.*)$/.exec(line) ?? [];
    for (const [index, cell] of (cells ?? '').trim().split(/ +/).entries())
      if (address !== undefined) words.set(BigInt(`0x${address}`) + BigInt(index * 8), cell);
  }
  return words;
}

/** A symbol and its offset as the addresses they mean; undefined for any other text. */
function meanings({ kernel }: Session, text: string): bigint[] | undefined {
  const [, name, offset = '0'] = /^([A-Za-z_.][\w.]*)(?:\+(\d+))?$/.exec(text) ?? [];
  return name === undefined ? undefined : kernel.symbols.named(name).map(({ address }) => address + BigInt(offset));
}

/** Without what the compiler put behind the name of a function; crash leaves it out where it knows the source. */
function sourceName(text: string): string {
  return text.replace(/\.(isra|part|constprop)[.\d]*/, '');
}

/** Why crash prints a word otherwise than we do; undefined where it does not or nothing explains it. */
function explainWord(session: Session, ours: string, theirs: string): string | undefined {
  const mine = meanings(session, ours);
  const others = meanings(session, theirs);
  if (mine?.some((address) => others?.includes(address)) === true) return 'two names of one address';
  if (sourceName(ours) === theirs) return 'crash names a function as its source does, we by its symbol';
  if (/^_MODULE_INIT_START_\w+/.test(theirs)) return 'crash has a name of its own for the start of init text';
  if (/^\.LC\d+/.test(theirs)) return 'a label of the compiler';
  if (/^[0-9a-f]{16}$/.test(ours) && others?.includes(BigInt(`0x${ours}`)) === true)
    return 'crash names it by a variable that ends long before';
  if (/\+-\d+$/.test(theirs)) return 'crash took a symbol above the address';
  const slab = /^\[([0-9a-f]{16}):/.exec(theirs)?.[1];
  if (slab === ours && slabObjectAt(session.kernel, virtAddr(BigInt(`0x${slab}`))) === undefined)
    return 'the address is on a page of the cache, but in no object';
  return undefined;
}

describe.each(names)('the words of stacks of %s, beside crash', (name) => {
  const fixture = new Fixture(name);
  fixture.standWithCrash();
  const { session } = fixture;
  const inUserMode = new Set(
    session
      .tasks()
      .tasks.filter((task) => walkStack(session.unwinder(), stackOfTask(session.kernel, task)).inUserMode)
      .map((task) => task.address.toString(16)),
  );

  it.each(['foreach bt -f', 'foreach bt -FF', 'bt -f', 'bt -F', 'bt -FF', 'bt -a -f'])('are those of %s', (command) => {
    const ours = byTask(fixture.run(command));
    const different: string[] = [];
    let compared = 0;
    let explained = 0;
    for (const [task, lines] of byTask(fixture.crash(command) ?? '')) {
      const own = wordsOf(ours.get(task) ?? []);
      // What is left of earlier calls on the stack of a task in user mode is no frame's.
      if (inUserMode.has(task)) continue;
      for (const [address, text] of wordsOf(lines)) {
        const mine = own.get(address) ?? '(missing)';
        if (mine === text) compared++;
        else if (explainWord(session, mine, text) !== undefined) explained++;
        else different.push(`${task} ${address.toString(16)}: ${mine} for ${text}`);
      }
    }
    expect(different).toEqual([]);
    expect(explained).toBeLessThan(16);
    if (command.startsWith('foreach')) expect(compared).toBeGreaterThan(5000);
  });

  it('bt -r is all of them, with the same symbols', () => {
    const ours = wordsOf(fixture.run('bt -r'));
    const theirs = wordsOf(lines(fixture.crash('bt -r')));
    expect([...ours.keys()]).toEqual([...theirs.keys()]);
    expect(ours.size).toBe(2048);
    const different = [...theirs].filter(([address, text]) => {
      const mine = ours.get(address) ?? '';
      // crash names data by sections, and strings by labels of the compiler, where we know no better symbol.
      return mine !== text && explainWord(session, mine, text) === undefined && !/^\.\w+(\+\d+)?$/.test(text);
    });
    expect(different).toEqual([]);
  });
});

/** What is printed for each slot of `bt -t` and `-T`. */
function textOf(lines: readonly string[]): Map<string, string> {
  const slots = new Map<string, string>();
  for (const line of lines) {
    const [, slot, place] = /^ {2}\[([0-9a-f]{16})\] (.*)$/.exec(line) ?? [];
    if (slot !== undefined && place !== undefined) slots.set(slot, place);
  }
  return slots;
}

describe.each(names)('addresses of code on stacks of %s, beside crash', (name) => {
  const fixture = new Fixture(name);
  fixture.standWithCrash();
  const { session } = fixture;

  it.each(['bt -t', 'bt -T', 'foreach bt -t', 'foreach bt -T'])('%s has those of crash', (command) => {
    const ours = byTask(fixture.run(command));
    const different: string[] = [];
    let compared = 0;
    for (const [task, lines] of byTask(fixture.crash(command) ?? '')) {
      const own = textOf(ours.get(task) ?? []);
      if (own.size === 0 && ours.get(task)?.[0]?.startsWith('    RIP: ') === true) continue;
      for (const [slot, place] of textOf(lines)) {
        const mine = own.get(slot);
        if (mine === place) compared++;
        else if (explainPlace(session, slot, mine, place, own) === undefined)
          different.push(`${task} ${slot}: ${mine} for ${place}`);
      }
    }
    expect(different).toEqual([]);
    expect(compared).toBeGreaterThan(command.startsWith('foreach') ? 700 : 7);
  });
});

/** Why crash has another address of code at a slot; undefined where nothing explains it. */
function explainPlace(
  { kernel }: Session,
  slot: string,
  ours: string | undefined,
  theirs: string,
  all: ReadonlyMap<string, string>,
): string | undefined {
  const address = / at ([0-9a-f]{16})/.exec(theirs)?.[1] ?? '';
  if (ours?.endsWith(theirs.slice(theirs.indexOf(' at '))) === true) {
    const at = virtAddr(BigInt(`0x${address}`));
    const names = [kernel.symbols.at(at), kernel.symbols.at(virtAddr(at - 1n))].map((found) => found?.symbol.name);
    const [name = ''] = theirs.split(' ');
    if (names.some((known) => known !== undefined && sourceName(known) === name))
      return 'the same code: named as its source does, or as what follows a call that never returns';
  }
  const below = (BigInt(`0x${slot}`) - 8n).toString(16);
  if (ours === undefined && theirs.startsWith('asm_') && all.get(below) === theirs)
    return 'where a stack is left for another, crash names the word above the one it read';
  if (ours === undefined && theirs.startsWith('stop_this_cpu'))
    return 'crash begins a stopped CPU at a word below its stack pointer: a return address left from an earlier call';
  return undefined;
}

describe.each(names)('saved registers on stacks of %s, beside crash', (name) => {
  const fixture = new Fixture(name);
  fixture.standWithCrash();
  /** Each block of registers by the line above it. */
  const blocks = (text: readonly string[]): Map<string, string> => {
    const found = new Map<string, string>();
    let head = '';
    for (const line of text) {
      const [, start] = /^( {2}\w+-MODE EXCEPTION FRAME AT: [0-9a-f]+)/.exec(line) ?? [];
      if (start !== undefined) found.set((head = start), '');
      else if (/^ {4}/.test(line)) found.set(head, `${found.get(head)}${line}\n`);
      else head = '';
    }
    return found;
  };

  it.each(['bt -e', 'foreach bt -e'])('%s has those of crash, and marks what is not sure', (command) => {
    const text = fixture.run(command);
    const ours = byTask(text);
    const different: string[] = [];
    for (const [task, lines] of byTask(fixture.crash(command) ?? '')) {
      const own = blocks(ours.get(task) ?? []);
      for (const [head, registers] of blocks(lines)) {
        // Since the processor writes 0 above a selector, what has an address there is no saved register.
        const mine = sourceName(own.get(head) ?? '');
        if (mine !== sourceName(registers) && !/SS: [0-9a-f]{16}/.test(registers)) different.push(`${task}${head}`);
      }
    }
    expect(different).toEqual([]);
    if (command === 'bt -e') return;
    const heads = text.filter((line) => line.includes('EXCEPTION FRAME AT'));
    expect(heads.length).toBeGreaterThan(20);
    expect(heads.filter((line) => line.endsWith(' ?')).length).toBeLessThan(8);
  });

  it('bt -E names each stack of each CPU, and finds none where crash finds none', () => {
    for (const command of ['bt -E', 'bt -E -c 0']) {
      const heads = (text: readonly string[]): string[] => text.filter((line) => line.endsWith(' STACK:'));
      // crash 9.0.2 does not list the machine check stacks of 6.1.
      const theirs = lines(fixture.crash(command));
      const ours = fixture.run(command);
      expect(heads(ours)).toEqual(expect.arrayContaining(heads(theirs)));
      expect(heads(ours).filter((line) => !line.includes('MCE'))).toEqual(
        heads(theirs).filter((line) => !line.includes('MCE')),
      );
      expect([...blocks(ours).keys()]).toEqual([...blocks(theirs).keys()]);
    }
  });
});

describe.each(names)('which stacks are shown of %s, beside crash', (name) => {
  const fixture = new Fixture(name);
  fixture.standWithCrash();
  const headers = (text: readonly string[]): string[] => text.filter((line) => line.startsWith('PID: '));

  it.each(['bt -v', 'bt -g', 'bt -R vfs_write', 'bt -R schedule'])('%s', (command) => {
    const theirs = lines(fixture.crash(command));
    const ours = fixture.run(command);
    if (command === 'bt -v') expect(ours).toEqual(theirs);
    // crash lists the idle tasks of all CPUs as threads of each other, and stops at the second's stack.
    else if (name === 'deadlock' && command === 'bt -g') expect(headers(ours)).toEqual(headers(theirs).slice(0, 1));
    else expect(headers(ours)).toEqual(headers(theirs));
  });

  it.each(['vfs_write', 'do_idle'])('foreach bt -R %s are those in whose stacks crash prints it', (symbol) => {
    // Not crash's own -R: on 6.12 it also lists stacks in which nothing of that name is printed.
    const named = [...byTask(fixture.crash('foreach bt') ?? '')].filter(([, stack]) =>
      stack.some((line) => line.includes(`] ${symbol} at `)),
    );
    const ours = byTask(fixture.run(`foreach bt -R ${symbol}`));
    expect([...ours.keys()].sort()).toEqual(named.map(([task]) => task).sort());
    expect([...byTask(fixture.crash(`foreach bt -R ${symbol}`) ?? '').keys()]).toEqual(
      expect.arrayContaining([...ours.keys()]),
    );
  });

  it('bt -p is the task that panicked', () => {
    if (name === 'deadlock') expect(() => fixture.run('bt -p')).toThrow('nothing panicked: panic_cpu is unset');
    else expect(headers(fixture.run('bt -p'))).toEqual(headers(lines(fixture.crash('bt -p'))));
  });

  it('bt -I and -S go on from where they are told as the stack itself does', () => {
    const whole = fixture.run('bt 1').filter((line) => /^ *#\d+ \[/.test(line));
    const frames = whole.map((line) => /\[([0-9a-f]+)\] (\S+) at ([0-9a-f]+)/.exec(line)?.slice(1) ?? []);
    for (const [number, [slot = '', , address = '']] of frames.entries()) {
      const strip = (text: readonly string[]): string[] =>
        text.filter((line) => /^ *#\d+ \[/.test(line)).map((line) => line.slice(line.indexOf('[')));
      const from = strip(fixture.run(`bt -I ${address} -S ${slot} 1`));
      expect(from).toEqual(strip(whole).slice(number, number + from.length));
      // A frame that was interrupted has no slot of its own: what is there may be the next one's.
      const isAlone = frames.filter(([other]) => other === slot).length === 1;
      if (number > 0 && isAlone) expect(strip(fixture.run(`bt -S ${slot} 1`))).toEqual(from);
    }
  });
});
