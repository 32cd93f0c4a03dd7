/** What the names of an expression mean: the kernel's globals; later the locals and registers of a frame before them. */

import type { TypeCatalog } from '../debuginfo/types/catalog.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { Value } from '../values/value.ts';

export interface Scope {
  readonly types: TypeCatalog;
  /** Where pointers lead. */
  readonly memory: AddressSpace;
  /** A variable or function; undefined where there is none. Throws UsageError where it has no one value. */
  variable(name: string): Value | undefined;
  /** A per-CPU variable on a CPU; undefined where there is none. */
  perCpu(name: string, cpu: number): Value | undefined;
  isPerCpu(name: string): boolean;
  /** An earlier value: the last one, or by its number. */
  history(number: number | undefined): Value | undefined;
  /** Names near one that is not there. */
  suggestions(name: string): readonly string[];
}
