/**
 * An ORC table: `.orc_unwind_ip` (4 bytes an entry: its address minus the slot's own) and `.orc_unwind` (6 bytes).
 * Looked up by binary search through the few blocks that touches: a kernel's table is 4 to 12 MB.
 *
 * Invariant: addresses are signed 64-bit integers in doubles, in whatever space `base` is given in (link-time for a
 * file, run-time for memory).
 */

import { checkCancelled } from '../../base/cancel.ts';
import { FormatError } from '../../base/errors.ts';
import { once } from '../../base/search.ts';
import { BlockReader } from '../../bytes/block-reader.ts';
import type { ByteSource } from '../../bytes/byte-source.ts';
import { dialectOf } from './dialects.ts';
import { ORC_ENTRY_SIZE, type OrcDialect, type OrcEntry } from './orc-entry.ts';

const SAMPLE = 2048;
/** An entry this far below an address does not describe it: code between belongs to nobody. */
const LONGEST_REACH = 1 << 24;

export class OrcTable {
  readonly count: number;
  readonly dialect: () => OrcDialect;
  readonly #ips: BlockReader;
  readonly #entries: BlockReader;
  readonly #base: number;

  /**
   * @param ips the bytes of .orc_unwind_ip
   * @param entries the bytes of .orc_unwind
   * @param base the address of the first slot of .orc_unwind_ip
   * @param dialect of the kernel, where already known: a module's table is too small to tell by
   */
  constructor(ips: ByteSource, entries: ByteSource, base: number, dialect?: () => OrcDialect) {
    this.count = Math.min(Math.floor(ips.size / 4), Math.floor(entries.size / ORC_ENTRY_SIZE));
    this.#ips = new BlockReader(ips);
    this.#entries = new BlockReader(entries);
    this.#base = base;
    this.dialect = dialect ?? once(() => dialectOf(this.#sample(), () => this.#all()));
  }

  /** The entry that describes an address; undefined where none does. */
  lookup(address: number): OrcEntry | undefined {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#address(middle) <= address) low = middle + 1;
      else high = middle;
    }
    if (low === 0 || address - this.#address(low - 1) > LONGEST_REACH) return undefined;
    return this.#entry(low - 1);
  }

  #address(index: number): number {
    return this.#base + index * 4 + this.#ips.s32(index * 4);
  }

  #entry(index: number): OrcEntry {
    const dialect = this.dialect();
    const at = index * ORC_ENTRY_SIZE;
    const flags = this.#entries.u16(at + 4);
    const spRegister = dialect.registers[flags & 0xf];
    const bpRegister = dialect.registers[(flags >> 4) & 0xf];
    const type = dialect.typeOf(flags);
    if (spRegister === undefined || bpRegister === undefined || type === undefined) {
      throw new FormatError('.orc_unwind', 'an entry has an unknown register or type', at);
    }
    return {
      spRegister,
      spOffset: (this.#entries.u16(at) << 16) >> 16,
      bpRegister,
      bpOffset: (this.#entries.u16(at + 2) << 16) >> 16,
      type,
      signal: dialect.signalOf(flags),
    };
  }

  *#all(): Generator<number> {
    for (let index = 0; index < this.count; index++) {
      if ((index & 0xffff) === 0) checkCancelled();
      yield this.#entries.u16(index * ORC_ENTRY_SIZE + 4);
    }
  }

  /** Flag words of runs spread over the table. */
  *#sample(): Generator<number> {
    const runs = 16;
    const perRun = Math.min(SAMPLE / runs, Math.ceil(this.count / runs));
    for (let run = 0; run < runs; run++) {
      const first = Math.floor((this.count * run) / runs);
      for (let index = first; index < Math.min(this.count, first + perRun); index++) {
        yield this.#entries.u16(index * ORC_ENTRY_SIZE + 4);
      }
    }
  }
}
