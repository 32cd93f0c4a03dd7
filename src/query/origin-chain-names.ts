/**
 * The names of a chain's steps. What a value is called follows from what it was made of, so names are given from the
 * end on: `req`, `req->wb_page`, `page->mapping`.
 */

import type { Formula, MemoryFormula } from '../unwind/code/formula.ts';
import type { OriginChain, OriginStep, OriginSubject, Site } from '../unwind/origin/chain.ts';
import { leavesOf } from '../unwind/origin/leaves.ts';
import { displacementOf } from '../unwind/origin/writers.ts';
import type { CName, OriginNames } from './origin-names.ts';

export interface StepNames {
  /** What the step's cause makes of what it is made of. */
  readonly expression: CName | undefined;
  /** The variable that the value is in. */
  readonly variable: CName | undefined;
}

export interface ChainNames {
  readonly steps: readonly StepNames[];
  /** The variable that the last thing is in. */
  readonly last: string | undefined;
}

export function nameChain(names: OriginNames, chain: OriginChain): ChainNames {
  const { steps, last } = chain;
  const found: StepNames[] = [];
  const lastName = last && subjectName(names, last);
  let below = lastName ?? endName(names, chain);
  let value = last?.value?.value;
  for (const step of steps.toReversed()) {
    const expression = expressionOf(names, step, below, value);
    const variable = subjectName(names, step) ?? behindCause(names, step);
    found.unshift({ expression, variable });
    below = variable ?? expression;
    value = step.value?.value;
  }
  return { steps: found, last: lastName?.text };
}

function endName(names: OriginNames, { end }: OriginChain): CName | undefined {
  if (end.kind === 'variable') return names.global(end.address, end.perCpu);
  return end.kind === 'result' && end.callee !== undefined ? names.resultOf(end.callee) : undefined;
}

function subjectName(names: OriginNames, { subject, at }: Pick<OriginSubject, 'subject' | 'at'>): CName | undefined {
  if (at === undefined) return undefined;
  return subject.kind === 'register'
    ? names.inRegister(at, subject.name)
    : names.onStack(at, subject.address, subject.size);
}

function behindCause(names: OriginNames, { subject, cause }: OriginStep): CName | undefined {
  const isSet = cause.kind === 'computed' || cause.kind === 'loaded' || cause.kind === 'reloaded';
  return subject.kind === 'register' && isSet ? names.behind(cause.site, subject.name) : undefined;
}

/**
 * @param below what the thing is called that the step is made of
 * @param value its value
 */
function expressionOf(
  names: OriginNames,
  { cause, subject }: OriginStep,
  below: CName | undefined,
  value: bigint | undefined,
): CName | undefined {
  switch (cause.kind) {
    case 'computed':
      return computed(names, cause.formula, below);
    case 'loaded': {
      const distance = displacementOf(cause.from);
      const [base] = leavesOf(cause.from.address);
      if (base?.kind === 'constant') return below;
      if (base?.kind !== 'register' || distance === undefined) return undefined;
      const pointer = below?.type === undefined ? (names.object(base.name, value) ?? below) : below;
      return names.member(pointer, distance, cause.from.size);
    }
    case 'handed':
      return subject.kind === 'register'
        ? (names.parameter(cause.callee.activation.code, subject.name) ?? below)
        : below;
    case 'reloaded':
      return readThrough(names, cause.site, cause.from) ?? below;
    case 'interrupted':
      return below;
  }
}

/** A word of the stack that is read by a pointer that is a variable. */
function readThrough(names: OriginNames, site: Site, from: MemoryFormula): CName | undefined {
  const [base] = leavesOf(from.address);
  const distance = displacementOf(from);
  if (base?.kind !== 'register' || distance === undefined) return undefined;
  return names.member(names.inRegister(site, base.name), distance, from.size);
}

function computed(names: OriginNames, formula: Formula, below: CName | undefined): CName | undefined {
  if (formula.kind === 'register') return below;
  if (formula.kind === 'extended') return formula.of.kind === 'register' ? below : undefined;
  if (formula.kind !== 'binary' || formula.operation !== 'add' || formula.right.kind !== 'constant') return undefined;
  return formula.left.kind === 'register' ? names.memberAddress(below, formula.right.value) : undefined;
}
