/**
 * Where the kernel image is in a dump, when there is no vmlinux to compare with: by page tables that somebody names
 * (VMCOREINFO, a CPU's CR3), which must map an image. What is found there has to prove the rest: load-address.ts says
 * how.
 */

import { physAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { PagingMode } from '../arch/architecture.ts';
import { START_KERNEL_MAP } from '../arch/x86-64/layout.ts';
import type { DumpImage } from '../formats/dump-image.ts';
import type { VmcoreInfo } from '../formats/vmcoreinfo.ts';
import { AddressSpace } from '../memory/address-space.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { imageRange, processorRoots, rootSymbols, type ImageRange } from './image-mapping.ts';
import { scanForVmcoreInfo } from './vmcoreinfo-scan.ts';

export interface ImagePlace extends ImageRange {
  readonly memory: AddressSpace;
  readonly paging: PagingMode;
  /** Who named the page tables, for people. */
  readonly origin: string;
  readonly vmcoreinfo: VmcoreInfo | undefined;
}

interface NamedRoot {
  /** Physical. */
  readonly root: number;
  /** As who named it says; undefined where it does not. */
  readonly levels: number | undefined;
  readonly physBase: bigint | undefined;
  readonly origin: string;
  readonly vmcoreinfo: VmcoreInfo | undefined;
}

/** Every place that page tables lead to, the likeliest first; the dump is searched only when the others were refused. */
export function* imagePlaces(physical: PhysicalMemory): Generator<ImagePlace> {
  for (const named of namedRoots(physical)) {
    const encryptionMask = named.vmcoreinfo?.number('sme_mask') ?? 0n;
    for (const levels of named.levels === undefined ? [5, 4] : [named.levels]) {
      const paging = { root: physAddr(named.root), levels, encryptionMask };
      const tables = physical.image.architecture.pageTables(physical, paging);
      const range = attempt(() => imageRange(tables));
      if (range === undefined || (named.physBase !== undefined && named.physBase !== range.physBase)) continue;
      const memory = new AddressSpace('kernel virtual', physical, tables);
      yield { ...range, memory, paging, origin: named.origin, vmcoreinfo: named.vmcoreinfo };
    }
  }
}

function* namedRoots(physical: PhysicalMemory): Generator<NamedRoot> {
  const { image } = physical;
  if (image.vmcoreinfo !== undefined) yield* rootsIn(image.vmcoreinfo, image, 'VMCOREINFO');
  for (const { root, levels } of processorRoots(image)) {
    const origin = 'page tables of a CPU (CR3)';
    yield { root, levels, physBase: undefined, origin, vmcoreinfo: image.vmcoreinfo };
  }
  for (const info of scanForVmcoreInfo(image)) yield* rootsIn(info, image, 'VMCOREINFO text found in memory');
}

function* rootsIn(info: VmcoreInfo, image: DumpImage, origin: string): Generator<NamedRoot> {
  const physBase = info.number('phys_base') ?? image.physBase;
  if (physBase === undefined) return;
  const fiveLevels = info.number('pgtable_l5_enabled');
  const levels = fiveLevels === undefined ? undefined : fiveLevels === 0n ? 4 : 5;
  for (const symbol of rootSymbols) {
    const address = info.symbol(symbol);
    const root = address === undefined ? -1 : Number(address - START_KERNEL_MAP + physBase);
    if (Number.isSafeInteger(root) && root >= 0) yield { root, levels, physBase, origin, vmcoreinfo: info };
  }
}
