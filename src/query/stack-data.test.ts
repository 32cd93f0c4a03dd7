/** The data on stacks of a synthetic kernel: words by frame, over a change of stacks and a page that is missing. */

import { describe, expect, it } from 'vitest';
import { functions, PT_REGS_SIZE, STACK_SIZE, StackScene } from '../../test/builders/stack-scene.ts';
import { below, randomFrom, seeds, survives } from '../../test/builders/mutate.ts';
import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import type { Frame } from '../unwind/frame.ts';
import { Unwinder } from '../unwind/unwinder.ts';
import { backtraceOf, plainColumns, type Backtrace } from './backtrace.ts';
import { cpuExceptionFrames, taskExceptionFrames } from './exception-frames.ts';
import { frameWords } from './frame-words.ts';
import { rawStack } from './raw-stack.ts';
import { refersTo } from './reference.ts';
import { stackOverflows } from './stack-overflow.ts';
import { stackText } from './stack-text.ts';
import { walkStack } from './stack-walk.ts';
import { startAt, taskOnStack } from './start-at.ts';

function trace(scene: StackScene, words: 'none' | 'numbers' | 1 = 'numbers'): Backtrace {
  const { kernel, subject } = scene.build();
  return backtraceOf(kernel, new Unwinder(kernel), subject, { ...plainColumns, words });
}

describe('the words of frames', () => {
  const scene = new StackScene();
  const { frames } = trace(scene);
  const ranges = frames.map(({ words }) => [words?.[0]?.address, words?.at(-1)?.address, words?.length]);

  it('go from the stack pointer to the return address', () => {
    expect(frames.map(({ symbol }) => symbol)).toEqual(Object.keys(functions));
    expect(ranges[0]).toEqual([scene.sp, addVirt(scene.sp, 16), 3]);
    expect(frames[0]?.words?.[2]?.word).toEqual({ kind: 'number', value: frames[1]?.address });
  });

  it('end with the stack where the caller is on another', () => {
    expect(ranges[1]).toEqual([addVirt(scene.sp, 24), addVirt(scene.irqTop, -8), 5]);
  });

  it('are the saved registers where the caller was interrupted', () => {
    expect(ranges[2]).toEqual([scene.savedRegisters, addVirt(scene.savedRegisters, PT_REGS_SIZE - 8), 21]);
    expect(frames[2]?.words?.[16]?.word).toEqual({ kind: 'number', value: functions.victim + 4n });
    expect(ranges[3]?.[2]).toBe(2);
  });

  it('are none of the outermost frame, and not looked for unless they are asked for', () => {
    expect(frames[4]?.words).toEqual([]);
    expect(trace(scene, 'none').frames.map(({ words }) => words)).toEqual(frames.map(() => undefined));
  });

  it('bear names where those are asked for', () => {
    const named = trace(scene, 1).frames[0]?.words?.map(({ word }) => word);
    expect(named).toEqual([
      { kind: 'number', value: 0n },
      { kind: 'number', value: 0n },
      { kind: 'symbol', value: functions.switcher + 0x20n, symbol: 'switcher', offset: 32, module: undefined },
    ]);
  });
});

describe('the words of a frame whose caller was interrupted on another stack', () => {
  const scene = new StackScene();
  const { kernel, task } = scene.build();
  const { stacks } = new Unwinder(kernel);
  const common = { exact: true, origin: 'orc', registers: {}, stack: undefined, recovered: undefined } as const;
  const at = (sp: VirtAddr, saved?: VirtAddr): Frame => ({
    ...common,
    ip: virtAddr(functions.victim),
    sp,
    slot: sp,
    saved: saved && { address: saved, registers: {}, user: false },
  });
  const range = (frames: readonly Frame[]): (VirtAddr | undefined)[] => {
    const [words = []] = frameWords(kernel, stacks, task, frames, 'numbers');
    return [words[0]?.address, words.at(-1)?.address];
  };
  const top = scene.irqTop;
  const saved = addVirt(top, -PT_REGS_SIZE);

  it('end with the registers that were saved on its own', () => {
    expect(range([at(addVirt(saved, -32)), at(scene.interruptSlot, saved)])).toEqual([
      addVirt(saved, -32),
      addVirt(top, -8),
    ]);
    expect(range([at(addVirt(saved, -32)), at(addVirt(saved, PT_REGS_SIZE), saved)])[1]).toBe(addVirt(top, -8));
  });

  it('are none where those are elsewhere, or the frame is on no stack', () => {
    expect(range([at(addVirt(top, -32)), at(scene.interruptSlot, scene.savedRegisters)])).toEqual([
      undefined,
      undefined,
    ]);
    expect(range([at(virtAddr(0x1000n)), at(scene.interruptSlot)])).toEqual([undefined, undefined]);
  });
});

describe('the addresses of code on stacks', () => {
  it('are those from the stack pointer on, over every stack on the way', () => {
    const scene = new StackScene();
    scene.word(addVirt(scene.sp, -8), functions.victim);
    scene.word(addVirt(scene.sp, 40), functions.victim);
    const { kernel, subject } = scene.build();
    const text = stackText(kernel, new Unwinder(kernel), subject, false, 'none');
    expect(text.start).toMatchObject({ address: functions.handler + 4n, symbol: 'handler', offset: 4 });
    expect(text.parts.map(({ stack }) => stack)).toEqual(['IRQ', '']);
    expect(text.parts[0]?.words.map(({ slot, symbol, frame }) => [slot, symbol, frame])).toEqual([
      [addVirt(scene.sp, 16), 'switcher', 1],
      [addVirt(scene.sp, 40), 'victim', undefined],
    ]);
    const [, task] = text.parts;
    expect(task?.before.map(({ symbol, frame }) => [symbol, frame])).toEqual([['interrupt', 2]]);
    expect(task?.interrupted?.at).toMatchObject({ symbol: 'victim', offset: 4 });
    expect(task?.words.map(({ symbol, frame }) => [symbol, frame])).toEqual([['entry', 4]]);
    expect(text.userRegisters?.['rip']).toBe(0x7fff_1234n);
  });

  it('are those of the whole stack of the task, and say which page is missing', () => {
    const scene = new StackScene(true);
    scene.word(addVirt(scene.stack, 8), functions.victim);
    const { kernel, subject } = scene.build();
    const { parts, start } = stackText(kernel, new Unwinder(kernel), subject, true, 'none');
    expect(start).toBeUndefined();
    expect(parts).toHaveLength(1);
    expect(parts[0]?.words.map(({ slot }) => slot)).toEqual([
      addVirt(scene.stack, 8),
      scene.interruptSlot,
      addVirt(scene.savedRegisters, 128),
      addVirt(scene.userRegisters, -8),
    ]);
    const missing = addVirt(scene.stack, 8192).toString(16);
    expect(parts[0]?.unavailable).toEqual([`cannot read kernel virtual address ${missing}: not mapped`]);
  });

  it('are those of the whole stack of the task, too, where the walk does not come to it', () => {
    const scene = new StackScene();
    scene.word(addVirt(scene.sp, 16), 0x1234n);
    const { kernel, subject } = scene.build();
    const text = stackText(kernel, new Unwinder(kernel), subject, false, 'none');
    expect(text.parts.map(({ stack, words }) => [stack, words.length])).toEqual([
      ['IRQ', 0],
      ['', 3],
    ]);
  });
});

describe('a raw stack', () => {
  it('is every word of it, and says which cannot be read', () => {
    const scene = new StackScene(true);
    const { kernel, subject } = scene.build();
    const { words, unavailable } = rawStack(kernel, new Unwinder(kernel).stacks, subject);
    expect(unavailable).toBeUndefined();
    expect(words).toHaveLength(STACK_SIZE / 8);
    expect(words[0]).toEqual({ address: scene.stack, word: { kind: 'number', value: 0x57ac_6e9dn } });
    expect(words.filter(({ word }) => word.kind === 'unavailable').map(({ address }) => address)).toEqual(
      Array.from({ length: 512 }, (_, index) => addVirt(scene.stack, 8192 + index * 8)),
    );
  });

  it('is none where the task has given it up', () => {
    const scene = new StackScene();
    scene.word(addVirt(scene.taskAddress, 8), 0n);
    const { kernel, subject } = scene.build();
    const { words, unavailable } = rawStack(kernel, new Unwinder(kernel).stacks, subject);
    expect([words, unavailable]).toEqual([[], 'it has given up its stack']);
  });
});

describe('saved registers on a stack', () => {
  const found = (scene: StackScene): (readonly [VirtAddr, string, boolean])[] => {
    const { kernel, subject } = scene.build();
    const { frames } = taskExceptionFrames(kernel, new Unwinder(kernel), subject, false);
    return frames.map(({ address, mode, certain }) => [address, mode, certain]);
  };
  const certain = (scene: StackScene): (readonly [VirtAddr, string, boolean])[] => [
    [scene.savedRegisters, 'kernel', true],
    [scene.userRegisters, 'user', true],
  ];

  it('are certain where the walk came by them, and else marked', () => {
    const scene = new StackScene();
    const stale = addVirt(scene.stack, 512);
    const kernelMode = { rip: functions.victim, rsp: addVirt(stale, PT_REGS_SIZE), cs: 0x10n, ss: 0x18n };
    scene.registers(stale, kernelMode);
    expect(found(scene)).toEqual([[stale, 'kernel', false], ...certain(scene)]);
  });

  it.each([
    ['flags that no processor has', { flags: 0x244n }],
    ['flags above those there are', { flags: 0x1_0000_0246n }],
    ['another stack selector', { ss: 0x2bn }],
    ['an address above the stack selector', { ss: 0xffff_8880_0000_0018n }],
    ['an address that is no code', { rip: 0xffff_8880_1234_0000n }],
    ['a stack pointer that is on no stack', { rsp: 0xffff_8890_0000_0000n }],
    ['a stack pointer of user mode', { rsp: 0x7fff_0000n }],
  ])('are none with %s', (_, change) => {
    const scene = new StackScene();
    const at = addVirt(scene.stack, 512);
    const right = { rip: functions.victim, rsp: addVirt(at, PT_REGS_SIZE), cs: 0x10n, ss: 0x18n };
    scene.registers(at, { ...right, ...change });
    expect(found(scene)).toEqual(certain(scene));
  });

  it('are certain even if nothing else would tell them: after a call of NULL', () => {
    const scene = new StackScene();
    scene.word(addVirt(scene.savedRegisters, 128), 0n);
    expect(found(scene)[0]).toEqual([scene.savedRegisters, 'kernel', true]);
  });

  it('are searched for on a CPU’s stack, and what cannot be read of a stack is said', () => {
    const scene = new StackScene(true);
    const at = addVirt(scene.irqTop, -STACK_SIZE);
    scene.registers(at, { rip: functions.victim, rsp: addVirt(scene.stack, 64), cs: 0x10n, ss: 0n });
    const { kernel, subject } = scene.build();
    const unwinder = new Unwinder(kernel);
    const [irq] = unwinder.stacks.interruptStacksOf(0);
    if (irq === undefined) throw new Error('no IRQ stack');
    const { frames } = cpuExceptionFrames(kernel, unwinder.stacks, irq, 0, walkStack(unwinder, subject));
    expect(frames.map(({ address, certain: sure }) => [address, sure])).toEqual([[at, false]]);
    expect(taskExceptionFrames(kernel, unwinder, subject, false).unavailable).toHaveLength(1);
  });
});

describe('a stack that grew over its end', () => {
  const signs = (scene: StackScene): unknown => {
    const { kernel, task } = scene.build();
    return stackOverflows(kernel, new Unwinder(kernel), [task]).stacks.flatMap((stack) => stack.signs);
  };

  it('is told by the stack pointer of a frame of the running task', () => {
    const scene = new StackScene();
    expect(signs(scene)).toEqual([]);
    const below = addVirt(scene.stack, -16);
    scene.word(addVirt(scene.savedRegisters, 152), below);
    expect(signs(scene)).toEqual([{ what: 'stack pointer', address: undefined, found: below, wanted: scene.stack }]);
  });
});

describe('a walk from where the user says', () => {
  const scene = new StackScene();
  const { kernel, task } = scene.build();
  const interrupt = virtAddr(functions.interrupt + 0x10n);

  it('begins at a return address where memory has it at the stack pointer, or just below', () => {
    const expected = {
      registers: { rip: interrupt, rsp: scene.savedRegisters },
      slot: scene.interruptSlot,
      exact: false,
      saved: undefined,
    };
    expect(startAt(kernel, interrupt, scene.interruptSlot)).toEqual(expected);
    expect(startAt(kernel, interrupt, scene.savedRegisters)).toEqual(expected);
    expect(startAt(kernel, undefined, scene.interruptSlot)).toEqual(expected);
  });

  it('begins at the instruction itself elsewhere', () => {
    const sp = addVirt(scene.interruptSlot, -64);
    expect(startAt(kernel, virtAddr(functions.victim), sp)).toEqual({
      registers: { rip: functions.victim, rsp: sp },
      slot: undefined,
      exact: true,
      saved: undefined,
    });
  });

  it('does not begin where no code is', () => {
    expect(() => startAt(kernel, virtAddr(5n), scene.sp)).toThrow('5 is no address of code');
    expect(() => startAt(kernel, undefined, scene.sp)).toThrow('is no address of code: 0 (-I says where to begin)');
    expect(() => startAt(kernel, undefined, virtAddr(0x1000n))).toThrow('cannot read');
  });

  it('is of the task whose stack it is on', () => {
    const { stacks } = new Unwinder(kernel);
    expect(taskOnStack(kernel, stacks, scene.interruptSlot, task, () => [])?.address).toBe(task.address);
    expect(taskOnStack(kernel, stacks, virtAddr(0x1000n), task, () => [task])).toBeUndefined();
  });
});

describe('a reference', () => {
  const scene = new StackScene();
  const stack = trace(scene);
  const { kernel, subject } = scene.build();
  const text = stackText(kernel, new Unwinder(kernel), subject, false, 'none');
  const name = (symbol: string): { name: string; address: undefined } => ({ name: symbol, address: undefined });
  const at = (address: bigint): { name: undefined; address: VirtAddr } => ({
    name: undefined,
    address: virtAddr(address),
  });

  it('is found by the name of a function or any address that is shown', () => {
    for (const reference of [
      name('victim'),
      at(functions.victim + 4n),
      at(functions.entry),
      at(scene.interruptSlot),
      at(0x7fff_2000n),
    ]) {
      expect(refersTo(stack, reference), String(reference.address)).toBe(true);
      expect(refersTo(text, reference), String(reference.address)).toBe(true);
    }
  });

  it('is not found where only something like it is shown', () => {
    for (const reference of [name('vic'), name('victim+4'), at(functions.victim + 5n), at(0xdead_beefn)]) {
      expect(refersTo(stack, reference)).toBe(false);
      expect(refersTo(text, reference)).toBe(false);
    }
  });
});

describe('a damaged stack', () => {
  it('gives an answer to every question, whatever its words', () => {
    for (const seed of seeds(60)) {
      const random = randomFrom(seed);
      const scene = new StackScene(random() < 0.5);
      const words = [0n, 0x10n, 0x33n, 0x246n, 0xffff_ffff_ffff_fff8n, scene.sp, scene.stack, scene.savedRegisters];
      const places = [scene.sp, scene.interruptSlot, scene.savedRegisters, scene.userRegisters, scene.taskAddress];
      for (let count = 0; count < 8; count++) {
        const place = addVirt(places[below(random, places.length)] ?? scene.sp, 8 * below(random, 24));
        const word = words[below(random, words.length)] ?? 0n;
        if (place < scene.irqTop || place >= scene.stack) scene.word(place, word + BigInt(below(random, 3)));
      }
      survives(seed, () => {
        const { kernel, subject, task } = scene.build();
        const unwinder = new Unwinder(kernel);
        const { frames } = backtraceOf(kernel, unwinder, subject, { ...plainColumns, words: 1 });
        for (const { words: own = [] } of frames) expect(own.length).toBeLessThanOrEqual(STACK_SIZE / 8);
        for (const whole of [true, false]) stackText(kernel, unwinder, subject, whole, 'none');
        taskExceptionFrames(kernel, unwinder, subject, false);
        rawStack(kernel, unwinder.stacks, subject);
        stackOverflows(kernel, unwinder, [task]);
      });
    }
  });
});
