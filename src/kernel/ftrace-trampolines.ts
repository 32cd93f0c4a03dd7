/**
 * Trampolines that ftrace makes at run time: a copy of ftrace_caller or ftrace_regs_caller for each tracer that has
 * functions to itself (struct ftrace_ops; create_trampoline in arch/x86/kernel/ftrace.c). Nothing describes a copy, but
 * what describes the original holds for it at the same offset, as the kernel's own unwinder takes it (orc_ftrace_find).
 *
 * Invariants: the list is walked within a bound and never in a circle; a copy is told by its first bytes.
 */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Kernel } from './kernel.ts';
import { oncePerKernel } from './once-per-kernel.ts';

interface FtraceTrampoline {
  readonly start: VirtAddr;
  readonly size: number;
  /** What it is a copy of. */
  readonly original: VirtAddr;
}

const MOST_TRACERS = 1024;
const LARGEST_TRAMPOLINE = 1 << 16;
/** The originals differ in these already: one saves all registers, flags first. */
const COMPARED = 16;

const trampolinesOf = oncePerKernel((kernel) => attempt(() => [...readTrampolines(kernel)]) ?? []);

/** The place in the kernel's own code that a place in a trampoline is a copy of; undefined where it is in none. */
export function copiedByFtrace(kernel: Kernel, address: VirtAddr): VirtAddr | undefined {
  const found = trampolinesOf(kernel).find(({ start, size }) => address >= start && address < addVirt(start, size));
  return found && addVirt(found.original, address - found.start);
}

function* readTrampolines(kernel: Kernel): Generator<FtraceTrampoline> {
  const list = kernel.addressOf('ftrace_ops_list');
  if (list === undefined) return;
  const seen = new Set<VirtAddr>();
  let at = kernel.memory.pointer(list);
  while (at !== 0n && !seen.has(at) && seen.size < MOST_TRACERS) {
    seen.add(at);
    const tracer = kernel.struct('ftrace_ops', at);
    const start = tracer.pointer('trampoline');
    const size = start === 0n ? 0 : tracer.number('trampoline_size');
    const original = size > 0 && size <= LARGEST_TRAMPOLINE ? originalOf(kernel, start) : undefined;
    if (original !== undefined) yield { start, size, original };
    at = tracer.pointer('next');
  }
}

function originalOf(kernel: Kernel, start: VirtAddr): VirtAddr | undefined {
  const copy = kernel.memory.bytes(start, COMPARED);
  const same = ['ftrace_caller', 'ftrace_regs_caller'].flatMap((name) => {
    const address = kernel.addressOf(name);
    const bytes = address && kernel.memory.bytes(address, COMPARED);
    return address !== undefined && bytes?.every((byte, index) => byte === copy[index]) === true ? [address] : [];
  });
  return same.length === 1 ? same[0] : undefined;
}
