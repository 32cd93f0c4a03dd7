/**
 * The BTF of loaded modules, read from the dump: kernel/bpf/btf.c keeps it on the static list `btf_modules` since
 * 36e68442d1af (v5.11), whether or not a file of the module is at hand. It is split BTF: ids and strings go on where
 * those of vmlinux end, and `btf.start_id` tells whether this vmlinux's is the base that is meant.
 */

import type { VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { Btf } from '../debuginfo/btf/btf.ts';
import type { StructView } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';
import { listForEachEntry } from './list.ts';

/** A module with thousands of types has some hundred kilobytes. */
const LARGEST = 1 << 26;

/** Where the kernel keeps the BTF of a module. */
export interface ModuleBtfEntry {
  /** The struct module. */
  readonly module: VirtAddr;
  /** The struct btf. */
  readonly btf: VirtAddr;
}

/** Empty where the kernel keeps none. */
export function listModuleBtf(kernel: Kernel): readonly ModuleBtfEntry[] {
  const head = kernel.addressOf('btf_modules');
  const type = kernel.types.compound('struct', 'btf_module');
  if (head === undefined || type === undefined) return [];
  const { entries } = listForEachEntry(kernel.memory, head, type, 'list');
  return entries.flatMap((address) => {
    const entry = kernel.struct('btf_module', address);
    return attempt(() => ({ module: entry.pointer('module'), btf: entry.pointer('btf') })) ?? [];
  });
}

/** Undefined where it goes on from another base than this vmlinux's. Throws FaultError, FormatError, LookupError. */
export function readModuleBtf(kernel: Kernel, entry: ModuleBtfEntry, name: string): Btf | undefined {
  const base = kernel.target.vmlinux.btf();
  const view = kernel.struct('btf', entry.btf);
  if (base === undefined || !goesOnFrom(base, view)) return undefined;
  const size = Math.min(view.number('data_size'), LARGEST);
  return new Btf(view.memory.bytes(view.pointer('data'), size), `${name}: BTF in memory`, base);
}

function goesOnFrom(base: Btf, view: StructView): boolean {
  return view.pointer('base_btf') !== 0n && view.number('start_id') === base.lastId + 1;
}
