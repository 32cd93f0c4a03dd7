/**
 * Which way a branch went, where that is known: the comparison before it, on values that are. Conditions and flags:
 * Intel SDM volume 1, appendix B; volume 2, CMP and TEST.
 */

import type { Instruction } from '../../disasm/instruction.ts';
import type { Activation, Followed } from '../code/activation.ts';
import { operandFormula } from '../code/effect.ts';
import { extended, type Formula } from '../code/formula.ts';
import { sidesOf } from './leaves.ts';
import { evaluateAt, type Moment } from './moment.ts';

export interface Outcome {
  readonly taken: boolean;
  /** What it rests on; empty where it is proved. */
  readonly notes: readonly string[];
}

/** The instructions between a comparison and its branch. */
const MOST_BETWEEN = 8;
/** They change no flags. */
const flagless = /^(?:mov|movzx|movsx|movsxd|movabs|lea|nop|push|pop|cmov\w+|set\w+|j\w+)$/;

/** Of the branch at an index; undefined where it is not known. */
export function outcomeOf(activation: Activation, index: number): Outcome | undefined {
  const branch = activation.code.instructions[index];
  if (branch === undefined) return undefined;
  return decided(activation, index, branch.name.slice(1));
}

/** Whether the condition that an instruction ends its name with ("e" of cmove) holds. */
export function decided(activation: Activation, index: number, condition: string): Outcome | undefined {
  const at = comparisonBefore(activation, index);
  const instruction = at === undefined ? undefined : activation.code.instructions[at];
  if (at === undefined || instruction === undefined) return undefined;
  const compared = comparison(activation, at, instruction);
  const holds = compared && test(condition, compared);
  return compared === undefined || holds === undefined ? undefined : { taken: holds, notes: compared.notes };
}

/** Of a conditional move, or a flag that is set, the side that was taken; any other formula as it is; else undefined. */
export function takenSide(
  moment: Moment,
  formula: Formula,
  value: Followed | undefined,
  infer: boolean,
): { readonly formula: Formula; readonly notes: readonly string[] } | undefined {
  const sides = sidesOf(formula);
  if (sides === undefined) return { formula, notes: [] };
  const { activation } = moment.run;
  const name = activation.code.instructions[moment.index]?.name ?? '';
  const condition = /^(?:cmov|set)(\w+)$/.exec(name)?.[1];
  const outcome = condition === undefined ? undefined : decided(activation, moment.index, condition);
  if (outcome !== undefined && (infer || outcome.notes.length === 0))
    return { formula: outcome.taken ? sides.second : sides.first, notes: outcome.notes };
  const fitting = [sides.first, sides.second].filter((side) => {
    const given = evaluateAt(moment, side);
    const isSure = given !== undefined && given.notes.length === 0 && value?.notes.length === 0;
    return !isSure || given.value === value?.value;
  });
  const [only, another] = fitting;
  return only === undefined || another !== undefined ? undefined : { formula: only, notes: [] };
}

interface Comparison {
  readonly kind: 'cmp' | 'test';
  readonly left: bigint;
  readonly right: bigint;
  /** In bits. */
  readonly width: number;
  readonly notes: readonly string[];
}

function comparisonBefore({ code }: Activation, index: number): number | undefined {
  let at = index;
  for (let step = 0; step < MOST_BETWEEN; step++) {
    const [before, another] = code.predecessors(at);
    if (before === undefined || another !== undefined || code.isFixup(at)) return undefined;
    const name = code.instructions[before]?.name ?? '';
    if (name === 'cmp' || name === 'test') return before;
    if (!flagless.test(name)) return undefined;
    at = before;
  }
  return undefined;
}

function comparison(activation: Activation, index: number, { name, operands }: Instruction): Comparison | undefined {
  const [left, right] = operands;
  if (left === undefined || right === undefined || (left.kind !== 'register' && left.kind !== 'memory'))
    return undefined;
  const { size } = left;
  const value = (formula: Formula | undefined): ReturnType<Activation['evaluate']> =>
    formula && activation.evaluate(extended(formula, size), index);
  const [one, other] = [value(operandFormula(left)), value(operandFormula(right))];
  if (one === undefined || other === undefined) return undefined;
  const notes = [...new Set([...one.notes, ...other.notes])];
  return { kind: name === 'cmp' ? 'cmp' : 'test', left: one.value, right: other.value, width: size * 8, notes };
}

/** Undefined for a condition that is not followed: parity, overflow. */
function test(condition: string, compared: Comparison): boolean | undefined {
  const negated = negations[condition];
  if (negated !== undefined) {
    const holds = test(negated, compared);
    return holds === undefined ? undefined : !holds;
  }
  const { kind, width } = compared;
  // A test compares what both have in common with zero.
  const [left, right] = kind === 'cmp' ? [compared.left, compared.right] : [compared.left & compared.right, 0n];
  switch (condition) {
    case 'e':
      return left === right;
    case 'b':
      return left < right;
    case 'be':
      return left <= right;
    case 'l':
      return BigInt.asIntN(width, left) < BigInt.asIntN(width, right);
    case 'le':
      return BigInt.asIntN(width, left) <= BigInt.asIntN(width, right);
    case 's':
      return BigInt.asIntN(width, left - right) < 0n;
    default:
      return undefined;
  }
}

const negations: Readonly<Record<string, string>> = { ne: 'e', ae: 'b', a: 'be', ge: 'l', g: 'le', ns: 's' };
