/**
 * The kernel's own symbols, types, unwind table and code, wherever they come from: a vmlinux, or less than one. Each is
 * read when first asked for. Addresses are link-time ones; the load address says how far the running kernel lay above
 * them.
 */

import type { Btf } from '../debuginfo/btf/btf.ts';
import type { DwarfInfo } from '../debuginfo/dwarf/dwarf-info.ts';
import type { OrcTable } from '../debuginfo/orc/orc-table.ts';
import type { SymbolTable } from '../debuginfo/symbols/symbol-table.ts';

export interface KernelImage {
  /** For people: the file's path, or what stands for it. */
  readonly name: string;
  /** The file; undefined where there is none. */
  readonly path: string | undefined;
  readonly symbols: SymbolTable;
  /** Hex; undefined where nothing tells it. */
  readonly buildId: () => string | undefined;
  readonly btf: () => Btf | undefined;
  readonly dwarf: () => DwarfInfo | undefined;
  /** Where there is no DWARF: why, for the user. */
  readonly whyNoDwarf: string;
  readonly orc: () => OrcTable | undefined;
  /** "Linux version …" */
  readonly banner: string | undefined;
  /** The address of a symbol of that name. */
  addressOf(name: string): bigint | undefined;
  /** Code and read-only data as built, as many bytes as there are; undefined where there is no file that has them. */
  bytesAt(address: bigint, length: number): Uint8Array | undefined;
}
