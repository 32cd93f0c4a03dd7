/**
 * The stacks a CPU may be on: each task's own, and per CPU the IRQ stack, the exception (IST) stacks and the entry
 * stack. Kernel Documentation/arch/x86/kernel-stacks.rst; arch/x86/include/asm/cpu_entry_area.h, processor.h.
 *
 * Probes: `hardirq_stack_ptr` is per CPU and points at the top, or 8 below (951c2a51ae75, v5.12), or is a member of
 * pcpu_hot (6.2 to 6.13); before 5.2 `irq_stack_ptr` points 64 below the top; `cea_exception_stacks` (019b17b3ffe4, v5.2).
 */

import { addVirt, alignDown, PAGE_SIZE, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { sizeOf } from '../debuginfo/types/type.ts';
import { memberOf } from '../values/struct-view.ts';
import { readCpus } from './cpus.ts';
import type { Kernel } from './kernel.ts';
import type { Task } from './tasks.ts';

export interface Stack {
  readonly kind: 'task' | 'irq' | 'exception' | 'entry';
  /** As crash marks it: "IRQ", "NMI exception"; empty for a task's. */
  readonly name: string;
  readonly cpu: number | undefined;
  readonly base: VirtAddr;
  /** In bytes. */
  readonly size: number;
}

const DEFAULT_THREAD_SIZE = 16384;
const exceptionNames: Readonly<Record<string, string>> = {
  DF: 'DOUBLEFAULT',
  NMI: 'NMI',
  DB: 'DEBUG',
  MCE: 'MCE',
  VC: 'VC',
  VC2: 'VC2',
};

export class Stacks {
  readonly threadSize: number;
  readonly #cpuStacks: readonly Stack[];

  constructor(kernel: Kernel) {
    this.threadSize = readThreadSize(kernel);
    this.#cpuStacks = readCpus(kernel).possible.flatMap((cpu) => [
      ...(attempt(() => irqStack(kernel, cpu, this.threadSize)) ?? []),
      ...(attempt(() => exceptionStacks(kernel, cpu)) ?? []),
      ...(attempt(() => entryStack(kernel, cpu)) ?? []),
    ]);
  }

  ofTask(task: Task): Stack {
    return { kind: 'task', name: '', cpu: undefined, base: task.stack, size: this.threadSize };
  }

  /** The stack of some CPU that holds an address. */
  ofCpuAt(address: VirtAddr): Stack | undefined {
    return this.#cpuStacks.find((stack) => holds(stack, address));
  }

  /** The stack an address is on: the task's own, or one of a CPU. */
  at(address: VirtAddr, task: Task): Stack | undefined {
    const own = attempt(() => this.ofTask(task));
    return own !== undefined && holds(own, address) ? own : this.ofCpuAt(address);
  }
}

/** Of the first task's stack, by the linker's bounds or the type. */
function readThreadSize(kernel: Kernel): number {
  const bounds: readonly (readonly [string, string])[] = [
    ['__start_init_stack', '__end_init_stack'],
    ['__start_init_task', '__end_init_task'],
  ];
  for (const [start, end] of bounds) {
    const from = kernel.addressOf(start);
    const to = kernel.addressOf(end);
    if (from !== undefined && to !== undefined && to > from) return Number(to - from);
  }
  return kernel.types.compound('union', 'thread_union')?.size ?? DEFAULT_THREAD_SIZE;
}

export function holds(stack: Stack, address: VirtAddr): boolean {
  return address >= stack.base && address < stack.base + BigInt(stack.size);
}

function irqStack(kernel: Kernel, cpu: number, size: number): Stack[] {
  const symbol =
    kernel.perCpu.address('hardirq_stack_ptr', cpu) ??
    hotMember(kernel, cpu, 'hardirq_stack_ptr') ??
    kernel.perCpu.address('irq_stack_ptr', cpu);
  const pointer = symbol === undefined ? 0n : kernel.memory.pointer(symbol);
  if (pointer === 0n) return [];
  const top = alignDown(addVirt(virtAddr(pointer), PAGE_SIZE - 1), PAGE_SIZE);
  return [{ kind: 'irq', name: 'IRQ', cpu, base: addVirt(top, -size), size }];
}

function hotMember(kernel: Kernel, cpu: number, name: string): VirtAddr | undefined {
  const hot = kernel.perCpu.address('pcpu_hot', cpu);
  return hot === undefined ? undefined : kernel.struct('pcpu_hot', hot).at(name);
}

function exceptionStacks(kernel: Kernel, cpu: number): Stack[] {
  const symbol = kernel.perCpu.address('cea_exception_stacks', cpu);
  if (symbol === undefined) return [];
  const base = kernel.memory.pointer(symbol);
  const type = kernel.types.struct('cea_exception_stacks');
  return Object.entries(exceptionNames).flatMap(([short, name]): Stack[] => {
    const member = memberOf(type, `${short}_stack`);
    if (member === undefined) return [];
    const size = sizeOf(member.type);
    return [{ kind: 'exception', name: `${name} exception`, cpu, base: addVirt(base, member.offset), size }];
  });
}

function entryStack(kernel: Kernel, cpu: number): Stack[] {
  const area = cpuEntryArea(kernel, cpu);
  const member = memberOf(kernel.types.struct('cpu_entry_area'), 'entry_stack_page');
  if (area === undefined || member === undefined) return [];
  return [{ kind: 'entry', name: 'ENTRY', cpu, base: addVirt(area, member.offset), size: sizeOf(member.type) }];
}

/** The exception stacks are a part of a CPU's cpu_entry_area, wherever that is. */
function cpuEntryArea(kernel: Kernel, cpu: number): VirtAddr | undefined {
  const stacks = kernel.perCpu.address('cea_exception_stacks', cpu);
  const member = memberOf(kernel.types.struct('cpu_entry_area'), 'estacks');
  return stacks === undefined || member === undefined
    ? undefined
    : addVirt(kernel.memory.pointer(stacks), -member.offset);
}
