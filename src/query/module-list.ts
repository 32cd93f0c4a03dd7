/** The loaded modules: the answers to `mod`. */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { ModuleDebugState } from '../kernel/module-debug.ts';
import type { Module, ModuleRegion } from '../kernel/modules.ts';
import { taintLetters } from '../kernel/taints.ts';
import { SHF_ALLOC } from '../formats/elf/constants.ts';

/** What is known of a module's debug file. */
export interface ModuleFileState {
  /** `loaded`: in use. `found`: not needed yet. `packed`: compressed, so that nothing is known of it yet. */
  readonly state: 'loaded' | 'found' | 'packed' | 'forgotten' | 'not-looked-for' | 'none';
  readonly path: string | undefined;
  /** What shows that the file is of this build. */
  readonly proof: 'build-id' | 'srcversion' | 'name' | undefined;
  /** Whether it has DWARF, as far as that is known. */
  readonly dwarf: boolean | undefined;
  /** Why files of that name were not taken. */
  readonly refusals: readonly string[];
}

export interface ModuleSectionRow {
  readonly name: string;
  readonly start: VirtAddr;
  /** Undefined where no file tells the size. */
  readonly end: VirtAddr | undefined;
  /** False for what was freed after initialisation: something else may be there now. */
  readonly live: boolean;
}

export interface ModuleRow {
  /** Of the struct module. */
  readonly module: VirtAddr;
  readonly name: string;
  readonly base: VirtAddr;
  readonly size: number;
  readonly regions: readonly ModuleRegion[];
  readonly buildId: string | undefined;
  readonly file: ModuleFileState;
  /** Where they were asked for. */
  readonly sections: readonly ModuleSectionRow[] | undefined;
}

export interface ModuleReport {
  readonly type: 'modules';
  /** By base address, as crash lists them. */
  readonly modules: readonly ModuleRow[];
  /** Of every module, listed here or not: the columns are as wide as these. */
  readonly longestName: number;
  readonly largestSize: number;
  readonly warning: string | undefined;
  /** What kept files from being loaded, for the user. */
  readonly problems: readonly string[];
}

export interface TaintReport {
  readonly type: 'module-taints';
  /** The modules that taint the kernel. */
  readonly modules: readonly { readonly name: string; readonly taints: string; readonly bits: bigint }[];
  /** Why there may be others. */
  readonly warnings: readonly string[];
}

export interface ModuleListOptions {
  /** Undefined for every one. */
  readonly only?: Module;
  readonly sections?: boolean;
  readonly problems?: readonly string[];
}

/** In the order in which crash lists them. */
export function modulesByBase(kernel: Kernel): Module[] {
  return kernel.modules().modules.toSorted((a, b) => (a.base < b.base ? -1 : 1));
}

/** Looks for files that are not loaded yet, but unpacks none. */
export function moduleReport(kernel: Kernel, options: ModuleListOptions = {}): ModuleReport {
  const { only, sections = false, problems = [] } = options;
  const rows = (only === undefined ? modulesByBase(kernel) : [only]).map((module) => ({
    module: module.address,
    name: module.name,
    base: module.base,
    size: module.size,
    regions: module.regions,
    buildId: module.buildId(),
    file: fileState(kernel.moduleDebug.state(module)),
    sections: sections ? moduleSections(module) : undefined,
  }));
  const all = kernel.modules().modules;
  const longestName = Math.max(0, ...all.map(({ name }) => name.length));
  const largestSize = Math.max(0, ...all.map(({ size }) => size));
  return { type: 'modules', modules: rows, longestName, largestSize, warning: kernel.modules().broken, problems };
}

function fileState(found: ModuleDebugState): ModuleFileState {
  switch (found.kind) {
    case 'loaded': {
      const { elf, proof, dwarf } = found.debug;
      return { state: 'loaded', path: elf.source.name, proof, dwarf: dwarf !== undefined, refusals: [] };
    }
    case 'found': {
      const { path, proof, dwarf } = found;
      return proof === undefined
        ? { state: 'packed', path, proof, dwarf: undefined, refusals: [] }
        : { state: 'found', path, proof, dwarf, refusals: [] };
    }
    case 'forgotten':
    case 'not-looked-for':
    case 'none': {
      const refusals = found.kind === 'none' ? found.refusals : [];
      return { state: found.kind, path: undefined, proof: undefined, dwarf: undefined, refusals };
    }
  }
}

/** Its sections in memory by address; how long they are the file tells. */
export function moduleSections(module: Module): ModuleSectionRow[] {
  const inFile = module.debug()?.elf.sections() ?? [];
  const rows = module.sections().map(({ name, address: start }) => {
    const section = inFile.find((candidate) => candidate.name === name && (candidate.flags & SHF_ALLOC) !== 0);
    return { name, start, end: section && addVirt(start, section.size), live: module.holds(start) };
  });
  return rows.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
}

/** Which modules taint the kernel, and how. */
export function taintReport(kernel: Kernel): TaintReport {
  const modules = modulesByBase(kernel).flatMap((module) => {
    const bits = module.taints() ?? 0n;
    return bits === 0n ? [] : [{ name: module.name, taints: taintLetters(kernel, bits), bits }];
  });
  const unread = modulesByBase(kernel).filter((module) => module.taints() === undefined);
  const warnings = [
    ...[kernel.modules().broken].filter((warning) => warning !== undefined),
    ...unread.map(({ name }) => `the taints of ${name} cannot be read`),
  ];
  return { type: 'module-taints', modules, warnings };
}
