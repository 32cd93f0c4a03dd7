/** From a virtual address to the physical one, with every page-table entry on the way: the answer to `vtop`. */

import type { VirtAddr } from '../base/addr.ts';
import { available, type Available } from '../base/available.ts';
import type { PageWalk } from '../arch/architecture.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { kernelRoot, userSpace } from '../kernel/mm.ts';
import type { Task } from '../kernel/tasks.ts';
import { readPageState, type PageState } from './page-state.ts';

export interface Translation {
  readonly type: 'translation';
  readonly address: VirtAddr;
  readonly user: boolean;
  /** Of the top table: of the kernel's own address space; for a user address its physical address. */
  readonly root: VirtAddr | undefined;
  readonly walk: PageWalk;
  readonly page: Available<PageState>;
}

export function translateKernel(kernel: Kernel, address: VirtAddr): Translation {
  const walk = kernel.memory.walk(address);
  return { type: 'translation', address, user: false, root: kernelRoot(kernel), walk, page: pageState(kernel, walk) };
}

export function translateUser(kernel: Kernel, task: Task, address: VirtAddr): Translation {
  const walk = userSpace(kernel, task).walk(address);
  return { type: 'translation', address, user: true, root: undefined, walk, page: pageState(kernel, walk) };
}

function pageState(kernel: Kernel, walk: PageWalk): Available<PageState> {
  const { physicalAddress } = walk;
  if (physicalAddress === undefined) return { unavailable: 'the address is not mapped' };
  return available(() => readPageState(kernel, physicalAddress));
}
