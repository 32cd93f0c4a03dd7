/**
 * A dump joined with its debug information: physical and kernel memory, symbols, types, code. Immutable.
 */

import { OpenError } from '../base/errors.ts';
import type { Host } from '../base/host.ts';
import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { once } from '../base/search.ts';
import { FileSource } from '../bytes/byte-source.ts';
import { attempt } from '../base/errors.ts';
import type { Architecture } from '../arch/architecture.ts';
import { TypeCatalog } from '../debuginfo/types/catalog.ts';
import type { DumpImage } from '../formats/dump-image.ts';
import { openDump } from '../formats/registry.ts';
import { VmcoreInfo } from '../formats/vmcoreinfo.ts';
import { AddressSpace } from '../memory/address-space.ts';
import { PhysicalMemory, type MemoryOptions } from '../memory/physical-memory.ts';
import { findVmlinux, openElf } from './find-vmlinux.ts';
import { findLoadAddress, type LoadAddress } from './load-address.ts';
import type { KernelImage } from './kernel-image.ts';
import { missingVmlinuxText } from './missing-vmlinux.ts';
import { ModuleFiles } from './module-files.ts';
import { modulePlaces } from './module-places.ts';
import { SourceTree } from './source-tree.ts';
import type { WantedKernel } from './vmlinux-places.ts';
import { Vmlinux } from './vmlinux.ts';

export interface TargetOptions {
  /** One, or the parts of a split one. */
  readonly dumps: readonly string[];
  /** Undefined: found by build-id. */
  readonly vmlinux: string | undefined;
  /** Folders to look for debug information in, before the usual ones. */
  readonly debugFolders: readonly string[];
  /** Folders to look for module files in, before the usual ones. */
  readonly moduleFolders: readonly string[];
  /** Folders with the kernel's source. */
  readonly sourceFolders?: readonly string[];
  /** How the dump's memory is read. */
  readonly memory?: MemoryOptions;
}

export interface Target {
  readonly host: Host;
  readonly image: DumpImage;
  readonly architecture: Architecture;
  readonly physical: PhysicalMemory;
  /** The kernel's address space. */
  readonly memory: AddressSpace;
  readonly vmlinux: KernelImage;
  readonly load: LoadAddress;
  /** Types for readers of kernel structures: BTF where there is one, else DWARF. A name it lacks costs nothing. */
  readonly types: TypeCatalog;
  /** From the dump's note, or from the kernel's own copy in memory. */
  readonly vmcoreinfo: () => VmcoreInfo | undefined;
  readonly moduleFiles: ModuleFiles;
  readonly sources: SourceTree;
  readonly warnings: readonly string[];
}

/** @throws OpenError, FormatError where the dump or its vmlinux cannot be opened */
export function openTarget(host: Host, options: TargetOptions): Target {
  const image = openDump(
    options.dumps.map((path) => openSource(host, path)),
    host,
  );
  const physical = new PhysicalMemory(image, options.memory);
  const { vmlinux, load } = explained(image, () => joinVmlinux(host, image, physical, options));
  const { architecture } = image;
  const memory = new AddressSpace('kernel virtual', physical, architecture.pageTables(physical, load.paging));
  const warnings = [...image.warnings];
  if (load.proof === undefined) {
    warnings.push(
      `the kernel's place in memory is from ${load.origin} and could not be proved: linux_banner is not in the dump`,
    );
  }
  const release = image.vmcoreinfo?.release ?? /Linux version (\S+)/.exec(vmlinux.banner ?? '')?.[1];
  return {
    host,
    image,
    architecture,
    physical,
    memory,
    vmlinux,
    load,
    types: new TypeCatalog([() => vmlinux.btf() ?? vmlinux.dwarf()?.types]),
    vmcoreinfo: once(() => image.vmcoreinfo ?? readVmcoreInfo(vmlinux, load, memory)),
    moduleFiles: new ModuleFiles(host, modulePlaces(vmlinux.path, image.path, release, withCrashPath(host, options))),
    sources: new SourceTree(host, options.sourceFolders ?? []),
    warnings,
  };
}

function openSource(host: Host, path: string): FileSource {
  const file = host.open(path);
  if (file === undefined) throw new OpenError(`${path}: ${host.whyNot(path)}`);
  return new FileSource(file);
}

/** crash's own variable for what --mod says. */
function withCrashPath(host: Host, options: TargetOptions): TargetOptions {
  const folder = host.environment('CRASH_MODULE_PATH');
  return folder === undefined || folder === ''
    ? options
    : { ...options, moduleFolders: [...options.moduleFolders, folder] };
}

function joinVmlinux(
  host: Host,
  image: DumpImage,
  physical: PhysicalMemory,
  options: TargetOptions,
): { vmlinux: KernelImage; load: LoadAddress } {
  if (options.vmlinux !== undefined) {
    const vmlinux = new Vmlinux(openElf(host, options.vmlinux), host);
    refuseOtherBuild(image, vmlinux, host, options.debugFolders);
    return { vmlinux, load: findLoadAddress(vmlinux, physical) };
  }
  let refusal: unknown;
  const wanted = wantedKernel(image);
  const { candidates, looked } = findVmlinux(wanted, host, options.debugFolders);
  if (candidates.length === 0) throw new OpenError(missingVmlinuxText(wanted, looked));
  for (const candidate of candidates) {
    try {
      const vmlinux = new Vmlinux(candidate.elf, host);
      return { vmlinux, load: findLoadAddress(vmlinux, physical) };
    } catch (error) {
      if (!(error instanceof OpenError)) throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}

/** What is wrong with the dump itself (cut off, notes missing) may be why nothing fits it: it is said, too. */
function explained<T>(image: DumpImage, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof OpenError) || image.warnings.length === 0) throw error;
    throw new OpenError([error.message, ...image.warnings].join('\n'));
  }
}

function refuseOtherBuild(image: DumpImage, vmlinux: Vmlinux, host: Host, debugFolders: readonly string[]): void {
  const wanted = image.vmcoreinfo?.buildId;
  const given = vmlinux.buildId();
  if (wanted === undefined || given === undefined || wanted === given) return;
  throw new OpenError(
    [
      `${vmlinux.path} is the vmlinux of another kernel:`,
      `  its build-id:        ${given} (${vmlinux.banner?.trim().slice(0, 60) ?? 'no banner'}…)`,
      `  the dump's build-id: ${wanted} (${image.vmcoreinfo?.release ?? '?'})`,
      whereTheRightOneIs(image, host, debugFolders),
    ].join('\n'),
  );
}

/** A path to name instead, or every place that was looked at. */
function whereTheRightOneIs(image: DumpImage, host: Host, debugFolders: readonly string[]): string {
  const wanted = wantedKernel(image);
  const { candidates, looked } = findVmlinux(wanted, host, debugFolders);
  const right = candidates[0]?.elf.source.name;
  return right === undefined
    ? missingVmlinuxText(wanted, looked)
    : `The right one is ${right}; it is found by itself when no vmlinux is named.`;
}

function wantedKernel(image: DumpImage): WantedKernel {
  return { dump: image.path, buildId: image.vmcoreinfo?.buildId, release: image.vmcoreinfo?.release };
}

/** The kernel keeps the text it hands to dump tools: vmcoreinfo_data, vmcoreinfo_size (kernel/vmcore_info.c). */
function readVmcoreInfo(vmlinux: KernelImage, load: LoadAddress, memory: AddressSpace): VmcoreInfo | undefined {
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
