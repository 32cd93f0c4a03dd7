/**
 * The mapping of a process that an address is in: kernel include/linux/mm_types.h.
 *
 * Probes: `mm_struct.mm_mt`, a maple tree (d4af56c5c7c6, v6.1); before, a red-black tree at `mm_rb`.
 */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { containerOf, offsetOf } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';
import { mapleEntry } from './maple-tree.ts';
import { rbFind } from './rbtree.ts';
import type { Task } from './tasks.ts';

export interface MappedArea {
  /** struct vm_area_struct. */
  readonly area: VirtAddr;
  readonly start: VirtAddr;
  readonly end: VirtAddr;
  /** vm_flags. */
  readonly flags: bigint | undefined;
  /** struct file; undefined where it is anonymous. */
  readonly file: VirtAddr | undefined;
  /** The last part of the file's path. */
  readonly fileName: string | undefined;
}

/** The mapping that holds a user address; undefined where there is none. Throws where the tree cannot be read. */
export function mappedAreaAt(kernel: Kernel, task: Task, address: VirtAddr): MappedArea | undefined {
  if (task.mm === 0n) return undefined;
  const mm = kernel.struct('mm_struct', task.mm);
  const area = mm.has('mm_mt') ? mapleEntry(kernel, mm.at('mm_mt'), address) : inTree(kernel, mm.at('mm_rb'), address);
  if (area === undefined) return undefined;
  const view = kernel.struct('vm_area_struct', area);
  const [start, end] = [view.pointer('vm_start'), view.pointer('vm_end')];
  if (address < start || address >= end) return undefined;
  const file = attempt(() => view.pointer('vm_file'));
  return {
    area,
    start,
    end,
    flags: attempt(() => view.integer('vm_flags')),
    file: file === 0n ? undefined : file,
    fileName: file === undefined || file === 0n ? undefined : attempt(() => fileName(kernel, file)),
  };
}

function fileName(kernel: Kernel, file: VirtAddr): string | undefined {
  return kernel.struct('file', file).view('f_path').follow('dentry')?.string('d_name.name', 256);
}

function inTree(kernel: Kernel, root: VirtAddr, address: VirtAddr): VirtAddr | undefined {
  const type = kernel.types.struct('vm_area_struct');
  const [start, end, node] = [offsetOf(type, 'vm_start'), offsetOf(type, 'vm_end'), offsetOf(type, 'vm_rb')];
  const found = rbFind(kernel.memory, root, (at) => {
    if (address < kernel.memory.pointer(addVirt(at, start - node))) return -1;
    return address < kernel.memory.pointer(addVirt(at, end - node)) ? 0 : 1;
  });
  return found && containerOf(found, type, 'vm_rb');
}
