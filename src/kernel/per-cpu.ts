/**
 * Per-CPU variables: address = __per_cpu_offset[cpu] + symbol, modulo 2^64. Up to 6.12 the symbols are offsets from
 * zero and take no KASLR slide; later they are ordinary addresses and do. Kernel include/asm-generic/percpu.h.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { LookupError } from '../base/errors.ts';
import type { KernelSymbol } from '../debuginfo/symbols/symbol-table.ts';
import type { Kernel } from './kernel.ts';

const MOST_CPUS = 8192;

export class PerCpu {
  readonly #kernel: Kernel;
  readonly #offsets = new Map<number, bigint>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** __per_cpu_offset[cpu]; zero on a kernel without SMP. */
  offset(cpu: number): bigint {
    let offset = this.#offsets.get(cpu);
    if (offset === undefined) {
      const table = this.#kernel.addressOf('__per_cpu_offset');
      if (cpu < 0 || cpu >= MOST_CPUS) throw new LookupError('CPU', String(cpu));
      offset = table === undefined ? 0n : this.#kernel.memory.u64(addVirt(table, cpu * 8));
      this.#offsets.set(cpu, offset);
    }
    return offset;
  }

  /** Whether a symbol stands for a variable that each CPU has its own of. */
  isPerCpu({ address, module }: KernelSymbol): boolean {
    if (module !== undefined) {
      const owner = this.#kernel.modules().named(module);
      const from = owner?.perCpuStart;
      return from !== undefined && address >= from && address < addVirt(from, owner?.perCpuSize ?? 0);
    }
    const start = this.#kernel.addressOf('__per_cpu_start');
    const end = this.#kernel.addressOf('__per_cpu_end');
    return start !== undefined && end !== undefined && address >= start && address < end;
  }

  /** The address of a per-CPU pointer (`__percpu`) on one CPU. */
  at(pointer: VirtAddr | bigint, cpu: number): VirtAddr {
    return virtAddr(pointer + this.offset(cpu));
  }

  /** The address of a per-CPU symbol on one CPU; undefined where there is no such symbol. */
  address(name: string, cpu: number): VirtAddr | undefined {
    const symbol = this.#kernel.addressOf(name);
    return symbol === undefined ? undefined : this.at(symbol, cpu);
  }
}
