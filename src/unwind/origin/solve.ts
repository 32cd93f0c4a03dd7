/** What one part of a formula was, from what the whole of it gave. */

import type { Followed } from '../code/activation.ts';
import type { Formula } from '../code/formula.ts';
import type { Leaf } from './leaves.ts';
import { evaluateAt, type Moment } from './moment.ts';

/**
 * The value of a part at a moment.
 * @param value what the formula gave; undefined where that is not known
 */
export function solve(moment: Moment, formula: Formula, part: Leaf, value: Followed | undefined): Followed | undefined {
  const solved = value && inverted(moment, formula, part, value);
  return solved ?? evaluateAt(moment, part);
}

/** Undefined where the result does not tell, as of masked bits. */
function inverted(moment: Moment, formula: Formula, part: Leaf, result: Followed): Followed | undefined {
  if (formula === part) return result;
  if (formula.kind === 'extended') {
    const { of, size } = formula;
    if (of.kind !== 'memory' || of.size > size) return undefined;
    return inverted(moment, of, part, { ...result, value: BigInt.asUintN(8 * of.size, result.value) });
  }
  if (formula.kind !== 'binary') return undefined;
  const { left, right, operation } = formula;
  const isLeft = holds(left, part);
  const rest = isLeft ? right : left;
  const other = holds(rest, part) ? undefined : evaluateAt(moment, rest);
  const value = other && inverses[operation]?.(result.value, other.value, isLeft);
  if (other === undefined || value === undefined) return undefined;
  const notes = [...new Set([...result.notes, ...other.notes])];
  const without = { value: BigInt.asUintN(64, value), notes, stale: result.stale || other.stale };
  return inverted(moment, isLeft ? left : right, part, without);
}

type Inverse = (result: bigint, other: bigint, isLeft: boolean) => bigint;

const inverses: Readonly<Partial<Record<string, Inverse>>> = {
  add: (result, other) => result - other,
  subtract: (result, other, isLeft) => (isLeft ? result + other : other - result),
  xor: (result, other) => result ^ other,
};

function holds(formula: Formula, part: Formula): boolean {
  if (formula === part) return true;
  switch (formula.kind) {
    case 'binary':
      return holds(formula.left, part) || holds(formula.right, part);
    case 'extended':
      return holds(formula.of, part);
    case 'either':
      return holds(formula.first, part) || holds(formula.second, part);
    default:
      return false;
  }
}
