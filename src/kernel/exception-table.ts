/**
 * Instructions that may fault, and where the kernel goes on when one does: arch/x86/include/asm/extable.h, sorted by
 * address. The fields `insn` and `fixup` are offsets from themselves.
 */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { sizeOf } from '../debuginfo/types/type.ts';
import { memberOf } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';

export interface Fixup {
  /** The instruction that may fault. */
  readonly from: VirtAddr;
  /** Where the kernel goes on then. */
  readonly to: VirtAddr;
}

interface Table {
  readonly start: VirtAddr;
  readonly count: number;
}

const MOST_ENTRIES = 1 << 20;

/** Of the instructions from `start` up to `end`. @throws FaultError where the table cannot be read */
export function fixupsIn(kernel: Kernel, start: VirtAddr, end: VirtAddr): Fixup[] {
  const type = kernel.types.compound('struct', 'exception_table_entry');
  const [insn, fixup] = ['insn', 'fixup'].map((name) => type && memberOf(type, name)?.offset);
  if (type === undefined || insn === undefined || fixup === undefined) return [];
  const size = sizeOf(type);
  const { start: base, count } = tableOf(kernel, start, size);
  const relative = (index: number, offset: number): VirtAddr => {
    const at = addVirt(base, index * size + offset);
    return addVirt(at, kernel.memory.u32(at) | 0);
  };
  let low = 0;
  for (let high = Math.min(count, MOST_ENTRIES); low < high;) {
    const middle = (low + high) >>> 1;
    if (relative(middle, insn) < start) low = middle + 1;
    else high = middle;
  }
  const found: Fixup[] = [];
  for (let index = low; index < count; index++) {
    const from = relative(index, insn);
    if (from >= end) break;
    found.push({ from, to: relative(index, fixup) });
  }
  return found;
}

function tableOf(kernel: Kernel, address: VirtAddr, size: number): Table {
  const module = kernel.modules().textAt(address);
  if (module !== undefined) {
    const view = kernel.struct('module', module.address);
    return { start: view.pointer('extable'), count: view.number('num_exentries') };
  }
  const start = kernel.symbol('__start___ex_table');
  return { start, count: Math.floor(Number(kernel.symbol('__stop___ex_table') - start) / size) };
}
