/**
 * What must hold of the data on the stacks of any dump, whatever crash can open: words and frames fit each other, what
 * drgn says of a stack is found in its words, and labels are those of `sym` and of the slab allocator.
 */

import { describe, expect, it } from 'vitest';
import { virtAddr, type VirtAddr } from '../../src/base/addr.ts';
import { slabObjectAt } from '../../src/kernel/slab.ts';
import { backtraceOf, plainColumns, type BacktraceFrame } from '../../src/query/backtrace.ts';
import { taskExceptionFrames } from '../../src/query/exception-frames.ts';
import { stackText } from '../../src/query/stack-text.ts';
import { stackOfTask } from '../../src/query/stack-walk.ts';
import type { StackWord } from '../../src/query/stack-words.ts';
import { toJson } from '../../src/render/json.ts';
import { Fixture, fixtureNames } from './fixture.ts';

function valueOf(word: StackWord | undefined): VirtAddr | undefined {
  return word === undefined || word.word.kind === 'unavailable' ? undefined : word.word.value;
}

describe.each(fixtureNames)('the words of stacks of %s', (name) => {
  const fixture = new Fixture(name);
  const { session } = fixture;
  const { kernel } = session;
  const unwinder = session.unwinder();
  const { tasks } = session.tasks();
  const traces = tasks.map((task) =>
    backtraceOf(kernel, unwinder, stackOfTask(kernel, task), { ...plainColumns, words: 2 }),
  );

  it('end with the return address to the caller, which is on the same stack', () => {
    let checked = 0;
    for (const { frames } of traces)
      for (const [number, frame] of frames.entries()) {
        const next = frames[number + 1];
        if (next === undefined || next.exception !== undefined || next.stack !== frame.stack) continue;
        const last = frame.words?.at(-1);
        expect(last?.address).toBe(next.slot);
        if (next.recovered === undefined) expect(valueOf(last)).toBe(next.address);
        checked++;
      }
    expect(checked).toBeGreaterThan(200);
  });

  it('follow one another without a gap, and never leave the stack they are on', () => {
    for (const { frames } of traces) {
      const words = frames.flatMap((frame: BacktraceFrame) => frame.words ?? []);
      const addresses = words.map(({ address }) => address);
      expect(new Set(addresses).size).toBe(addresses.length);
      for (const { words: own = [] } of frames) {
        expect(own.map(({ address }) => address)).toEqual(
          own.map((_, index) => (own[0]?.address ?? 0n) + 8n * BigInt(index)),
        );
        const task = tasks.find((one) => one.address === traces.find((trace) => trace.frames === frames)?.header.task);
        const stacks = new Set(own.map(({ address }) => unwinder.stacks.at(address, task)?.base));
        expect(stacks.size).toBeLessThanOrEqual(1);
      }
    }
  });

  const drgn = fixture.drgn;
  it.runIf(drgn !== undefined)('have every return address that drgn finds just below the stack pointer it has', () => {
    let found = 0;
    for (const { header, frames } of traces) {
      const values = new Map(
        frames.flatMap(({ words = [] }) => words).map((word) => [word.address, valueOf(word)] as const),
      );
      const theirs = drgn?.tasks.find(({ task }) => BigInt(task) === header.task)?.frames ?? [];
      const recovered = new Set(frames.filter((frame) => frame.recovered !== undefined).map(({ slot }) => slot));
      for (const { sp, pc, inlined } of theirs) {
        const slot = virtAddr(BigInt(sp ?? 8) - 8n);
        if (inlined || !values.has(slot) || recovered.has(slot)) continue;
        if (
          frames.some((frame) => frame.slot === slot && frame.address === BigInt(pc) && frame.exception === undefined)
        ) {
          expect(values.get(slot)).toBe(BigInt(pc));
          found++;
        }
      }
    }
    expect(found).toBeGreaterThan(200);
  });

  it('are named as sym and the slab allocator name them', () => {
    let symbols = 0;
    let objects = 0;
    for (const { word } of traces.flatMap(({ frames }) => frames.flatMap(({ words = [] }) => words))) {
      if (word.kind === 'symbol') {
        symbols++;
        const label = word.offset === 0 ? word.symbol : `${word.symbol}+${word.offset}`;
        expect(label).toBe(kernel.symbols.label(word.value));
      } else if (word.kind === 'slab') {
        objects++;
        expect(slabObjectAt(kernel, word.object)).toMatchObject({ cache: { name: word.cache }, object: word.object });
        expect(word.value).toBe(word.object + BigInt(word.offset));
      } else if (word.kind === 'number') expect(kernel.symbols.isText(word.value)).toBe(false);
    }
    expect(symbols).toBeGreaterThan(400);
    expect(objects).toBeGreaterThan(200);
  });

  it('have among the addresses of code those of every frame', () => {
    for (const [index, task] of tasks.entries()) {
      const { frames = [] } = traces[index] ?? {};
      const text = stackText(kernel, unwinder, stackOfTask(kernel, task), false, 'none');
      const numbers = text.parts.flatMap(({ before, words }) => [...before, ...words].map(({ frame }) => frame));
      const wanted = frames.filter(({ exception, number }, at) => exception === undefined && (number > 0 || at > 0));
      expect(numbers.filter((number) => number !== undefined && number > 0)).toEqual(
        wanted.map(({ number }) => number),
      );
    }
  });

  it('have saved registers where the stacks were interrupted', () => {
    for (const [index, task] of tasks.entries()) {
      const { frames = [], userRegisters } = traces[index] ?? {};
      const found = taskExceptionFrames(kernel, unwinder, stackOfTask(kernel, task), false);
      const proven = found.frames.filter(({ certain }) => certain);
      const inUserMode = frames.length === 0 && userRegisters !== undefined;
      const onOwn = frames.flatMap(({ exception }) => (exception === undefined ? [] : [exception]));
      const wanted = userRegisters === undefined || inUserMode ? onOwn : [...onOwn, userRegisters];
      expect(proven.map(({ registers }) => registers)).toEqual(wanted);
    }
  });

  it('are JSON as they are', () => {
    const [trace] = traces.filter(({ frames }) => frames.length > 3);
    expect(trace).toBeDefined();
    const json = JSON.stringify(trace && toJson(trace));
    const text = /"words":\[\{"address":"0x[0-9a-f]+","word":\{"kind":"\w+","value":"0x[0-9a-f]+"/;
    expect(json).toMatch(text);
  });
});

describe('what bt does not take', () => {
  const fixture = new Fixture('sysrq-7.2');
  it.each([
    ['bt -f -t', 'bt: -f and -t exclude each other'],
    ['bt -FF -r', 'bt: -F and -r exclude each other'],
    ['bt -E -l', 'bt: -E and -l exclude each other'],
    ['bt -n foo -a', 'bt: -n takes the word "idle", not "foo"'],
    ['bt -n idle', 'bt: -n idle goes with -a or -c'],
    ['bt -I panic', 'bt: -I wants the stack pointer, too'],
    ['bt -S init_task', 'is on no kernel stack of any task or CPU'],
    ['bt -S nowhere', 'nowhere is no symbol and no hexadecimal address'],
    ['bt -c 99', 'there is no CPU 99 in this dump (0, 1)'],
    ['bt 99999', 'task (a pid, or the address of a task_struct) not found: 99999'],
    ['bt -R', 'bt: -R wants a value: a symbol or an address'],
    ["bt -R ''", 'bt: -R wants the name of a function, or an address'],
    ['bt -R vfs_wrte', 'not found: vfs_wrte; did you mean vfs_write'],
    ['bt -v 1', '-v and "1" exclude each other'],
    ['foreach bt -E', 'foreach bt: there is no option -E'],
    ['foreach bt -e -R x', 'foreach bt: -R and -e exclude each other'],
  ])('%s', (line, message) => {
    expect(() => fixture.run(line)).toThrow(message);
  });

  it('says that no stack has what there is', () => {
    expect(fixture.run('bt -R start_secondary')).toEqual(['(no stack refers to start_secondary)']);
  });

  it('shows no stack of an idle CPU with -n idle, and that of the task that panicked', () => {
    const lines = fixture.run('bt -a -n idle');
    const idle = lines.findIndex((line) => line.includes('"swapper/'));
    expect(lines[idle + 1] ?? '').toBe('');
    expect(lines.join('\n')).toMatch(/"init"\n #0 /);
  });
});

describe('bt -g', () => {
  it('is every thread of the group, the leader first, whichever is named', () => {
    const deadlock = new Fixture('deadlock');
    const pid = /^[> ]*(\d+) .* second-thread$/m.exec(deadlock.run('ps').join('\n'))?.[1];
    const headers = deadlock.run(`bt -g ${pid}`).filter((line) => line.startsWith('PID: '));
    expect(headers.map((line) => /"(.*)"/.exec(line)?.[1])).toEqual(['wait-threads', 'second-thread']);
  });
});
