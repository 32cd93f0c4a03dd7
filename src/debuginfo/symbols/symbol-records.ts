/** What a table of symbols is made of, by index, however it is stored: an ELF symbol table, the kernel's kallsyms. */

export interface SymbolRecords {
  /** Indices are below it; not every one need be a symbol. */
  readonly count: number;
  /** Whether there is a symbol, and it has a name. */
  isNamed(index: number): boolean;
  /** Whether its value is an address in memory, and moves with the kernel. */
  hasAddress(index: number): boolean;
  /** Whether its value is an offset in a per-CPU area that was linked at zero. */
  isPerCpuOffset(index: number): boolean;
  /** A signed 64-bit integer in a double, at the address the table was made for. */
  value(index: number): number;
  /** In bytes; zero where it is not known. */
  size(index: number): number;
  /** As nm prints it: T, t, D, d … */
  letter(index: number): string;
  name(index: number): string;
  /** Whether it may name the address it has: assembler-local labels and `$x` do not. */
  namesAddress(index: number): boolean;
  /** Of several names that an address bears the one of the highest rank is shown. */
  rank(index: number): number;
  /** Whether it names the padding before a function (`__pfx_`). */
  isPadding(index: number): boolean;
  /** The indices of that name, ascending. */
  named(name: string): number[];
}
