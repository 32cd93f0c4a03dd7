/** The value of an expression, or of a per-CPU variable: the answers to `p`. */

import type { VirtAddr } from '../base/addr.ts';
import { typeName } from '../debuginfo/types/declaration.ts';
import { strip } from '../debuginfo/types/type.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { Value } from '../values/value.ts';
import { valueTree, type ValueNode } from './value-tree.ts';

export interface ExpressionValue {
  readonly type: 'value';
  /** What stands before the value: the name of a variable, `per_cpu(runqueues, 0)`. */
  readonly subject: string | undefined;
  /** `$1` in later expressions. */
  readonly number: number;
  /** The type, in C. */
  readonly valueType: string;
  /** Of a pointer, the type that is shown before it. */
  readonly cast: string | undefined;
  readonly value: ValueNode;
  readonly radix: 10 | 16;
}

/** Where each CPU has its own of a variable. */
export interface PerCpuAddresses {
  readonly type: 'per-cpu';
  readonly declaration: string;
  readonly addresses: readonly { readonly cpu: number; readonly address: VirtAddr }[];
}

export function expressionValue(
  kernel: Kernel,
  space: AddressSpace,
  value: Value,
  show: { readonly subject: string | undefined; readonly number: number; readonly radix: 10 | 16 },
): ExpressionValue {
  const node = valueTree(kernel, value, space);
  return { type: 'value', ...show, valueType: typeName(value.type), cast: castOf(value), value: node };
}

/** GDB shows the type of a pointer; of one to characters it shows the text. */
function castOf(value: Value): string | undefined {
  const bare = strip(value.type);
  if (bare.kind !== 'pointer') return undefined;
  const target = strip(bare.target);
  return target.kind === 'int' && target.name === 'char' ? undefined : typeName(value.type);
}
