/** Return addresses behind trampolines: rethook, kretprobe_instances, function graph old and new; loops. */

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
