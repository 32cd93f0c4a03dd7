/** Which processors there are: kernel include/linux/cpumask.h, kernel/cpu.c. */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { once } from '../base/search.ts';
import { KERNEL_SPACE } from '../arch/x86-64/layout.ts';
import { attempt } from '../base/errors.ts';
import type { Kernel } from './kernel.ts';

const MOST_CPUS = 8192;

export interface CpuSets {
  readonly possible: readonly number[];
  readonly present: readonly number[];
  /** After a panic only the CPU that panicked is left in it. */
  readonly online: readonly number[];
}

interface Remembered {
  readonly sets: () => CpuSets;
  readonly current: Map<number, VirtAddr | undefined>;
}

/** What was read of a kernel once: every stack asks for it. */
const remembered = new WeakMap<Kernel, Remembered>();

function rememberedOf(kernel: Kernel): Remembered {
  let known = remembered.get(kernel);
  if (known === undefined) {
    known = { sets: once(() => readSets(kernel)), current: new Map() };
    remembered.set(kernel, known);
  }
  return known;
}

export function readCpus(kernel: Kernel): CpuSets {
  return rememberedOf(kernel).sets();
}

function readSets(kernel: Kernel): CpuSets {
  const possible = withAreas(kernel, readMask(kernel, '__cpu_possible_mask'));
  const present = withAreas(kernel, readMask(kernel, '__cpu_present_mask'));
  const online = withAreas(kernel, readMask(kernel, '__cpu_online_mask'));
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
  const bits = (kernel.types.compound('struct', 'cpumask')?.size ?? 8) * 8;
  const count = Math.min(attempt(() => kernel.memory.u32(kernel.symbol('nr_cpu_ids'))) ?? bits, bits, MOST_CPUS);
  const bytes = address && attempt(() => kernel.memory.bytes(address, Math.ceil(count / 64) * 8));
  return bytes ? setBits(bytes, count) : [];
}

/**
 * Those that have a per-CPU area of their own, as every possible CPU has; the entries of all others in
 * __per_cpu_offset are what they were at boot. An overwritten mask would else make thousands of CPUs of two.
 */
function withAreas(kernel: Kernel, cpus: readonly number[]): readonly number[] {
  const table = kernel.addressOf('__per_cpu_offset');
  if (table === undefined) return cpus;
  const offsets = cpus.map((cpu) => attempt(() => kernel.memory.u64(addVirt(table, cpu * 8))));
  if (offsets.includes(undefined)) return cpus;
  const users = new Map<bigint | undefined, number>();
  for (const offset of offsets) users.set(offset, (users.get(offset) ?? 0) + 1);
  const own = cpus.filter((_, index) => users.get(offsets[index]) === 1);
  return own.length > 0 ? own : cpus;
}

function setBits(bytes: Uint8Array, count: number): number[] {
  const set: number[] = [];
  for (let bit = 0; bit < count; bit++) if ((((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1) set.push(bit);
  return set;
}

/**
 * The task a CPU was running: `current`. Probes: current_task (7.x and up to 6.1), pcpu_hot, whose first member it is
 * (6.2 to 6.14: d7b6d709a76a), the run queue's curr. Undefined where none of them can be read.
 */
export function currentTask(kernel: Kernel, cpu: number): VirtAddr | undefined {
  const { current } = rememberedOf(kernel);
  if (!current.has(cpu)) current.set(cpu, readCurrentTask(kernel, cpu));
  return current.get(cpu);
}

function readCurrentTask(kernel: Kernel, cpu: number): VirtAddr | undefined {
  const ways: (() => VirtAddr | undefined)[] = [
    () => perCpuPointer(kernel, 'current_task', cpu),
    () => perCpuPointer(kernel, 'pcpu_hot', cpu),
    () => runQueuePointer(kernel, cpu, 'curr'),
  ];
  for (const way of ways) {
    const task = attempt(way);
    if (task !== undefined && task >= KERNEL_SPACE) return task;
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
