/** The loaded modules: the answer to `mod`. */

import type { VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { ModuleRegion } from '../kernel/modules.ts';

export interface ModuleRow {
  /** Of the struct module. */
  readonly module: VirtAddr;
  readonly name: string;
  readonly base: VirtAddr;
  readonly size: number;
  readonly regions: readonly ModuleRegion[];
  readonly buildId: string | undefined;
  /** The debug file that describes it; undefined where none of this build was found. */
  readonly file: string | undefined;
}

export interface ModuleReport {
  readonly type: 'modules';
  /** By base address, as crash lists them. */
  readonly modules: readonly ModuleRow[];
  readonly warning: string | undefined;
}

export function moduleReport(kernel: Kernel): ModuleReport {
  const { modules, broken } = kernel.modules();
  const rows = modules.map((module) => ({
    module: module.address,
    name: module.name,
    base: module.base,
    size: module.size,
    regions: module.regions,
    buildId: module.buildId(),
    file: attempt(() => module.debug()?.elf.source.name),
  }));
  rows.sort((a, b) => (a.base < b.base ? -1 : 1));
  return { type: 'modules', modules: rows, warning: broken && `the list of modules is broken: ${broken}` };
}
