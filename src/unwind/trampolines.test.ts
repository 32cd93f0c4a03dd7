/** Return addresses behind trampolines: rethook, kretprobes of three ages, function graph old and new; loops. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder, TEXT } from '../../test/builders/kernel.ts';
import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { Task } from '../kernel/tasks.ts';
import { Trampolines, type RecoveredAddress } from './trampolines.ts';

const RETHOOK = virtAddr(TEXT + 0x1000n);
const KRETPROBE = virtAddr(TEXT + 0x1100n);
const GRAPH = virtAddr(TEXT + 0x2000n);
const CALLER = TEXT + 0x3000n;
const SLOT = virtAddr(0xffff_c900_0001_0f58n);

interface Setup {
  readonly builder: KernelBuilder;
  readonly task: VirtAddr;
  readonly finish: () => { kernel: Kernel; resolve: (ip: VirtAddr, slot?: VirtAddr) => RecoveredAddress | undefined };
}

/** A task whose one pointer member of that name is at 16. */
function setup(member: 'rethooks' | 'kretprobe_instances' | 'ret_stack'): Setup {
  const builder = new KernelBuilder();
  const { types } = builder;
  const pointer = types.pointer(0);
  const word = types.int('unsigned long', 8);
  const first = types.struct('llist_head', 8, [{ name: 'first', type: pointer, offset: 0 }]);
  const link = types.struct('llist_node', 8, [{ name: 'next', type: pointer, offset: 0 }]);
  types.struct('task_struct', 64, [{ name: member, type: member === 'ret_stack' ? pointer : first, offset: 16 }]);
  if (member === 'rethooks') {
    types.struct('rethook_node', 48, [
      { name: 'llist', type: link, offset: 16 },
      { name: 'ret_addr', type: word, offset: 32 },
      { name: 'frame', type: word, offset: 40 },
    ]);
  } else if (member === 'kretprobe_instances') {
    const union = types.compound('union', '', 16, [{ name: 'llist', type: link, offset: 0 }]);
    types.struct('kretprobe_instance', 48, [
      { name: '', type: union, offset: 0 },
      { name: 'ret_addr', type: pointer, offset: 24 },
      { name: 'fp', type: pointer, offset: 32 },
    ]);
  } else {
    types.struct('ftrace_ret_stack', 40, [
      { name: 'ret', type: word, offset: 0 },
      { name: 'func', type: word, offset: 8 },
      { name: 'retp', type: pointer, offset: 32 },
    ]);
  }
  builder
    .symbol('arch_rethook_trampoline', RETHOOK)
    .symbol('__kretprobe_trampoline', KRETPROBE)
    .symbol('return_to_handler', GRAPH);
  const task = builder.allocate(64);
  return {
    builder,
    task,
    finish: () => {
      const kernel = builder.build();
      const trampolines = new Trampolines(kernel);
      return { kernel, resolve: (ip, slot = SLOT) => trampolines.resolve(ip, slot, new Task(kernel, task)) };
    },
  };
}

describe('an address that is no trampoline', () => {
  it('is left alone', () => {
    const { resolve } = setup('rethooks').finish();
    expect(resolve(virtAddr(CALLER))).toBeUndefined();
  });
});

describe('kretprobe', () => {
  it('through rethook is resolved by the slot, past nodes that hold the trampoline again', () => {
    const { builder, task, finish } = setup('rethooks');
    const nodes = [builder.allocate(48), builder.allocate(48), builder.allocate(48)] as const;
    const node = (index: number): VirtAddr => nodes[index] ?? virtAddr(0);
    const fill = (index: number, next: bigint, ret: bigint, frame: bigint): void => {
      builder
        .u64(addVirt(node(index), 16), next)
        .u64(addVirt(node(index), 32), ret)
        .u64(addVirt(node(index), 40), frame);
    };
    builder.u64(addVirt(task, 16), addVirt(node(0), 16));
    fill(0, addVirt(node(1), 16), TEXT + 0x4000n, SLOT - 64n);
    fill(1, addVirt(node(2), 16), RETHOOK, SLOT);
    fill(2, 0n, CALLER, SLOT);
    const { resolve } = finish();
    expect(resolve(RETHOOK)).toEqual({ ip: CALLER, by: 'kretprobe' });
    expect(resolve(RETHOOK, addVirt(SLOT, -64))).toEqual({ ip: TEXT + 0x4000n, by: 'kretprobe' });
    expect(resolve(RETHOOK, addVirt(SLOT, 8))).toBeUndefined();
  });

  it('through kretprobe_instances is resolved by the frame', () => {
    const { builder, task, finish } = setup('kretprobe_instances');
    const node = builder.allocate(48);
    builder.u64(addVirt(task, 16), node).u64(addVirt(node, 24), CALLER).u64(addVirt(node, 32), SLOT);
    expect(finish().resolve(KRETPROBE)).toEqual({ ip: CALLER, by: 'kretprobe' });
  });

  it('on a list that loops or leaves memory is not resolved', () => {
    const { builder, task, finish } = setup('rethooks');
    const node = builder.allocate(48);
    builder.u64(addVirt(task, 16), addVirt(node, 16)).u64(addVirt(node, 16), addVirt(node, 16));
    expect(finish().resolve(RETHOOK)).toBeUndefined();
    builder.u64(addVirt(node, 16), 0xffff_9999_0000_0000n);
    expect(finish().resolve(RETHOOK)).toBeUndefined();
  });
});

describe('kretprobe before 5.11', () => {
  const STACK_SIZE = 16_384;
  const NODE_SIZE = 48;
  const SLOTS = [3000, 5000, 9000].map((offset) => offset & ~7);

  interface Instance {
    readonly ret: bigint;
    readonly fp?: bigint;
    readonly other?: boolean;
  }

  /** A task with those instances, newest first, whose stack holds the trampoline at those offsets. */
  function hashed(
    instances: (stack: VirtAddr) => readonly Instance[],
    slots: readonly number[],
    options: { fp?: boolean; irqSlots?: readonly number[] } = {},
  ): { stack: VirtAddr; irq: VirtAddr; resolve: (slot: VirtAddr) => bigint | undefined } {
    const builder = new KernelBuilder();
    const { types } = builder;
    const pointer = types.pointer(0);
    const node = types.struct('hlist_node', 16, [{ name: 'next', type: pointer, offset: 0 }]);
    types.struct('task_struct', 64, [{ name: 'stack', type: pointer, offset: 8 }]);
    types.compound('union', 'thread_union', STACK_SIZE, []);
    const members = [
      { name: 'hlist', type: node, offset: 0 },
      { name: 'ret_addr', type: pointer, offset: 24 },
      { name: 'task', type: pointer, offset: 32 },
    ];
    types.struct('kretprobe_instance', NODE_SIZE, [
      ...members,
      ...(options.fp === true ? [{ name: 'fp', type: pointer, offset: 40 }] : []),
    ]);
    builder.symbol('kretprobe_trampoline', KRETPROBE);
    const table = builder.variable('kretprobe_inst_table', 64 * 8);
    builder.u64(builder.variable('__per_cpu_offset', 8), 0n);
    builder.u64(builder.variable('__cpu_possible_mask', 8), 1n).u64(builder.variable('__cpu_present_mask', 8), 1n);
    const task = builder.allocate(64);
    builder.u64(builder.variable('current_task', 8), task);
    const irq = builder.allocate(STACK_SIZE);
    builder.u64(builder.variable('irq_stack_ptr', 8), addVirt(irq, STACK_SIZE));
    builder.gap();
    const stack = builder.allocate(STACK_SIZE);
    builder.u64(addVirt(task, 8), stack);
    let link = addVirt(table, 17 * 8);
    for (const { ret, fp, other } of instances(stack)) {
      const at = builder.allocate(NODE_SIZE);
      builder
        .u64(link, at)
        .u64(addVirt(at, 24), ret)
        .u64(addVirt(at, 32), other === true ? 0x1234n : task);
      if (fp !== undefined) builder.u64(addVirt(at, 40), fp);
      link = at;
    }
    for (const slot of slots) builder.u64(addVirt(stack, slot), KRETPROBE);
    for (const slot of options.irqSlots ?? []) builder.u64(addVirt(irq, slot), KRETPROBE);
    const kernel = builder.build();
    const trampolines = new Trampolines(kernel);
    return { stack, irq, resolve: (slot) => trampolines.resolve(KRETPROBE, slot, new Task(kernel, task))?.ip };
  }

  const three = (): Instance[] => [
    { ret: CALLER },
    { ret: TEXT + 0x77n, other: true },
    // Two probes of one function: the newer one found the older one's trampoline.
    { ret: KRETPROBE },
    { ret: CALLER + 0x100n },
    { ret: CALLER + 0x200n },
  ];

  it('is resolved by the order of slots and instances', () => {
    const { stack, resolve } = hashed(three, SLOTS);
    expect(SLOTS.map((slot) => resolve(addVirt(stack, slot)))).toEqual([CALLER, CALLER + 0x100n, CALLER + 0x200n]);
    expect(resolve(addVirt(stack, 8))).toBeUndefined();
  });

  it('is not resolved where slots and instances are not as many', () => {
    const fewer = hashed(three, SLOTS.slice(1));
    expect(fewer.resolve(addVirt(fewer.stack, SLOTS[1] ?? 0))).toBeUndefined();
    const more = hashed(three, [...SLOTS, 12_000]);
    expect(more.resolve(addVirt(more.stack, SLOTS[0] ?? 0))).toBeUndefined();
    const none = hashed(() => [], SLOTS);
    expect(none.resolve(addVirt(none.stack, SLOTS[0] ?? 0))).toBeUndefined();
  });

  it('counts the IRQ stack of the CPU before the task’s own', () => {
    const { stack, irq, resolve } = hashed(three, SLOTS.slice(1), { irqSlots: [16_000] });
    expect(resolve(addVirt(irq, 16_000))).toBe(CALLER);
    expect(SLOTS.slice(1).map((slot) => resolve(addVirt(stack, slot)))).toEqual([CALLER + 0x100n, CALLER + 0x200n]);
  });

  it('is resolved by the frame where instances know it', () => {
    const { stack, resolve } = hashed(
      (base) => [
        { ret: CALLER + 0x300n, fp: addVirt(base, 4000) },
        { ret: KRETPROBE, fp: addVirt(base, 5000) },
        { ret: CALLER, fp: addVirt(base, 5000) },
      ],
      [5000],
      { fp: true },
    );
    expect(resolve(addVirt(stack, 5000))).toBe(CALLER);
    expect(resolve(addVirt(stack, 4000))).toBe(CALLER + 0x300n);
    expect(resolve(addVirt(stack, 4008))).toBeUndefined();
  });
});

describe('function graph', () => {
  const entry = (builder: KernelBuilder, at: VirtAddr, ret: bigint, retp: bigint): void => {
    builder
      .u64(at, ret)
      .u64(addVirt(at, 8), TEXT + 0x5000n)
      .u64(addVirt(at, 32), retp);
  };

  it('in an array of structures is resolved by the slot', () => {
    const { builder, task, finish } = setup('ret_stack');
    const stack = builder.allocate(4096);
    builder.u64(addVirt(task, 16), stack);
    entry(builder, stack, TEXT + 0x6000n, SLOT + 80n);
    entry(builder, addVirt(stack, 40), CALLER, SLOT);
    const { resolve } = finish();
    expect(resolve(GRAPH)).toEqual({ ip: CALLER, by: 'function graph' });
    expect(resolve(GRAPH, addVirt(SLOT, 80))).toEqual({ ip: TEXT + 0x6000n, by: 'function graph' });
    expect(resolve(GRAPH, addVirt(SLOT, 8))).toBeUndefined();
  });

  it('in a stack of words between which other words lie is resolved, too', () => {
    const { builder, task, finish } = setup('ret_stack');
    const stack = builder.allocate(4096);
    builder.u64(addVirt(task, 16), stack);
    entry(builder, stack, TEXT + 0x6000n, SLOT + 80n);
    builder.u64(addVirt(stack, 40), 0x0001_0005n).u64(addVirt(stack, 48), 0x1234n);
    entry(builder, addVirt(stack, 56), CALLER, SLOT);
    expect(finish().resolve(GRAPH)).toEqual({ ip: CALLER, by: 'function graph' });
  });

  it('over a kretprobe of the same slot is resolved through both, and names what was met', () => {
    const { builder, task, finish } = setup('ret_stack');
    const stack = builder.allocate(4096);
    builder.u64(addVirt(task, 16), stack);
    entry(builder, stack, RETHOOK, SLOT);
    // The kretprobe's own list is not there: its trampoline is all that is known.
    expect(finish().resolve(GRAPH)?.ip).toBe(RETHOOK);
  });

  it('whose entry holds the handler itself, as tail calls leave it, is resolved by the next one or not at all', () => {
    const { builder, task, finish } = setup('ret_stack');
    const stack = builder.allocate(4096);
    builder.u64(addVirt(task, 16), stack);
    entry(builder, stack, GRAPH, SLOT);
    expect(finish().resolve(GRAPH)).toBeUndefined();
    entry(builder, addVirt(stack, 40), CALLER, SLOT);
    expect(finish().resolve(GRAPH)).toEqual({ ip: CALLER, by: 'function graph' });
  });

  it('without a stack is not resolved', () => {
    expect(setup('ret_stack').finish().resolve(GRAPH)).toBeUndefined();
  });
});
