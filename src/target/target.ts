/**
 * A dump joined with its debug information: physical and kernel memory, symbols, types, code. Immutable.
 */

import { OpenError } from '../base/errors.ts';
import type { Host } from '../base/host.ts';
import { once } from '../base/search.ts';
import { FileSource } from '../bytes/byte-source.ts';
import type { Architecture } from '../arch/architecture.ts';
import { TypeCatalog } from '../debuginfo/types/catalog.ts';
import type { DumpImage } from '../formats/dump-image.ts';
import { openDump } from '../formats/registry.ts';
import type { VmcoreInfo } from '../formats/vmcoreinfo.ts';
import { AddressSpace } from '../memory/address-space.ts';
import { PhysicalMemory, type MemoryOptions } from '../memory/physical-memory.ts';
import { findKernel, readVmcoreInfo, type KernelChoice } from './find-kernel.ts';
import type { KernelImage } from './kernel-image.ts';
import type { LoadAddress } from './load-address.ts';
import { ModuleFiles } from './module-files.ts';
import { modulePlaces } from './module-places.ts';
import { SourceTree } from './source-tree.ts';

export interface TargetOptions extends KernelChoice {
  /** One, or the parts of a split one. */
  readonly dumps: readonly string[];
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
  const { vmlinux, load, warnings: found } = explained(image, () => findKernel(host, physical, options));
  const { architecture } = image;
  const memory = new AddressSpace('kernel virtual', physical, architecture.pageTables(physical, load.paging));
  const warnings = [...image.warnings, ...found];
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
    moduleFiles: new ModuleFiles(
      host,
      options.lookForFiles === false
        ? { release, debugRoots: [], folders: [], debuginfod: false }
        : modulePlaces(vmlinux.path, image.path, release, withCrashPath(host, options)),
    ),
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

/** What is wrong with the dump itself (cut off, notes missing) may be why nothing fits it: it is said, too. */
function explained<T>(image: DumpImage, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof OpenError) || image.warnings.length === 0) throw error;
    throw new OpenError([error.message, ...image.warnings].join('\n'));
  }
}
