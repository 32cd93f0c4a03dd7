/** What a formula is made of, the part first that the value is mainly from. */

import { extended, type Formula } from '../code/formula.ts';

export type Leaf = Extract<Formula, { kind: 'register' | 'memory' | 'constant' }>;

/** Registers and memory, a pointer before what is added to it; a constant only where there is nothing else. */
export function leavesOf(formula: Formula): Leaf[] {
  const all = allLeaves(formula);
  const varying = all.filter(({ kind }) => kind !== 'constant');
  return varying.length > 0 ? varying : all.slice(0, 1);
}

function allLeaves(formula: Formula): Leaf[] {
  switch (formula.kind) {
    case 'constant':
    case 'register':
    case 'memory':
      return [formula];
    case 'extended':
      return allLeaves(formula.of);
    case 'binary':
      return isMerged(formula) ? allLeaves(formula.right) : [...allLeaves(formula.left), ...allLeaves(formula.right)];
    case 'either':
      return [...allLeaves(formula.first), ...allLeaves(formula.second)];
    case 'unknown':
      return [];
  }
}

/** A write of one or two bytes leaves the rest of the register as it was. */
function isMerged({ operation, left }: Extract<Formula, { kind: 'binary' }>): boolean {
  if (operation !== 'or' || left.kind !== 'binary' || left.operation !== 'and') return false;
  return left.left.kind === 'register' && left.right.kind === 'constant';
}

/** The two sides of a formula that a condition decides; undefined of any other. */
export function sidesOf(formula: Formula): { readonly first: Formula; readonly second: Formula } | undefined {
  if (formula.kind === 'either') return formula;
  if (formula.kind === 'binary') return isMerged(formula) ? sidesOf(formula.right) : undefined;
  if (formula.kind !== 'extended') return undefined;
  const inner = sidesOf(formula.of);
  if (inner === undefined) return undefined;
  const { size, signed } = formula;
  return { first: extended(inner.first, size, signed), second: extended(inner.second, size, signed) };
}
