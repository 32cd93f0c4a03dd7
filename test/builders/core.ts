/** ELF vmcores: memory with or without virtual addresses, the processors' notes, VMCOREINFO. */

import { ET_CORE, NT_PRSTATUS, PT_LOAD, PT_NOTE } from '../../src/formats/elf/constants.ts';
import { ByteWriter, encode } from './byte-writer.ts';
import { ElfBuilder, noteBytes, type ElfOptions, type NoteSpec } from './elf.ts';

const prstatusOrder = [
  'r15',
  'r14',
  'r13',
  'r12',
  'rbp',
  'rbx',
  'r11',
  'r10',
  'r9',
  'r8',
  'rax',
  'rcx',
  'rdx',
  'rsi',
  'rdi',
  'orig_rax',
  'rip',
  'cs',
  'rflags',
  'rsp',
  'ss',
  'fs_base',
  'gs_base',
  'ds',
  'es',
  'fs',
  'gs',
];
const qemuOrder = [
  'rax',
  'rbx',
  'rcx',
  'rdx',
  'rsi',
  'rdi',
  'rsp',
  'rbp',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
  'rip',
  'rflags',
];
const segmentOrder = ['cs', 'ds', 'es', 'fs', 'gs', 'ss', 'ldt', 'tr', 'gdt', 'idt'];

export type RegisterValues = Readonly<Record<string, bigint>>;

/** struct elf_prstatus of x86-64: 336 bytes. */
export function prstatus(pid: number, registers: RegisterValues): Uint8Array {
  const out = new ByteWriter().zeros(32).u32(pid).zeros(76);
  for (const name of prstatusOrder) out.u64(registers[name] ?? 0n);
  return out.u32(0).u32(0).build();
}

export interface QemuSpec {
  readonly registers?: RegisterValues;
  readonly bases?: RegisterValues;
  /** cr0 to cr4. */
  readonly control?: readonly bigint[];
  readonly kernelGsBase?: bigint;
  readonly version?: number;
}

/** struct QEMUCPUState: 440 bytes, 432 without kernelGsBase. */
export function qemuState({
  registers = {},
  bases = {},
  control = [],
  kernelGsBase,
  version = 1,
}: QemuSpec): Uint8Array {
  const out = new ByteWriter().u32(version).u32(kernelGsBase === undefined ? 432 : 440);
  for (const name of qemuOrder) out.u64(registers[name] ?? 0n);
  for (const name of segmentOrder)
    out
      .u32(Number(registers[name] ?? 0n))
      .u32(0xffff)
      .u32(0)
      .u32(0)
      .u64(bases[name] ?? 0n);
  for (let index = 0; index < 5; index++) out.u64(control[index] ?? 0n);
  if (kernelGsBase !== undefined) out.u64(kernelGsBase);
  return out.build();
}

export class CoreBuilder {
  readonly #elf: ElfBuilder;
  readonly #notes: NoteSpec[] = [];
  readonly #loads: Parameters<ElfBuilder['segment']>[0][] = [];

  constructor(options: ElfOptions = {}) {
    this.#elf = new ElfBuilder({ type: ET_CORE, ...options });
  }

  load(
    physicalAddress: number,
    data: Uint8Array,
    more: { virtualAddress?: bigint; fileSize?: number; memorySize?: number } = {},
  ): this {
    this.#loads.push({ type: PT_LOAD, physicalAddress: BigInt(physicalAddress), data, ...more });
    return this;
  }

  cpu(pid: number, registers: RegisterValues): this {
    return this.note({ name: 'CORE', type: NT_PRSTATUS, data: prstatus(pid, registers) });
  }

  qemuCpu(spec: QemuSpec): this {
    return this.note({ name: 'QEMU', type: 0, data: qemuState(spec) });
  }

  vmcoreinfo(lines: readonly string[]): this {
    return this.note({ name: 'VMCOREINFO', type: 0, data: encode(lines.map((line) => `${line}\n`).join('')) });
  }

  note(note: NoteSpec): this {
    this.#notes.push(note);
    return this;
  }

  /** The memory lies behind everything else, in the order of the loads: a file can be cut off in it. */
  build(): Uint8Array {
    if (this.#notes.length > 0) this.#elf.segment({ type: PT_NOTE, data: noteBytes(this.#notes) });
    for (const load of this.#loads) this.#elf.segment(load);
    return this.#elf.build();
  }
}
