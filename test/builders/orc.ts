/** ORC tables in each dialect, written from the kernel's own definitions and not from the parser's tables. */

import { ByteWriter } from './byte-writer.ts';

/** to62: type:2 end:1 · in63: type:2 signal:1 end:1 · since64: type:3 signal:1 · since71: registers renumbered. */
export type OrcDialectName = 'to62' | 'in63' | 'since64' | 'since71';
export type OrcKind = 'undefined' | 'end' | 'call' | 'regs' | 'regs-partial';

export interface OrcSpec {
  readonly address: number;
  readonly kind?: OrcKind;
  readonly sp?: string;
  readonly spOffset?: number;
  readonly bp?: string;
  readonly bpOffset?: number;
  readonly signal?: boolean;
}

const oldRegisters = ['undefined', 'prev_sp', 'dx', 'di', 'bp', 'sp', 'r10', 'r13', 'bp_indirect', 'sp_indirect'];
const newRegisters = ['undefined', 'ax', 'dx', 'sp', 'bp', 'di', 'r10', 'r13', 'prev_sp', 'sp_indirect', 'bp_indirect'];

export function orcFlags(dialect: OrcDialectName, spec: OrcSpec): number {
  const kind = spec.kind ?? 'call';
  const without = kind === 'undefined' || kind === 'end';
  const registers = dialect === 'since71' ? newRegisters : oldRegisters;
  const number = (name: string): number => {
    const found = registers.indexOf(name);
    if (found < 0) throw new Error(`${dialect} has no register ${name}`);
    return found;
  };
  const low = number(without ? 'undefined' : (spec.sp ?? 'sp')) | (number(spec.bp ?? 'undefined') << 4);
  const signal = spec.signal === true ? 1 : 0;
  const oldType = { undefined: 0, end: 0, call: 0, regs: 1, 'regs-partial': 2 }[kind];
  const newType = { undefined: 0, end: 1, call: 2, regs: 3, 'regs-partial': 4 }[kind];
  if (dialect === 'to62') return low | (oldType << 8) | (kind === 'end' ? 1 << 10 : 0);
  if (dialect === 'in63') return low | (oldType << 8) | (signal << 10) | (kind === 'end' ? 1 << 11 : 0);
  return low | (newType << 8) | (signal << 11);
}

export class OrcBuilder {
  readonly #dialect: OrcDialectName;
  readonly #base: number;
  readonly #entries: OrcSpec[] = [];

  /** @param base the address of the first slot of .orc_unwind_ip */
  constructor(dialect: OrcDialectName, base: number) {
    this.#dialect = dialect;
    this.#base = base;
  }

  /** Entries are to be added in the order of addresses. */
  add(...entries: readonly OrcSpec[]): this {
    this.#entries.push(...entries);
    return this;
  }

  build(): { ips: Uint8Array; entries: Uint8Array } {
    const ips = new ByteWriter();
    const entries = new ByteWriter();
    for (const [index, spec] of this.#entries.entries()) {
      ips.u32((spec.address - (this.#base + index * 4)) >>> 0);
      entries
        .u16((spec.spOffset ?? 0) & 0xffff)
        .u16((spec.bpOffset ?? 0) & 0xffff)
        .u16(orcFlags(this.#dialect, spec));
    }
    return { ips: ips.build(), entries: entries.build() };
  }
}
