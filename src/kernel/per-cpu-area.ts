/**
 * Which CPU's per-CPU memory an address is in: kernel mm/percpu.c, mm/percpu-internal.h.
 *
 * A chunk has a unit a CPU, at its base + `pcpu_unit_offsets[cpu]`; the variables of the kernel itself begin the first
 * chunk's units. Chunks hang on `pcpu_chunk_lists` (3c7be18ac9a0, v5.9), until faf65dde844a (v5.14) of each type of
 * chunk, or on `pcpu_slot`.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { once, upperBoundBy } from '../base/search.ts';
import type { KernelSymbol } from '../debuginfo/symbols/symbol-table.ts';
import { readCpus } from './cpus.ts';
import type { Kernel } from './kernel.ts';
import { oncePerKernel } from './once-per-kernel.ts';
import { listForEachEntry } from './list.ts';

export interface PerCpuPlace {
  readonly cpu: number;
  /** What the kernel's code knows it by, on every CPU: a `__percpu` pointer, or the address of a variable. */
  readonly pointer: VirtAddr;
  /** The variable, and how far into it, in bytes; undefined where the memory was allocated. */
  readonly variable:
    | { readonly name: string; readonly offset: number; readonly module: string | undefined }
    | undefined;
}

export interface PerCpuInstances {
  readonly variable: PerCpuPlace['variable'];
  readonly instances: readonly { readonly cpu: number; readonly address: VirtAddr }[];
}

interface Unit {
  readonly cpu: number;
  readonly start: bigint;
  readonly end: bigint;
}

interface Areas {
  readonly units: readonly Unit[];
  readonly start: bigint;
  readonly end: bigint;
  readonly variables: () => readonly KernelSymbol[];
}

const areasOf = oncePerKernel(
  (kernel): Areas => attempt(() => readAreas(kernel)) ?? { units: [], start: 0n, end: 0n, variables: () => [] },
);

/** The place in per-CPU memory that an address is; undefined where it is none, or the areas cannot be read. */
export function perCpuPlaceAt(kernel: Kernel, address: VirtAddr): PerCpuPlace | undefined {
  const areas = areasOf(kernel);
  const unit = areas.units.find(({ start, end }) => address >= start && address < end);
  if (unit === undefined) return undefined;
  const pointer = virtAddr(address - kernel.perCpu.offset(unit.cpu));
  return { cpu: unit.cpu, pointer, variable: variableAt(kernel, areas, pointer) };
}

/** What a `__percpu` pointer, or the address of a per-CPU variable, stands for on each CPU; none for other addresses. */
export function perCpuInstances(kernel: Kernel, pointer: VirtAddr): PerCpuInstances | undefined {
  const areas = areasOf(kernel);
  const instances: { cpu: number; address: VirtAddr }[] = [];
  for (const cpu of readCpus(kernel).possible) {
    const address = attempt(() => kernel.perCpu.at(pointer, cpu));
    if (address === undefined) continue;
    const held = areas.units.some((unit) => unit.cpu === cpu && address >= unit.start && address < unit.end);
    if (!held) return undefined;
    instances.push({ cpu, address });
  }
  return instances.length === 0 ? undefined : { variable: variableAt(kernel, areas, pointer), instances };
}

function variableAt(kernel: Kernel, areas: Areas, pointer: VirtAddr): PerCpuPlace['variable'] {
  const named = (symbol: KernelSymbol, module?: string): PerCpuPlace['variable'] => ({
    name: symbol.name,
    offset: Number(pointer - symbol.address),
    module,
  });
  if (pointer >= areas.start && pointer < areas.end) {
    const variables = areas.variables();
    const symbol = variables[upperBoundBy(variables, pointer, (variable) => variable.address) - 1];
    return symbol && named(symbol);
  }
  for (const module of kernel.modules().modules) {
    const view = kernel.struct('module', module.address);
    const start = attempt(() => view.pointer('percpu'));
    const size = attempt(() => view.number('percpu_size'));
    if (start === undefined || size === undefined || pointer < start || pointer >= addVirt(start, size)) continue;
    const symbol = module.symbols()?.at(pointer);
    return symbol !== undefined && symbol.address >= start ? named(symbol, module.name) : undefined;
  }
  return undefined;
}

function readAreas(kernel: Kernel): Areas {
  const start = kernel.addressOf('__per_cpu_start') ?? virtAddr(0);
  const end = kernel.addressOf('__per_cpu_end') ?? start;
  const unitSize = attempt(() => BigInt(kernel.memory.u32(kernel.symbol('pcpu_unit_size')))) ?? end - start;
  const { possible } = readCpus(kernel);
  const units: Unit[] = [];
  for (const cpu of possible) {
    const first = attempt(() => kernel.perCpu.at(start, cpu));
    if (first !== undefined) units.push({ cpu, start: first, end: first + unitSize });
  }
  units.push(...(attempt(() => chunkUnits(kernel, possible, unitSize)) ?? []));
  return { units, start, end, variables: once(() => variablesIn(kernel, start, end)) };
}

const MOST_SLOTS = 256;

function chunkUnits(kernel: Kernel, cpus: readonly number[], unitSize: bigint): Unit[] {
  const { memory, types } = kernel;
  const slots = memory.pointer(kernel.firstSymbol('pcpu_chunk_lists', 'pcpu_slot'));
  const offsets = memory.pointer(kernel.symbol('pcpu_unit_offsets'));
  const kinds = Number(types.enumerator('PCPU_NR_CHUNK_TYPES')?.value ?? 1n);
  const count = Math.min(memory.u32(kernel.symbol('pcpu_nr_slots')) * kinds, MOST_SLOTS);
  const type = types.struct('pcpu_chunk');
  const units: Unit[] = [];
  for (let slot = 0; slot < count; slot++) {
    for (const chunk of listForEachEntry(memory, addVirt(slots, slot * 16), type, 'list').entries) {
      const base = attempt(() => kernel.struct('pcpu_chunk', chunk).pointer('base_addr'));
      if (base === undefined) continue;
      for (const cpu of cpus) {
        const start = base + memory.u64(addVirt(offsets, cpu * 8));
        units.push({ cpu, start, end: start + unitSize });
      }
    }
  }
  return units;
}

/** The kernel's own per-CPU variables by address, the sized last of those at one: where they are linked at zero, too. */
function variablesIn(kernel: Kernel, start: VirtAddr, end: VirtAddr): KernelSymbol[] {
  const found: KernelSymbol[] = [];
  for (const symbol of kernel.symbols.all()) {
    if (symbol.module !== undefined) break;
    if (symbol.address < start || symbol.address >= end || symbol.letter.toLowerCase() === 'a') continue;
    found.push(symbol);
  }
  const order = (a: KernelSymbol, b: KernelSymbol): number =>
    a.address === b.address ? a.size - b.size : a.address < b.address ? -1 : 1;
  return found.sort(order);
}
