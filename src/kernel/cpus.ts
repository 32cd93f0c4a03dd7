/** Which processors there are: kernel include/linux/cpumask.h, kernel/cpu.c. */

import type { VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Kernel } from './kernel.ts';

const MOST_CPUS = 8192;

export interface CpuSets {
  readonly possible: readonly number[];
  readonly present: readonly number[];
  /** After a panic only the CPU that panicked is left in it. */
  readonly online: readonly number[];
}

export function readCpus(kernel: Kernel): CpuSets {
  const possible = readMask(kernel, '__cpu_possible_mask');
  const present = readMask(kernel, '__cpu_present_mask');
  const online = readMask(kernel, '__cpu_online_mask');
  const some =
    [present, possible, online].find((set) => set.length > 0) ?? kernel.target.image.cpus.map((_, cpu) => cpu);
  return {
    possible: possible.length > 0 ? possible : some,
    present: present.length > 0 ? present : some,
    online,
  };
}

/** The CPUs set in a `struct cpumask` symbol; empty where it cannot be read. */
function readMask(kernel: Kernel, name: string): number[] {
  const address = kernel.addressOf(name);
  const count = Math.min(attempt(() => kernel.memory.u32(kernel.symbol('nr_cpu_ids'))) ?? 64, MOST_CPUS);
  const bytes = address && attempt(() => kernel.memory.bytes(address, Math.ceil(count / 64) * 8));
  return bytes ? setBits(bytes, count) : [];
}

function setBits(bytes: Uint8Array, count: number): number[] {
  const set: number[] = [];
  for (let bit = 0; bit < count; bit++) if ((((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1) set.push(bit);
  return set;
}

/**
 * The task a CPU was running: `current`. Probes: current_task (7.x and up to 6.1), pcpu_hot, whose first member it is
 * (d7b6d709a76a, v6.2), the run queue's curr.
 */
export function currentTask(kernel: Kernel, cpu: number): VirtAddr | undefined {
  const ways: (() => VirtAddr | undefined)[] = [
    () => perCpuPointer(kernel, 'current_task', cpu),
    () => perCpuPointer(kernel, 'pcpu_hot', cpu),
    () => runQueuePointer(kernel, cpu, 'curr'),
  ];
  for (const way of ways) {
    const task = attempt(way);
    if (task !== undefined && task !== 0n) return task;
  }
  return undefined;
}

/** The idle task of a CPU. */
export function idleTask(kernel: Kernel, cpu: number): VirtAddr | undefined {
  return attempt(() => runQueuePointer(kernel, cpu, 'idle'));
}

function runQueuePointer(kernel: Kernel, cpu: number, member: 'curr' | 'idle'): VirtAddr | undefined {
  const address = kernel.perCpu.address('runqueues', cpu);
  return address === undefined ? undefined : kernel.struct('rq', address).pointer(member);
}

function perCpuPointer(kernel: Kernel, symbol: string, cpu: number): VirtAddr | undefined {
  const address = kernel.perCpu.address(symbol, cpu);
  return address === undefined ? undefined : kernel.memory.pointer(address);
}
