/** What the names of an expression mean: the kernel's globals; later the locals and registers of a frame before them. */

import type { VirtAddr } from '../base/addr.ts';
import type { TypeCatalog } from '../debuginfo/types/catalog.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { Value } from '../values/value.ts';

export interface Scope {
  readonly types: TypeCatalog;
  /** Where pointers lead. */
  readonly memory: AddressSpace;
  /** A variable or function; undefined where there is none. Throws UsageError where it has no one value. */
  variable(name: string): Value | undefined;
  /** Where a variable is whose type nothing tells: its address has a use all the same. Undefined for any other. */
  untyped(name: string): VirtAddr | undefined;
  /** A per-CPU variable on a CPU; undefined where there is none. */
  perCpu(name: string, cpu: number): Value | undefined;
  isPerCpu(name: string): boolean;
  /** Whether a name stands for a variable or function, of whatever type. */
  isVariable(name: string): boolean;
  /** An earlier value: the last one, or by its number. */
  history(number: number): Value | undefined;
  /** Names near one that is not there. */
  suggestions(name: string): readonly string[];
}
