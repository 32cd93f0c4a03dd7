/**
 * The stacks a CPU may be on: each task's own, and per CPU the IRQ stack, the exception (IST) stacks and the entry
 * stack. Kernel Documentation/arch/x86/kernel-stacks.rst; arch/x86/include/asm/cpu_entry_area.h, processor.h.
 *
 * Probes: `hardirq_stack_ptr` is per CPU and points at the top, or 8 below (951c2a51ae75, v5.12), or is a member of
 * pcpu_hot (6.2 to 6.14); before (758a2e312228, v5.2) `irq_stack_ptr` points at the top of the per-CPU
 * `irq_stack_union`, or 64 below it (4950d6d48a0c, v4.9). `cea_exception_stacks` (019b17b3ffe4, v5.2);
 * before, `orig_ist` keeps the top of each.
 */

import { addVirt, alignDown, PAGE_SIZE, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { KERNEL_SPACE } from '../arch/x86-64/layout.ts';
import { sizeOf } from '../debuginfo/types/type.ts';
import { memberOf } from '../values/struct-view.ts';
import { readCpus } from './cpus.ts';
import type { Kernel } from './kernel.ts';
import { oncePerKernel } from './once-per-kernel.ts';
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

/** The stacks of a kernel, read once. */
export const stacksOf = oncePerKernel((kernel) => new Stacks(kernel));

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

  irqOf(cpu: number): Stack | undefined {
    return this.#cpuStacks.find((stack) => stack.kind === 'irq' && stack.cpu === cpu);
  }

  /** The IRQ and exception stacks of a CPU, as the kernel orders them. */
  interruptStacksOf(cpu: number): readonly Stack[] {
    return this.#cpuStacks.filter(({ kind, cpu: owner }) => owner === cpu && (kind === 'irq' || kind === 'exception'));
  }

  /** The stack of some CPU that holds an address. */
  ofCpuAt(address: VirtAddr): Stack | undefined {
    return this.#cpuStacks.find((stack) => holds(stack, address));
  }

  /** The stack an address is on: the task's own, or one of a CPU. */
  at(address: VirtAddr, task: Task | undefined): Stack | undefined {
    const own = task && attempt(() => this.ofTask(task));
    return own !== undefined && holds(own, address) ? own : this.ofCpuAt(address);
  }
}

/** Of the first task's stack, by the linker's bounds or the type. */
export function readThreadSize(kernel: Kernel): number {
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

function irqStack(kernel: Kernel, cpu: number, threadSize: number): Stack[] {
  const { types } = kernel;
  const size =
    types.compound('struct', 'irq_stack')?.size ?? types.compound('union', 'irq_stack_union')?.size ?? threadSize;
  const symbol =
    kernel.perCpu.address('hardirq_stack_ptr', cpu) ??
    hotMember(kernel, cpu, 'hardirq_stack_ptr') ??
    kernel.perCpu.address('irq_stack_ptr', cpu);
  const pointer = symbol === undefined ? undefined : attempt(() => kernel.memory.pointer(symbol));
  const stack = (base: VirtAddr): Stack[] => [{ kind: 'irq', name: 'IRQ', cpu, base, size }];
  if (pointer !== undefined && pointer !== 0n) {
    return stack(addVirt(alignDown(addVirt(pointer, PAGE_SIZE - 1), PAGE_SIZE), -size));
  }
  const union = kernel.perCpu.address('irq_stack_union', cpu);
  return union !== undefined && union >= KERNEL_SPACE ? stack(union) : [];
}

function hotMember(kernel: Kernel, cpu: number, name: string): VirtAddr | undefined {
  const hot = kernel.perCpu.address('pcpu_hot', cpu);
  return hot === undefined ? undefined : kernel.struct('pcpu_hot', hot).at(name);
}

function exceptionStacks(kernel: Kernel, cpu: number): Stack[] {
  const symbol = kernel.perCpu.address('cea_exception_stacks', cpu);
  if (symbol === undefined) return originalExceptionStacks(kernel, cpu);
  const base = kernel.memory.pointer(symbol);
  const type = kernel.types.struct('cea_exception_stacks');
  return Object.entries(exceptionNames).flatMap(([short, name]): Stack[] => {
    const member = memberOf(type, `${short}_stack`);
    if (member === undefined) return [];
    const size = sizeOf(member.type);
    return [{ kind: 'exception', name: `${name} exception`, cpu, base: addVirt(base, member.offset), size }];
  });
}

/** In the order of the interrupt stack table since 6f442be2fb22 (v3.18) and before 3207426925d2 (v5.2). */
const originalOrder = ['DF', 'NMI', 'DB', 'MCE'];
const LARGEST_EXCEPTION_STACK = 1 << 16;

/**
 * From orig_ist.ist[], the top of each: they stand side by side, so that all but the first stack's size (4096, DEBUG's
 * twice that, all doubled by KASAN) can be seen; the first is like the second.
 */
function originalExceptionStacks(kernel: Kernel, cpu: number): Stack[] {
  const symbol = kernel.perCpu.address('orig_ist', cpu);
  if (symbol === undefined) return [];
  const tops = originalOrder.map((_, index) => kernel.memory.pointer(addVirt(symbol, index * 8)));
  const sizes = tops.map((top, index) => Number(top - (tops[index - 1] ?? 0n)));
  sizes[0] = sizes[1] ?? 0;
  if (!sizes.every((size) => size > 0 && size <= LARGEST_EXCEPTION_STACK && size % PAGE_SIZE === 0)) return [];
  return tops.map((top, index) => {
    const size = sizes[index] ?? 0;
    const name = `${exceptionNames[originalOrder[index] ?? ''] ?? ''} exception`;
    return { kind: 'exception', name, cpu, base: addVirt(top, -size), size };
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
  const type = kernel.types.struct('cpu_entry_area');
  const stacks = kernel.perCpu.address('cea_exception_stacks', cpu);
  const member = memberOf(type, stacks === undefined ? 'exception_stacks' : 'estacks');
  const first = stacks === undefined ? originalExceptionStacks(kernel, cpu)[0]?.base : kernel.memory.pointer(stacks);
  return first === undefined || member === undefined ? undefined : addVirt(first, -member.offset);
}
