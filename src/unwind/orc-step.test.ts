/** Steps by ORC into interrupted frames: what is known there, and how its ip is to be taken. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder, TEXT } from '../../test/builders/kernel.ts';
import { OrcBuilder } from '../../test/builders/orc.ts';
import { addVirt, type VirtAddr } from '../base/addr.ts';
import { Cancelled, FaultError } from '../base/errors.ts';
import type { OrcEntry } from '../debuginfo/orc/orc-entry.ts';
import { Task } from '../kernel/tasks.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { FrameState, Step } from './frame.ts';
import { orcStep } from './orc-step.ts';
import { Unwinder } from './unwinder.ts';
import { loadDisassembler } from '../disasm/disassembler.ts';

await loadDisassembler('x86_64');

const BP = 0xffff_c900_0001_0fd8n;
const partial: OrcEntry = {
  spRegister: 'sp',
  spOffset: 16,
  bpRegister: 'undefined',
  bpOffset: 0,
  type: 'regs-partial',
  signal: true,
};

interface Scene {
  readonly memory: AddressSpace;
  readonly state: FrameState;
  readonly sp: VirtAddr;
}

/** A stack at whose `sp + 16` is what the CPU pushed, with a word before that only saved registers would hold. */
function scene(): Scene {
  const builder = new KernelBuilder();
  const stack = builder.allocate(4096);
  const sp = addVirt(stack, 1024);
  for (const [index, word] of [TEXT + 0x55n, 0x10n, 0x246n, addVirt(sp, 200), 0x18n].entries())
    builder.u64(addVirt(sp, 16 + index * 8), word);
  builder.u64(sp, 0xbadn);
  const { memory } = builder.build();
  return { memory, sp, state: { ip: TEXT as VirtAddr, sp, registers: { rip: TEXT, rsp: sp, rbp: BP, rbx: 7n } } };
}

function interrupted(step: Step): Extract<Step, { kind: 'interrupted' }> {
  if (step.kind !== 'interrupted') throw new Error(step.kind);
  return step;
}

describe('what the CPU pushed', () => {
  it('leaves rbp known to go on with, and nothing else; it is not shown as saved', () => {
    const { memory, state, sp } = scene();
    const { registers, saved } = interrupted(orcStep(memory, state, partial));
    const pushed = { rip: TEXT + 0x55n, cs: 0x10n, rflags: 0x246n, rsp: addVirt(sp, 200), ss: 0x18n };
    expect(saved.registers).toEqual(pushed);
    expect(registers).toEqual({ ...pushed, rbp: BP });
  });

  it('leaves rbp unknown where it was', () => {
    const { memory, state } = scene();
    const { registers } = interrupted(orcStep(memory, { ...state, registers: {} }, partial));
    expect(registers?.['rbp']).toBeUndefined();
  });
});

describe('the ip of saved registers', () => {
  it.each(['regs', 'regs-partial'] as const)('of %s is taken literally where the entry says signal', (type) => {
    const { memory, state } = scene();
    expect(interrupted(orcStep(memory, state, { ...partial, type })).exact).toBe(true);
    expect(interrupted(orcStep(memory, state, { ...partial, type, signal: false })).exact).toBe(false);
  });

  it.each([true, false])('is looked up as the entry says: signal %s', (signal) => {
    const signed = (address: bigint): number => Number(BigInt.asIntN(64, address));
    const builder = new KernelBuilder();
    const { types } = builder;
    types.struct('task_struct', 32, [{ name: 'stack', type: types.pointer(0), offset: 8 }]);
    types.compound('union', 'thread_union', 16_384, []);
    const base = 0xffff_ffff_8300_0000n;
    const orc = new OrcBuilder('since64', signed(base));
    for (let index = 0; index < 100; index++) orc.add({ address: signed(TEXT) + index * 8, spOffset: 8 });
    orc.add({ address: signed(TEXT) + 0x1000, kind: 'regs', signal });
    orc.add({ address: signed(TEXT) + 0x1100, kind: 'undefined' });
    orc.add({ address: signed(TEXT) + 0x1200, kind: 'end' });
    builder.orc(orc, base);
    const task = builder.allocate(32);
    const stack = builder.allocate(16_384);
    const sp = addVirt(stack, 8000);
    builder.u64(addVirt(task, 8), stack);
    // The first byte of the code that ends stacks: as a return address it is the last of the code before.
    builder.u64(addVirt(sp, 16 * 8), TEXT + 0x1200n).u64(addVirt(sp, 17 * 8), 0x10n);
    builder.u64(addVirt(sp, 19 * 8), addVirt(sp, 400));
    const kernel = builder.build();
    const registers = { rip: TEXT + 0x1004n, rsp: sp };
    const { frames, end } = new Unwinder(kernel).unwind(new Task(kernel, task), {
      registers,
      slot: undefined,
      exact: true,
      saved: undefined,
    });
    expect(frames.map(({ ip, exact }) => [ip, exact])).toEqual([
      [TEXT + 0x1004n, true],
      [TEXT + 0x1200n, signal],
    ]);
    expect(end.kind).toBe(signal ? 'end' : 'broken');
  });
});

describe('a stack pointer read from the stack', () => {
  const indirect: OrcEntry = { ...partial, type: 'call', spRegister: 'sp_indirect', spOffset: 8 };
  const withFault = (error: Error): AddressSpace => {
    const memory = { pointer: () => 0x1000n, u64: () => raise(error) };
    return memory as unknown as AddressSpace;
  };
  const raise = (error: Error): never => {
    throw error;
  };

  it('lets through what is no damage of the dump', () => {
    const { state } = scene();
    expect(() => orcStep(withFault(new Cancelled()), state, indirect)).toThrow(Cancelled);
    expect(() => orcStep(withFault(new TypeError('a bug')), state, indirect)).toThrow(TypeError);
    expect(() => orcStep(withFault(new FaultError('kernel virtual', 1n, 'not-mapped')), state, indirect)).toThrow(
      FaultError,
    );
  });
});
