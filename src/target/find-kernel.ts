/**
 * What describes the kernel of a dump: the vmlinux that the user names, else one that is found, else the dump's own
 * memory. A file that is named must fit; where none is named, none is needed.
 */

import { attempt, OpenError } from '../base/errors.ts';
import type { Host } from '../base/host.ts';
import { once } from '../base/search.ts';
import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import type { DumpImage } from '../formats/dump-image.ts';
import { VmcoreInfo } from '../formats/vmcoreinfo.ts';
import { AddressSpace } from '../memory/address-space.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { completedByMemory } from './completed-image.ts';
import { alternateProblem } from './alternate-file.ts';
import { findVmlinux, openElf } from './find-vmlinux.ts';
import type { KernelImage } from './kernel-image.ts';
import { findLoadAddress, type LoadAddress } from './load-address.ts';
import { findMemoryImage, type FoundImage } from './memory-image.ts';
import { howToGetDebugInfo, missingVmlinuxText } from './missing-vmlinux.ts';
import type { WantedKernel } from './vmlinux-places.ts';
import { Vmlinux } from './vmlinux.ts';

export interface FoundKernel {
  readonly vmlinux: KernelImage;
  readonly load: LoadAddress;
  readonly warnings: readonly string[];
}

export interface KernelChoice {
  /** Undefined: found by build-id. */
  readonly vmlinux: string | undefined;
  /** False: no file is looked for, of modules neither; the kernel is read from the dump alone. */
  readonly lookForFiles?: boolean;
  /** Folders to look for debug information in, before the usual ones. */
  readonly debugFolders: readonly string[];
}

/**
 * @throws OpenError where the named file does not fit, or nothing describes the kernel; NeedResource where a file has to
 *   be unpacked or fetched first
 */
export function findKernel(host: Host, physical: PhysicalMemory, choice: KernelChoice): FoundKernel {
  const alone = once(() => findMemoryImage(physical));
  if (choice.vmlinux !== undefined) {
    const vmlinux = new Vmlinux(openElf(host, choice.vmlinux), host, choice.debugFolders);
    refuseOtherBuild(wantedKernel(physical.image), vmlinux, host, choice.debugFolders);
    return withFile(vmlinux, physical, alternateProblem(vmlinux.elf, host, choice.debugFolders));
  }
  const wanted = wantedKernel(physical.image, alone);
  if (choice.lookForFiles === false) {
    const why = `--no-debuginfo keeps vmscope from looking for the vmlinux${buildText(wanted)}`;
    return fromMemory(alone, () => why, []);
  }
  const { candidates, looked } = findVmlinux(wanted, host, choice.debugFolders);
  const refusals: string[] = [];
  for (const candidate of candidates) {
    try {
      const vmlinux = new Vmlinux(candidate.elf, host, choice.debugFolders);
      return withFile(vmlinux, physical, alternateProblem(candidate.elf, host, choice.debugFolders));
    } catch (error) {
      if (!(error instanceof OpenError)) throw error;
      refusals.push(error.message);
    }
  }
  const problems = refusals.length > 0 ? refusals : [missingVmlinuxText(wanted, looked)];
  return fromMemory(
    alone,
    (banner) => `the vmlinux was not found: ${howToGetDebugInfo(withBanner(wanted, banner))}`,
    problems,
  );
}

/** @throws OpenError where the file does not fit the dump */
function withFile(vmlinux: KernelImage, physical: PhysicalMemory, warnings: readonly string[]): FoundKernel {
  const load = findLoadAddress(vmlinux, physical);
  const tables = physical.image.architecture.pageTables(physical, load.paging);
  const memory = new AddressSpace('kernel virtual', physical, tables);
  return { vmlinux: completedByMemory(vmlinux, load, memory), load, warnings };
}

/**
 * @param whyNoDwarf of the kernel's banner
 * @param problems why no file is used; they are why the dump cannot be opened when memory does not suffice, either
 */
function fromMemory(
  alone: () => FoundImage,
  whyNoDwarf: (banner: string | undefined) => string,
  problems: readonly string[],
): FoundKernel {
  try {
    const { image, load, losses } = alone();
    return { vmlinux: image.explained(whyNoDwarf(image.banner)), load, warnings: [...problems, ...losses] };
  } catch (error) {
    if (!(error instanceof OpenError)) throw error;
    throw new OpenError([...problems, error.message].join('\n'));
  }
}

function refuseOtherBuild(wanted: WantedKernel, vmlinux: Vmlinux, host: Host, debugFolders: readonly string[]): void {
  const given = vmlinux.buildId();
  if (wanted.buildId === undefined || given === undefined || wanted.buildId === given) return;
  throw new OpenError(
    [
      `${vmlinux.path} is the vmlinux of another kernel:`,
      `  its build-id:        ${given} (${vmlinux.banner?.trim().slice(0, 60) ?? 'no banner'}…)`,
      `  the dump's build-id: ${wanted.buildId} (${wanted.release ?? '?'})`,
      whereTheRightOneIs(wanted, host, debugFolders),
    ].join('\n'),
  );
}

/** A path to name instead, or every place that was looked at. */
function whereTheRightOneIs(wanted: WantedKernel, host: Host, debugFolders: readonly string[]): string {
  const { candidates, looked } = findVmlinux(wanted, host, debugFolders);
  const right = candidates[0]?.elf.source.name;
  return right === undefined
    ? missingVmlinuxText(wanted, looked)
    : `The right one is ${right}; it is found by itself when no vmlinux is named.`;
}

/** A dump without VMCOREINFO tells its build all the same, where its memory describes the kernel. */
function wantedKernel(image: DumpImage, alone?: () => FoundImage): WantedKernel {
  const dump = image.path;
  const noted = image.vmcoreinfo;
  if (noted?.buildId !== undefined) return { dump, buildId: noted.buildId, release: noted.release };
  const found = alone && attemptOpen(alone)?.image;
  const release = noted?.release ?? /^Linux version (\S+)/.exec(found?.banner ?? '')?.[1];
  return withBanner({ dump, buildId: found?.buildId(), release }, found?.banner);
}

function withBanner(wanted: WantedKernel, banner: string | undefined): WantedKernel {
  return banner === undefined ? wanted : { ...wanted, banner };
}

function attemptOpen<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof OpenError) return undefined;
    throw error;
  }
}

function buildText({ buildId }: WantedKernel): string {
  return buildId === undefined ? '' : ` of build-id ${buildId}`;
}

/** The kernel keeps the text it hands to dump tools: vmcoreinfo_data, vmcoreinfo_size (kernel/vmcore_info.c). */
export function readVmcoreInfo(vmlinux: KernelImage, load: LoadAddress, memory: AddressSpace): VmcoreInfo | undefined {
  const running = (name: string): VirtAddr | undefined => {
    const link = vmlinux.addressOf(name);
    return link === undefined ? undefined : addVirt(virtAddr(link), load.slide);
  };
  const data = running('vmcoreinfo_data');
  const size = running('vmcoreinfo_size');
  if (data === undefined || size === undefined) return undefined;
  return attempt(() => {
    const length = Math.min(Number(memory.u64(size)), 1 << 16);
    return VmcoreInfo.fromBytes(memory.bytes(memory.pointer(data), length));
  });
}
