/** What the machine and its kernel were: names, load, memory. */

import { addVirt, virtAddr } from '../base/addr.ts';
import { LookupError } from '../base/errors.ts';
import { memberOf } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';

export interface SystemNames {
  readonly nodename: string;
  readonly release: string;
  readonly version: string;
  readonly machine: string;
}

/** struct new_utsname of init_uts_ns: include/linux/utsname.h. */
export function readNames(kernel: Kernel): SystemNames {
  const type = kernel.types.struct('uts_namespace');
  const member = memberOf(type, 'name');
  if (member === undefined) throw new LookupError('member', 'uts_namespace.name');
  const names = kernel.struct('new_utsname', addVirt(kernel.symbol('init_uts_ns'), member.offset));
  return {
    nodename: names.string('nodename'),
    release: names.string('release'),
    version: names.string('version'),
    machine: names.string('machine'),
  };
}

const FIXED_POINT = 2048;

/** avenrun, over 1, 5 and 15 minutes: kernel/sched/loadavg.c. */
export function readLoadAverage(kernel: Kernel): number[] {
  const address = kernel.symbol('avenrun');
  return [0, 1, 2].map((index) => Number(kernel.memory.u64(addVirt(address, index * 8))) / FIXED_POINT);
}

const MOST_NODES = 1024;

/** Memory the kernel manages, in bytes: the present pages of every node. */
export function readMemorySize(kernel: Kernel): number {
  const nodes = kernel.addressOf('node_data');
  if (nodes === undefined) return presentBytes(kernel, kernel.symbol('contig_page_data'));
  const count = Math.min(kernel.memory.u32(kernel.symbol('nr_node_ids')), MOST_NODES);
  let total = 0;
  for (let node = 0; node < count; node++) {
    const data = kernel.memory.pointer(addVirt(nodes, node * 8));
    if (data !== 0n) total += presentBytes(kernel, data);
  }
  return total;
}

function presentBytes(kernel: Kernel, node: bigint): number {
  return kernel.struct('pglist_data', virtAddr(node)).number('node_present_pages') * 4096;
}

/** In MHz; x86's cpu_khz. */
export function readProcessorSpeed(kernel: Kernel): number {
  return Math.floor(kernel.memory.u32(kernel.symbol('cpu_khz')) / 1000);
}

/** Bits of include/linux/panic.h, TAINT_*. */
export function readTaint(kernel: Kernel): bigint {
  return kernel.memory.u64(kernel.symbol('tainted_mask'));
}
