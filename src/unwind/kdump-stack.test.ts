/** The stack of a CPU whose registers kdump saved: joined where the words of the stack prove it, and only there. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder, TEXT } from '../../test/builders/kernel.ts';
import { OrcBuilder } from '../../test/builders/orc.ts';
import { addVirt, type VirtAddr } from '../base/addr.ts';
import type { Registers } from '../arch/architecture.ts';
import { ptRegsOrder } from '../arch/x86-64/registers.ts';
import { Task } from '../kernel/tasks.ts';
import { deepestState } from './kdump-stack.ts';
import { Unwinder, type StartState } from './unwinder.ts';

const ORC_BASE = 0xffff_ffff_8300_0000n;
const STACK_SIZE = 16_384;
const functions = {
  machine_kexec: TEXT + 0x1000n,
  crash_kexec: TEXT + 0x1100n,
  exception: TEXT + 0x1200n,
  victim: TEXT + 0x1300n,
  entry: TEXT + 0x1400n,
  __x86_indirect_thunk_rax: TEXT + 0x1500n,
};
const signed = (address: bigint): number => Number(BigInt.asIntN(64, address));

interface Scene {
  readonly builder: KernelBuilder;
  /** Where the return address into machine_kexec is. */
  readonly slot: VirtAddr;
  /** Where the exception saved the registers. */
  readonly saved: VirtAddr;
  /** Where the exception's victim has its stack pointer. */
  readonly victimStack: VirtAddr;
  readonly join: (registers: Registers) => StartState | undefined;
}

/** machine_kexec, called by crash_kexec, called by an exception that interrupted victim. */
function scene(faultRegisters: (victimStack: VirtAddr) => Registers): Scene {
  const builder = new KernelBuilder();
  const { types } = builder;
  types.struct('task_struct', 32, [
    { name: 'stack', type: types.pointer(0), offset: 8 },
    { name: 'pid', type: types.int('int', 4), offset: 16 },
  ]);
  types.compound('union', 'thread_union', STACK_SIZE, []);
  const orc = new OrcBuilder('since64', signed(ORC_BASE));
  orc.add({ address: signed(functions.machine_kexec), spOffset: 24 });
  orc.add({ address: signed(functions.crash_kexec), spOffset: 16 });
  orc.add({ address: signed(functions.exception), kind: 'regs', spOffset: 0, signal: true });
  orc.add({ address: signed(functions.victim), spOffset: 16 });
  orc.add({ address: signed(functions.entry), kind: 'end' });
  builder.orc(orc, ORC_BASE);
  for (const [name, address] of Object.entries(functions)) builder.symbol(name, address, 0x100);
  const task = builder.allocate(32);
  const stack = builder.allocate(STACK_SIZE);
  builder.u64(addVirt(task, 8), stack).u32(addVirt(task, 16), 7);
  const slot = addVirt(stack, 8000);
  builder.u64(slot, functions.machine_kexec + 0x40n);
  builder.u64(addVirt(slot, 8 + 16), functions.crash_kexec + 0x20n);
  builder.u64(addVirt(slot, 8 + 24 + 8), functions.exception + 0x10n);
  const saved = addVirt(slot, 8 + 24 + 16);
  const victimStack = addVirt(saved, 400);
  const atFault = faultRegisters(victimStack);
  for (const [index, name] of ptRegsOrder.entries()) builder.u64(addVirt(saved, index * 8), atFault[name] ?? 0n);
  builder.u64(addVirt(victimStack, 8), functions.entry + 0x10n);
  return {
    builder,
    slot,
    saved,
    victimStack,
    join: (registers) => {
      const kernel = builder.build();
      const start = { registers, slot: undefined, exact: true, saved: undefined };
      return deepestState(new Unwinder(kernel), new Task(kernel, task), start, 0);
    },
  };
}

function fault(victimStack: VirtAddr): Registers {
  const registers: Record<string, bigint> = {};
  for (const [index, name] of ptRegsOrder.entries()) registers[name] = BigInt(index) * 0x1111n;
  return { ...registers, rip: functions.victim + 4n, rsp: victimStack, cs: 0x10n, ss: 0x18n };
}

describe('the stack of a CPU that kdump stopped', () => {
  it('begins in machine_kexec where the walk from there comes by the saved registers', () => {
    const { slot, victimStack, join } = scene(fault);
    expect(join(fault(victimStack))).toMatchObject({ slot, exact: false });
  });

  it('does not begin at a word that is left of an earlier call', () => {
    const { builder, slot, victimStack, join } = scene(fault);
    builder.u64(addVirt(slot, -800), functions.machine_kexec + 0x10n);
    expect(join(fault(victimStack))).toMatchObject({ slot });
  });

  it('does not begin at such words though they lead to it, and is given up where the stack is full of them', () => {
    const { builder, slot, victimStack, join } = scene(fault);
    for (let word = 1; word <= 63; word++) builder.u64(addVirt(slot, -8 * word), functions.machine_kexec + 0x10n);
    expect(join(fault(victimStack))).toMatchObject({ slot });
    builder.u64(addVirt(slot, -8 * 64), functions.machine_kexec + 0x10n);
    expect(join(fault(victimStack))).toBeUndefined();
  });

  it('is not joined with registers that differ in one bit', () => {
    const { victimStack, join } = scene(fault);
    for (const name of ptRegsOrder.filter((register) => register !== 'cs' && register !== 'rip')) {
      const registers = fault(victimStack);
      expect(join({ ...registers, [name]: (registers[name] ?? 0n) ^ 1n }), name).toBeUndefined();
    }
  });

  it('is not joined where a word on the way is gone', () => {
    const { builder, slot, victimStack, join } = scene(fault);
    builder.u64(addVirt(slot, 8 + 16), 0n);
    expect(join(fault(victimStack))).toBeUndefined();
  });

  it('is not joined by a call that was of another function', () => {
    const { builder, slot, victimStack, join } = scene(fault);
    const call = (target: bigint): void => {
      const returnAddress = functions.crash_kexec + 0x20n;
      builder.write(returnAddress - 5n, Uint8Array.of(0xe8)).u32(returnAddress - 4n, Number(target - returnAddress));
    };
    call(functions.victim);
    expect(join(fault(victimStack))).toBeUndefined();
    call(functions.__x86_indirect_thunk_rax);
    expect(join(fault(victimStack))).toMatchObject({ slot });
    call(functions.machine_kexec);
    expect(join(fault(victimStack))).toMatchObject({ slot });
  });

  it('is joined where a function saved its own registers: its caller is the same', () => {
    const { slot, join } = scene(fault);
    // In crash_kexec itself, below the return address that machine_kexec has left there.
    const own = { rip: functions.crash_kexec + 0x60n, rsp: addVirt(slot, 8 + 24) };
    expect(join(own)).toMatchObject({ slot });
    expect(join({ ...own, rip: functions.victim + 4n })).toBeUndefined();
  });

  it('is joined where the exception came from user mode', () => {
    const user = (): Registers => ({ ...fault(addVirt(0n as VirtAddr, 0x7ffe_0000)), rip: 0x40_1000n, cs: 0x33n });
    const { slot, join } = scene(user);
    expect(join(user())).toMatchObject({ slot });
  });
});
