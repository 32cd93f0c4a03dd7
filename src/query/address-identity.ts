/**
 * What an address is: the answer to `kmem ADDRESS`. Several things can be true at once (a task_struct is a slab object,
 * a module's code is in a vmalloc area); each is told, what says most first.
 */

import { PAGE_SIZE, virtAddr, type VirtAddr } from '../base/addr.ts';
import { available, isUnavailable } from '../base/available.ts';
import { attempt } from '../base/errors.ts';
import { fixedRegions } from '../arch/x86-64/layout.ts';
import { freeBlockOf } from '../kernel/free-pages.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { isUserAddress, userSpace } from '../kernel/mm.ts';
import { pageUseOf } from '../kernel/page-flags.ts';
import { pagesOf } from '../kernel/pages.ts';
import { perCpuInstances, perCpuPlaceAt } from '../kernel/per-cpu-area.ts';
import { slabAt, slabObjectAt, slabOfPage } from '../kernel/slab.ts';
import { stacksOf, type Stack } from '../kernel/stacks.ts';
import { readTasks, type Task } from '../kernel/tasks.ts';
import { vmallocAreaAt } from '../kernel/vmalloc.ts';
import { mappedAreaAt } from '../kernel/vma.ts';
import type { AddressPart, PagePart, StackPart } from './address-part.ts';
import { findCrashTask, type CrashTask } from './crash-task.ts';
import { readPageState } from './page-state.ts';
import { slabReport } from './slab-report.ts';
import { placeInObject } from './word-label.ts';
import { symbolAt } from './symbol-lookup.ts';
import { taskInfo } from './task-info.ts';

export type { AddressPart } from './address-part.ts';

export interface AddressIdentity {
  readonly type: 'address';
  readonly address: VirtAddr;
  /** Never empty. */
  readonly parts: readonly AddressPart[];
}

/** What the caller knows already, or wants other than by default. */
export interface IdentityContext {
  readonly tasks?: readonly Task[];
  readonly crash?: CrashTask;
  /** Whose user addresses are meant: the task that crashed unless told. */
  readonly current?: Task;
  /** The symbol the address was named by. */
  readonly symbol?: string;
}

/** What an address is. Reads freelists of the one slab and cache it may be in. */
export function identifyAddress(kernel: Kernel, address: VirtAddr, context: IdentityContext = {}): AddressIdentity {
  const parts = isUserAddress(kernel, address)
    ? userParts(kernel, address, context)
    : kernelParts(kernel, address, context);
  const whyNot = parts.length === 0 ? whyUnknown(kernel, address) : undefined;
  return { type: 'address', address, parts: whyNot === undefined ? parts : [{ kind: 'unknown', why: whyNot }] };
}

function kernelParts(kernel: Kernel, address: VirtAddr, context: IdentityContext): AddressPart[] {
  return [
    ...symbolParts(kernel, address, context.symbol),
    ...perCpuParts(kernel, address),
    ...taskParts(kernel, address, context),
    ...pageStructParts(kernel, address),
    ...slabParts(kernel, address),
    ...vmallocParts(kernel, address),
    ...regionParts(address),
    ...pageParts(kernel, address),
  ];
}

function symbolParts(kernel: Kernel, address: VirtAddr, name: string | undefined): AddressPart[] {
  const parts: AddressPart[] = [];
  const text = kernel.symbols.isText(address);
  const symbol = attempt(() => symbolAt(kernel, address, name))?.symbols[0];
  if (symbol !== undefined) parts.push({ kind: 'symbol', symbol, text });
  else if (kernel.symbols.isImage(address)) parts.push({ kind: 'image', text });
  const module = kernel.symbols.isImage(address) ? undefined : kernel.modules().at(address);
  const region = module?.regionAt(address);
  if (module !== undefined && region !== undefined) {
    const end = virtAddr(region.base + BigInt(region.size));
    const { name, address: at } = module;
    parts.push({ kind: 'module', name, module: at, region: region.kind, start: region.base, end });
  }
  return parts;
}

function perCpuParts(kernel: Kernel, address: VirtAddr): AddressPart[] {
  const place = perCpuPlaceAt(kernel, address);
  if (place !== undefined) return [{ kind: 'per-cpu', ...place }];
  const pointer = perCpuInstances(kernel, address);
  return pointer === undefined ? [] : [{ kind: 'per-cpu-pointer', ...pointer }];
}

function taskParts(kernel: Kernel, address: VirtAddr, context: IdentityContext): AddressPart[] {
  const size = BigInt(kernel.types.compound('struct', 'task_struct')?.size ?? 0);
  const stacks = attempt(() => stacksOf(kernel));
  const tasks = context.tasks ?? attempt(() => readTasks(kernel).tasks) ?? [];
  const info = (task: Task): ReturnType<typeof taskInfo> | undefined =>
    attempt(() => taskInfo(task, context.crash ?? findCrashTask(kernel)));
  const holder = taskHolding(kernel, tasks, address, size);
  const holderInfo = holder && info(holder);
  if (holder !== undefined && holderInfo !== undefined)
    return [{ kind: 'task', task: holderInfo, offset: Number(address - holder.address) }];
  for (const task of tasks) {
    const stack = stacks && attempt(() => stacks.ofTask(task));
    if (stack !== undefined && address >= stack.base && address < stack.base + BigInt(stack.size))
      return [stackPart(stack, info(task))];
  }
  const stack = stacks?.ofCpuAt(address);
  return stack === undefined ? [] : [stackPart(stack, undefined)];
}

/** The kernel allocates less than the type's size: what lies behind (registers of the FPU) depends on the processor. */
function taskHolding(kernel: Kernel, tasks: readonly Task[], address: VirtAddr, size: bigint): Task | undefined {
  let nearest: Task | undefined;
  for (const task of tasks) {
    const within = address >= task.address && address < task.address + size;
    if (within && (nearest === undefined || task.address > nearest.address)) nearest = task;
  }
  const object = nearest && slabObjectAt(kernel, address);
  return object === undefined || object.object === nearest?.address ? nearest : undefined;
}

function stackPart({ kind, name, cpu, base, size }: Stack, task: StackPart['task']): StackPart {
  return { kind: 'stack', stack: kind, name, cpu, start: base, end: virtAddr(base + BigInt(size)), task };
}

/** A struct page; where it is a slab's, the slab, with all of its objects at its head page. */
function pageStructParts(kernel: Kernel, address: VirtAddr): AddressPart[] {
  const pages = pagesOf(kernel);
  const frame = pages.frameOfPage(address);
  if (frame === undefined) return [];
  const page = pages.pageOf(frame);
  const slab = slabOfPage(kernel, page);
  const parts: AddressPart[] = [{ kind: 'page-struct', page, frame, offset: Number(address - page) }];
  if (slab !== undefined) {
    const report = attempt(() => slabReport(kernel, slab, slab.address === page ? 'all' : 'none'));
    if (report !== undefined)
      parts.push({ kind: 'slab', slab: report, offset: undefined, place: undefined, behind: false });
  }
  return parts;
}

function slabParts(kernel: Kernel, address: VirtAddr): AddressPart[] {
  const slab = slabAt(kernel, address);
  if (slab === undefined) return [];
  const object = slabObjectAt(kernel, address);
  const report = attempt(() => slabReport(kernel, slab, object ?? 'none'));
  return report === undefined
    ? []
    : [
        {
          kind: 'slab',
          slab: report,
          offset: object?.offset,
          place: object && attempt(() => placeInObject(kernel, object)),
          behind: object === undefined,
        },
      ];
}

function vmallocParts(kernel: Kernel, address: VirtAddr): AddressPart[] {
  const area = attempt(() => vmallocAreaAt(kernel, address));
  if (area === undefined) return [];
  const callerName = area.caller && kernel.symbols.label(area.caller);
  return [{ kind: 'vmalloc', ...area, callerName }];
}

function regionParts(address: VirtAddr): AddressPart[] {
  const region = fixedRegions.find(({ start, end }) => address >= start && address < end);
  return region === undefined ? [] : [{ kind: 'region', name: region.name }];
}

/** The page behind a kernel address: by the direct map, the struct page it is in, or the page tables. */
function pageParts(kernel: Kernel, address: VirtAddr): AddressPart[] {
  const pages = pagesOf(kernel);
  const direct = pages.frameOf(address);
  if (direct !== undefined) return [pagePart(kernel, direct, 'direct-map')];
  const described = pages.frameOfPage(address);
  if (described !== undefined) return [pagePart(kernel, described, 'page-struct')];
  const physical = attempt(() => kernel.memory.translate(address));
  return physical === undefined ? [] : [pagePart(kernel, Math.floor(physical / PAGE_SIZE), 'page-tables')];
}

function pagePart(kernel: Kernel, frame: number, by: PagePart['by']): PagePart {
  const pages = pagesOf(kernel);
  const page = attempt(() => pages.pageOf(frame));
  const head = page && attempt(() => pages.headOf(page));
  const block = freeBlockOf(kernel, frame);
  return {
    kind: 'page',
    by,
    frame,
    state:
      frame < pages.frames
        ? available(() => readPageState(kernel, frame * PAGE_SIZE))
        : { unavailable: "it is no memory of this machine; perhaps a device's registers" },
    use: page && attempt(() => pageUseOf(kernel).typeOf(page)),
    head: head === page ? undefined : head,
    free: block && {
      page: pages.pageOf(block.frame),
      position: frame - block.frame + 1,
      pages: 2 ** block.order,
    },
  };
}

/** A user address is one of a task; the same number may be a physical address. */
function userParts(kernel: Kernel, address: VirtAddr, context: IdentityContext): AddressPart[] {
  const parts: AddressPart[] = perCpuParts(kernel, address);
  const task = context.current ?? context.crash?.task ?? attempt(() => findCrashTask(kernel).task);
  if (task !== undefined && attempt(() => task.mm) !== 0n) {
    const area = available(() => mappedAreaAt(kernel, task, address));
    const pid = attempt(() => task.pid) ?? 0;
    if (isUnavailable(area) || area !== undefined)
      parts.push({ kind: 'user', pid, command: attempt(() => task.comm) ?? '?', area });
    const mapped = attempt(() => userSpace(kernel, task).translate(address));
    if (mapped !== undefined) parts.push(pagePart(kernel, Math.floor(mapped / PAGE_SIZE), 'user-page-tables'));
  }
  const frame = Number(address >> 12n);
  const physical = pagePart(kernel, frame, 'physical-address');
  if (frame < pagesOf(kernel).frames && !isUnavailable(physical.state)) parts.push(physical);
  return parts;
}

function whyUnknown(kernel: Kernel, address: VirtAddr): string {
  if (isUserAddress(kernel, address))
    return 'neither mapped by the current task nor a physical address of this machine';
  const { levels } = kernel.target.load.paging;
  const top = BigInt.asIntN(64, address) >> (levels === 5 ? 56n : 47n);
  if (top !== 0n && top !== -1n) return 'no address at all: its upper bits are neither all set nor all clear';
  const reason = available(() => kernel.memory.translate(address));
  return isUnavailable(reason) ? reason.unavailable : 'nothing is known of it';
}
