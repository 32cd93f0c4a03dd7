/**
 * Areas of vmalloc space: kernel include/linux/vmalloc.h, mm/vmalloc.c.
 *
 * Probes: a tree of areas in each of `vmap_nodes` (d093602919ad, v6.9), or one at `vmap_area_root`; `vm` of an area
 * (688fcbfc06e4, v5.4, shares its place with what free areas need).
 */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { containerOf, offsetOf } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';
import { rbFind } from './rbtree.ts';

export interface VmallocArea {
  /** struct vmap_area. */
  readonly area: VirtAddr;
  readonly start: VirtAddr;
  readonly end: VirtAddr;
  /** struct vm_struct; undefined where the area has none (vm_map_ram()). */
  readonly vm: VirtAddr | undefined;
  /** vm_struct.flags, VM_*. */
  readonly flags: bigint | undefined;
  /** Where in the kernel it was asked for. */
  readonly caller: VirtAddr | undefined;
  /** How many pages were allocated for it; 0 where it maps something else. */
  readonly pages: number | undefined;
  /** What it maps, where that is one contiguous piece (ioremap()). */
  readonly physical: bigint | undefined;
}

const MOST_NODES = 1 << 16;

/** The area in use that holds an address; undefined where there is none. Throws where the trees cannot be read. */
export function vmallocAreaAt(kernel: Kernel, address: VirtAddr): VmallocArea | undefined {
  for (const root of roots(kernel, address)) {
    const found = findIn(kernel, root, address);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The roots of the trees that may have it, the likeliest first. */
function* roots(kernel: Kernel, address: VirtAddr): Generator<VirtAddr> {
  const { memory, types } = kernel;
  const nodes = kernel.addressOf('vmap_nodes');
  const type = types.compound('struct', 'vmap_node');
  if (nodes === undefined || type === undefined) {
    yield kernel.symbol('vmap_area_root');
    return;
  }
  const first = memory.pointer(nodes);
  const count = Math.min(memory.u32(kernel.symbol('nr_vmap_nodes')), MOST_NODES);
  const zone = kernel.addressOf('vmap_zone_size');
  const zoneSize = zone === undefined ? 0n : memory.u64(zone);
  // An area is kept where it begins; it may reach into the next zone.
  const begin = zoneSize === 0n || count === 0 ? 0 : Number((address / zoneSize) % BigInt(count));
  const root = offsetOf(type, 'busy.root');
  for (let step = 0; step < count; step++) {
    yield addVirt(first, ((begin + count - step) % count) * type.size + root);
  }
}

function findIn(kernel: Kernel, root: VirtAddr, address: VirtAddr): VmallocArea | undefined {
  const { memory, types } = kernel;
  const type = types.struct('vmap_area');
  const [start, end, node] = ['va_start', 'va_end', 'rb_node'].map((member) => offsetOf(type, member));
  if (start === undefined || end === undefined || node === undefined) return undefined;
  const found = rbFind(memory, root, (at) => {
    if (address < memory.pointer(addVirt(at, start - node))) return -1;
    return address < memory.pointer(addVirt(at, end - node)) ? 0 : 1;
  });
  return found && readArea(kernel, containerOf(found, type, 'rb_node'));
}

function readArea(kernel: Kernel, area: VirtAddr): VmallocArea {
  const view = kernel.struct('vmap_area', area);
  const pointer = attempt(() => view.pointer(view.pick('vm', 'private')));
  const vm = pointer === undefined || pointer === 0n ? undefined : kernel.struct('vm_struct', pointer);
  const physical = vm && attempt(() => vm.integer('phys_addr'));
  return {
    area,
    start: view.pointer('va_start'),
    end: view.pointer('va_end'),
    vm: vm?.address,
    flags: vm && attempt(() => vm.integer('flags')),
    caller: vm && attempt(() => vm.pointer('caller')),
    pages: vm && attempt(() => vm.number('nr_pages')),
    physical: physical === 0n ? undefined : physical,
  };
}
