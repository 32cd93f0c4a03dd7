/** `p` in crash's layout, which is GDB's: `jiffies = $1 = 4294893708`. */

import { hex } from '../../base/addr.ts';
import type { ExpressionValue, PerCpuAddresses } from '../../query/expression.ts';
import { escapeLine } from './escape.ts';
import { valueLines } from './value.ts';

export function* renderExpression({ subject, number, cast, value, radix }: ExpressionValue): Generator<string> {
  const head = `${subject === undefined ? '' : `${subject} = `}$${number} = ${cast === undefined ? '' : `(${escapeLine(cast)}) `}`;
  const below = value.kind === 'array' || value.kind === 'function';
  if (below) yield head;
  yield* valueLines(value, radix, 0, below ? ' ' : head);
}

export function* renderPerCpuAddresses({ declaration, addresses }: PerCpuAddresses): Generator<string> {
  yield 'PER-CPU DATA TYPE:';
  yield `  ${escapeLine(declaration)};`;
  yield 'PER-CPU ADDRESSES:';
  for (const { cpu, address } of addresses) yield `  [${cpu}]: ${hex(address, 16)}`;
}
