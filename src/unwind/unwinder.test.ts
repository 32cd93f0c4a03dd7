/** Stacks of a synthetic kernel: call frames by ORC, an exception, user mode, damage. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder, TEXT } from '../../test/builders/kernel.ts';
import { below, randomFrom, seeds, survives } from '../../test/builders/mutate.ts';
import { OrcBuilder } from '../../test/builders/orc.ts';
import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { Task } from '../kernel/tasks.ts';
import type { UnwoundStack } from './frame.ts';
import { Unwinder } from './unwinder.ts';

const ORC_BASE = 0xffff_ffff_8300_0000n;
const STACK_SIZE = 16_384;
const functions = {
  inner: TEXT + 0x1000n,
  middle: TEXT + 0x1100n,
  exception: TEXT + 0x1200n,
  victim: TEXT + 0x1300n,
  entry: TEXT + 0x1400n,
};
const signed = (address: bigint): number => Number(BigInt.asIntN(64, address));

interface Scene {
  readonly builder: KernelBuilder;
  readonly stack: VirtAddr;
  readonly sp: VirtAddr;
  readonly run: () => UnwoundStack;
}

/** inner, called by middle (which has a frame pointer), called by an exception in victim, called by entry from user mode. */
function scene(dialect: 'to62' | 'in63' | 'since64' | 'since71'): Scene {
  const builder = new KernelBuilder();
  const { types } = builder;
  types.struct('task_struct', 32, [
    { name: 'stack', type: types.pointer(0), offset: 8 },
    { name: 'pid', type: types.int('int', 4), offset: 16 },
  ]);
  types.compound('union', 'thread_union', STACK_SIZE, []);
  const orc = new OrcBuilder(dialect, signed(ORC_BASE));
  for (let index = 0; index < 200; index++) orc.add({ address: signed(TEXT) + index * 8, spOffset: 8 });
  orc.add({ address: signed(functions.inner), spOffset: 24 });
  orc.add({ address: signed(functions.middle), sp: 'bp', spOffset: 16, bp: 'prev_sp', bpOffset: -16 });
  orc.add({ address: signed(functions.exception), kind: 'regs', spOffset: 0, signal: true });
  orc.add({ address: signed(functions.victim), spOffset: 16 });
  orc.add({ address: signed(functions.entry), kind: 'regs', spOffset: 8, signal: false });
  orc.add({ address: signed(functions.entry) + 0x100, kind: 'end' });
  builder.orc(orc, ORC_BASE);
  for (const [name, address] of Object.entries(functions)) builder.symbol(name, address);
  const task = builder.allocate(32);
  const stack = builder.allocate(STACK_SIZE);
  builder.u64(addVirt(task, 8), stack).u32(addVirt(task, 16), 7);
  const sp = addVirt(stack, 8000);
  const word = (offset: number, value: bigint): void => void builder.u64(addVirt(sp, offset), value);
  word(16, functions.middle + 0x20n); // inner returns to middle
  word(24 + 40, addVirt(sp, 2000)); // middle: saved rbp at its frame base
  word(24 + 48, functions.exception + 0x10n); // middle returns to the exception entry
  const regs = 24 + 56;
  word(regs + 19 * 8, addVirt(sp, 400));
  word(regs + 16 * 8, functions.victim); // its very first instruction
  word(regs + 17 * 8, 0x10n);
  word(400 + 8, functions.entry + 0x10n);
  const user = 400 + 16 + 8;
  word(user + 16 * 8, 0x7fff_1234n);
  word(user + 17 * 8, 0x33n);
  return {
    builder,
    stack,
    sp,
    run: () => {
      const kernel = builder.build();
      const registers = { rip: functions.inner + 4n, rsp: sp, rbp: addVirt(sp, 24 + 40) };
      return new Unwinder(kernel).unwind(new Task(kernel, task), {
        registers,
        slot: undefined,
        exact: true,
        saved: undefined,
      });
    },
  };
}

describe.each(['to62', 'in63', 'since64', 'since71'] as const)('a stack with ORC of %s', (dialect) => {
  it('is walked from its registers to user mode', () => {
    const { frames, userRegisters, end } = scene(dialect).run();
    expect(frames.map((frame) => [frame.ip, frame.exact, frame.origin])).toEqual([
      [functions.inner + 4n, true, 'registers'],
      [functions.middle + 0x20n, false, 'orc'],
      [functions.exception + 0x10n, false, 'orc'],
      [functions.victim, true, 'orc'],
      [functions.entry + 0x10n, false, 'orc'],
    ]);
    expect(end).toEqual({ kind: 'user' });
    expect(userRegisters?.registers).toMatchObject({ rip: 0x7fff_1234n, cs: 0x33n });
    expect(frames[3]?.saved?.registers['rip']).toBe(functions.victim);
  });
});

describe('a damaged stack', () => {
  it('ends with a reason, whatever its words', () => {
    const { builder, sp, run } = scene('since64');
    for (const seed of seeds(150)) {
      const random = randomFrom(seed);
      const words = [
        0n,
        0xffff_ffff_ffff_fff8n,
        functions.inner + 1n,
        functions.victim,
        BigInt(sp),
        BigInt(sp) + 16n,
        TEXT + 0x55n,
        1n,
      ];
      const offset = below(random, 70) * 8;
      const old = 0n;
      builder.u64(addVirt(sp, offset), words[below(random, words.length)] ?? old);
      survives(seed, () => {
        const { frames, end } = run();
        expect(frames.length).toBeLessThanOrEqual(1024);
        expect(['end', 'user', 'broken']).toContain(end.kind);
      });
    }
  });

  it('that leads back to itself ends', () => {
    const { builder, sp, run } = scene('since64');
    // The victim's registers say it was interrupted where inner is, with inner's own stack pointer.
    builder.u64(addVirt(sp, 24 + 56 + 16 * 8), functions.inner + 4n).u64(addVirt(sp, 24 + 56 + 19 * 8), virtAddr(sp));
    builder.u64(addVirt(sp, 24 + 56 + 4 * 8), addVirt(sp, 24 + 40));
    expect(run().end).toEqual({ kind: 'broken', why: 'the stack leads back to itself' });
  });
});
