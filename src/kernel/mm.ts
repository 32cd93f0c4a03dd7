/**
 * Address spaces of processes: kernel include/linux/mm_types.h.
 *
 * Probes: `rss_stat` as percpu_counter[] (f1a7941243c1, v6.2), or as counts, to which each thread adds what it has
 * not handed over yet (SPLIT_RSS_COUNTING).
 */

import { PAGE_SIZE, physAddr, virtAddr, addVirt, type VirtAddr } from '../base/addr.ts';
import { attempt, FormatError, LookupError } from '../base/errors.ts';
import { START_KERNEL_MAP } from '../arch/x86-64/layout.ts';
import { strip } from '../debuginfo/types/type.ts';
import { AddressSpace } from '../memory/address-space.ts';
import { memberOf, type StructView } from '../values/struct-view.ts';
import { readCpus } from './cpus.ts';
import type { Kernel } from './kernel.ts';
import { readMemorySize } from './system.ts';
import type { Task } from './tasks.ts';

/** File pages, anonymous pages, shared-memory pages: MM_FILEPAGES, MM_ANONPAGES, MM_SHMEMPAGES; swap is not resident. */
const residentCounters = ['MM_FILEPAGES', 'MM_ANONPAGES', 'MM_SHMEMPAGES'];
const defaultIndices = [0, 1, 3];

/** Pages of a process that are in memory. Threads of one process share it. */
export function residentPages(kernel: Kernel, task: Task, threads: readonly Task[]): number {
  const mm = kernel.struct('mm_struct', task.mm);
  const indices = residentCounters.map((name, position) =>
    Number(kernel.types.enumerator(name)?.value ?? defaultIndices[position] ?? 0),
  );
  let total = 0;
  for (const index of indices) total += counter(kernel, mm, index);
  for (const thread of threads) {
    if (!thread.view.has('rss_stat.count')) break;
    for (const index of indices) total += thread.view.number(`rss_stat.count[${index}]`);
  }
  const most = (attempt(() => readMemorySize(kernel)) ?? Infinity) / PAGE_SIZE;
  if (total > most) throw new FormatError('mm_struct', `${total} resident pages are more than there are`);
  return Math.max(0, total);
}

function counter(kernel: Kernel, mm: StructView, index: number): number {
  if (mm.has('rss_stat.count')) return Number(mm.integer(`rss_stat.count[${index}].counter`));
  const member = memberOf(mm.type, `rss_stat[${index}]`);
  const type = member && strip(member.type);
  if (member === undefined || type === undefined || type.kind !== 'struct')
    throw new LookupError('member', 'mm_struct.rss_stat');
  const at = addVirt(mm.address, member.offset);
  return percpuCounter(kernel, kernel.struct('percpu_counter', at));
}

/** The count and what each CPU has not added to it yet: include/linux/percpu_counter.h. */
function percpuCounter(kernel: Kernel, view: StructView): number {
  let total = view.integer('count');
  const counters = view.pointer('counters');
  if (counters !== 0n) {
    for (const cpu of readCpus(kernel).possible) {
      total += BigInt(kernel.memory.s32(kernel.perCpu.at(counters, cpu)));
    }
  }
  return Number(total);
}

/** The process's own address space. Throws LookupError for a kernel thread. */
export function userSpace(kernel: Kernel, task: Task): AddressSpace {
  if (task.mm === 0n) throw new LookupError('user address space', `PID ${task.pid} is a kernel thread`);
  const pgd = kernel.struct('mm_struct', task.mm).pointer('pgd');
  const root = physAddr(kernel.memory.translate(pgd));
  const tables = kernel.target.architecture.pageTables(kernel.target.physical, { ...kernel.target.load.paging, root });
  return new AddressSpace('user virtual', kernel.target.physical, tables);
}

/** The top table of the kernel's own address space, as a virtual address of its image. */
export function kernelRoot(kernel: Kernel): VirtAddr {
  const { root } = kernel.target.load.paging;
  return addVirt(START_KERNEL_MAP, BigInt(root) - kernel.target.load.physBase);
}

/** Where user space ends: bit 47 or 56, by the paging mode. */
export function userSpaceEnd(kernel: Kernel): VirtAddr {
  return virtAddr(kernel.target.load.paging.levels === 5 ? 1n << 56n : 1n << 47n);
}

export function isUserAddress(kernel: Kernel, address: VirtAddr): boolean {
  return address < userSpaceEnd(kernel);
}
