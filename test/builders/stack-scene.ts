/**
 * A kernel in which a CPU was caught on its IRQ stack: `handler`, called by `switcher`, which came from the task's
 * stack; there an interrupt, whose entry is `interrupt`, hit `victim`, called by `entry` from user mode.
 */

import { addVirt, virtAddr, type VirtAddr } from '../../src/base/addr.ts';
import type { CpuNote } from '../../src/formats/dump-image.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { Task } from '../../src/kernel/tasks.ts';
import type { StackSubject } from '../../src/query/stack-walk.ts';
import { KernelBuilder, TEXT } from './kernel.ts';
import { OrcBuilder } from './orc.ts';

const ORC_BASE = 0xffff_ffff_8300_0000n;
export const STACK_SIZE = 16_384;
export const PT_REGS_SIZE = 168;

/** Where each function begins. */
export const functions = {
  handler: TEXT + 0x1000n,
  switcher: TEXT + 0x1100n,
  interrupt: TEXT + 0x1200n,
  victim: TEXT + 0x1300n,
  entry: TEXT + 0x1400n,
} as const;

const signed = (address: bigint): number => Number(BigInt.asIntN(64, address));

export class StackScene {
  readonly #cpus: CpuNote[] = [];
  readonly builder = new KernelBuilder({ cpus: this.#cpus });
  readonly taskAddress: VirtAddr;
  readonly stack: VirtAddr;
  readonly irqTop: VirtAddr;
  /** The stack pointer of `handler`. */
  readonly sp: VirtAddr;
  /** The word of the task's stack that holds the return address into `interrupt`; the registers follow it. */
  readonly interruptSlot: VirtAddr;
  readonly savedRegisters: VirtAddr;
  readonly userRegisters: VirtAddr;

  /** @param hole whether the third page of the task's stack cannot be read */
  constructor(hole = false) {
    const { builder } = this;
    const { types } = builder;
    types.struct('task_struct', 48, [
      { name: 'stack', type: types.pointer(0), offset: 8 },
      { name: 'pid', type: types.int('int', 4), offset: 16 },
      { name: 'thread_info', type: types.int('int', 4), offset: 24 },
    ]);
    types.compound('union', 'thread_union', STACK_SIZE, []);
    builder.u64(builder.variable('__per_cpu_offset', 8), 0n);
    builder.u64(builder.variable('__cpu_possible_mask', 8), 1n);
    this.irqTop = addVirt(builder.allocate(STACK_SIZE), STACK_SIZE);
    builder.u64(builder.variable('hardirq_stack_ptr', 8), this.irqTop);
    this.taskAddress = builder.allocate(48);
    this.stack = builder.allocate(2 * 4096);
    if (hole) builder.gap();
    else builder.allocate(4096);
    builder.allocate(4096);
    builder.u64(addVirt(this.taskAddress, 8), this.stack).u32(addVirt(this.taskAddress, 16), 7);
    builder.u64(this.stack, 0x57ac_6e9dn);
    builder.u64(builder.variable('current_task', 8), this.taskAddress);

    const orc = new OrcBuilder('since64', signed(ORC_BASE));
    for (let index = 0; index < 200; index++) orc.add({ address: signed(TEXT) + index * 8, spOffset: 8 });
    orc.add({ address: signed(functions.handler), spOffset: 24 });
    orc.add({ address: signed(functions.switcher), sp: 'bp', spOffset: 16 });
    orc.add({ address: signed(functions.interrupt), kind: 'regs', spOffset: 0, signal: true });
    orc.add({ address: signed(functions.victim), spOffset: 16 });
    orc.add({ address: signed(functions.entry), kind: 'regs', spOffset: 0, signal: false });
    orc.add({ address: signed(functions.entry) + 0x100, kind: 'end' });
    builder.orc(orc, ORC_BASE);
    for (const [name, address] of Object.entries(functions)) builder.symbol(name, address);

    this.sp = addVirt(this.irqTop, -64);
    this.word(addVirt(this.sp, 16), functions.switcher + 0x20n);
    this.interruptSlot = addVirt(this.stack, STACK_SIZE - 1024);
    this.word(this.interruptSlot, functions.interrupt + 0x10n);
    this.savedRegisters = addVirt(this.interruptSlot, 8);
    const victimSp = addVirt(this.savedRegisters, PT_REGS_SIZE);
    this.registers(this.savedRegisters, { rip: functions.victim + 4n, rsp: victimSp, cs: 0x10n, ss: 0x18n });
    this.word(addVirt(victimSp, 8), functions.entry + 0x10n);
    this.userRegisters = addVirt(victimSp, 16);
    this.#cpus.push({ pid: 7, registers: this.cpuRegisters, qemu: undefined });
    this.registers(this.userRegisters, { rip: 0x7fff_1234n, rsp: 0x7fff_2000n, cs: 0x33n, ss: 0x2bn });
  }

  /** Of the CPU, which was in `handler`. */
  get cpuRegisters(): Record<string, bigint> {
    return { rip: functions.handler + 4n, rsp: this.sp, rbp: addVirt(this.interruptSlot, -8), cs: 0x10n };
  }

  word(at: VirtAddr, value: bigint): void {
    this.builder.u64(at, value);
  }

  /** The five words the processor pushes, at their places in a struct pt_regs. */
  registers(at: VirtAddr, { rip, rsp, cs, ss, flags = 0x246n }: Pushed): void {
    for (const [index, value] of [rip, cs, flags, rsp, ss].entries()) this.word(addVirt(at, 128 + index * 8), value);
  }

  build(): { kernel: Kernel; task: Task; subject: StackSubject } {
    const kernel = this.builder.build();
    const task = new Task(kernel, this.taskAddress);
    const registers = this.cpuRegisters;
    return {
      kernel,
      task,
      subject: {
        header: { pid: 7, task: virtAddr(this.taskAddress), cpu: 0, command: 'test' },
        task,
        start: () => ({ registers, slot: undefined, exact: true, saved: undefined }),
      },
    };
  }
}

export interface Pushed {
  readonly rip: bigint;
  readonly rsp: bigint;
  readonly cs: bigint;
  readonly ss: bigint;
  readonly flags?: bigint;
}
