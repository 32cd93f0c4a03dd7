/** Signs of stack overflows: the magic word, and thread_info where that is on the stack. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder } from '../../../test/builders/kernel.ts';
import { addVirt, type VirtAddr } from '../../base/addr.ts';
import { Task } from '../../kernel/tasks.ts';
import { Unwinder } from '../../unwind/unwinder.ts';
import { renderStackOverflows } from './stack-overflow.ts';
import { stackOverflows, type StackOverflows } from '../../query/stack-overflow.ts';

const MAGIC = 0x57ac_6e9dn;
const STACK_SIZE = 8192;

interface Scene {
  readonly builder: KernelBuilder;
  readonly stack: VirtAddr;
  readonly task: VirtAddr;
  readonly check: () => StackOverflows;
}

/** @param inTask whether thread_info is in task_struct, and not at the low end of the stack */
function scene(inTask: boolean): Scene {
  const builder = new KernelBuilder();
  const { types } = builder;
  const int = types.int('int', 4);
  const thread = types.struct('thread_struct', 8, [{ name: 'sp', type: types.pointer(0), offset: 0 }]);
  types.struct('task_struct', 64, [
    { name: 'stack', type: types.pointer(0), offset: 8 },
    { name: 'pid', type: int, offset: 16 },
    { name: 'thread', type: thread, offset: 32 },
    ...(inTask ? [{ name: 'thread_info', type: int, offset: 24 }] : []),
  ]);
  types.struct('thread_info', 32, [
    { name: 'task', type: types.pointer(0), offset: 0 },
    { name: 'cpu', type: int, offset: 8 },
  ]);
  builder.u64(builder.variable('__cpu_possible_mask', 8), 3n);
  const task = builder.allocate(64);
  const stack = builder.allocate(STACK_SIZE);
  builder.u64(addVirt(task, 8), stack).u32(addVirt(task, 16), 7);
  if (inTask) builder.u64(stack, MAGIC);
  else builder.u64(stack, task).u32(addVirt(stack, 8), 1).u64(addVirt(stack, 32), MAGIC);
  const check = (): StackOverflows => {
    const kernel = builder.build();
    return stackOverflows(kernel, new Unwinder(kernel), [new Task(kernel, task)]);
  };
  return { builder, stack, task, check };
}

describe.each([true, false])('stacks with thread_info in the task: %s', (inTask) => {
  it('are whole where every word is what it must be', () => {
    const found = scene(inTask).check();
    expect([found.checked, found.stacks, found.unreadable]).toEqual([1, [], []]);
    expect([...renderStackOverflows(found)]).toEqual(['No stack overflows detected']);
  });

  it('show an overwritten magic word', () => {
    const { builder, stack, check } = scene(inTask);
    const address = addVirt(stack, inTask ? 0 : 32);
    builder.u64(address, 0x1234n);
    const found = check();
    expect(found.stacks[0]?.signs).toEqual([{ what: 'STACK_END_MAGIC', address, found: 0x1234n, wanted: MAGIC }]);
    const text = [...renderStackOverflows(found)];
    expect(text[0]).toMatch(/^PID: 7 /);
    expect(text.slice(1)).toEqual([`  possible stack overflow: ${address.toString(16)}: 1234 != STACK_END_MAGIC`, '']);
  });

  it('are left out where the task has given its stack up, and named where they cannot be read', () => {
    const { builder, task, check } = scene(inTask);
    builder.u64(addVirt(task, 8), 0n);
    expect(check()).toMatchObject({ checked: 0, stacks: [], unreadable: [] });
    expect([...renderStackOverflows(check())]).toEqual(['No stack could be checked']);
    builder.u64(addVirt(task, 8), 0xffff_8890_0000_0000n);
    expect([...renderStackOverflows(check())].slice(1)).toEqual([
      '  (not checked: cannot read kernel virtual address ffff889000000000: not mapped)',
      '',
      'No stack could be checked',
    ]);
  });
});

it('thread_info on the stack tells of its task and CPU', () => {
  const { builder, stack, task, check } = scene(false);
  builder.u64(stack, 0x99n).u32(addVirt(stack, 8), 2);
  const text = [...renderStackOverflows(check())];
  expect(text.slice(1)).toEqual([
    `  possible stack overflow: thread_info.task: 99 != ${task.toString(16)}`,
    '  possible stack overflow: thread_info.cpu: 2 >= 2',
    '',
  ]);
});

it('a stack pointer in the page below the stack tells, even where no word was overwritten', () => {
  const { builder, stack, task, check } = scene(true);
  builder.u64(addVirt(task, 32), addVirt(stack, -8));
  expect([...renderStackOverflows(check())].slice(1)).toEqual([
    `  possible stack overflow: stack pointer: ${addVirt(stack, -8).toString(16)} < ${stack.toString(16)}`,
    '',
  ]);
  for (const pointer of [stack, addVirt(stack, 8192), addVirt(stack, -4104)]) {
    builder.u64(addVirt(task, 32), pointer);
    expect(check().stacks).toEqual([]);
  }
});
