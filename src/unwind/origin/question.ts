/** What a trace asks at each step, and what it makes of an answer. */

import type { Followed } from '../code/activation.ts';
import type { Formula } from '../code/formula.ts';
import { instructionsBetween, type Definition } from '../code/reaching.ts';
import type { Candidate, Cause, OriginChain, OriginStep, Subject } from './chain.ts';
import { valueOf, type Choice } from './choice.ts';
import { leavesOf } from './leaves.ts';
import { evaluateAt, type Moment } from './moment.ts';
import type { Run } from './runs.ts';

export interface Question {
  readonly subject: Subject;
  readonly moment: Moment;
  readonly value: Followed | undefined;
  readonly isAddress: boolean;
  /** What memory holds now is known not to be what was read. */
  readonly isStale: boolean;
}

export const plain = { isAddress: false, isStale: false } as const;

export function stepOf(
  { subject, moment, value, isAddress, isStale }: Question,
  cause: Cause,
  notes: readonly string[],
  others: readonly OriginChain[] = [],
): OriginStep {
  return { subject, at: moment, value, isAddress, isStale, cause, notes, others };
}

/** Two values are believed to be one where nothing in them is inferred. */
export function contradicts(value: Followed | undefined, independent: Followed | undefined): boolean {
  if (value === undefined || independent === undefined || value.value === independent.value) return false;
  return value.notes.length === 0 && independent.notes.length === 0;
}

export function candidates(run: Run, { definitions }: Choice, name: string): Candidate[] {
  return definitions.map((definition) => ({
    site: definition.kind === 'entry' ? undefined : { run, index: definition.index },
    value: valueOf(run.activation, definition, name),
  }));
}

/** A call that does not hand it back as it was. */
export function isCall({ activation }: Run, definition: Definition): boolean {
  return definition.kind === 'instruction' && activation.code.instructions[definition.index]?.kind === 'call';
}

export function isInLoop({ run, index }: Moment, { definitions }: Choice): boolean {
  const { code } = run.activation;
  return definitions.some(
    (one) =>
      one.kind === 'instruction' &&
      (code.successors(index).includes(one.index) || instructionsBetween(code, index, one.index).length > 0),
  );
}

export function sideCandidates(moment: Moment, formula: Formula): Candidate[] {
  return leavesOf(formula).map((leaf) => ({
    site: moment,
    taken: leaf.kind === 'register' ? leaf.name : undefined,
    value: evaluateAt(moment, leaf),
  }));
}

export function storeAt({ run, index }: Moment, address: bigint): { readonly value: Formula } | undefined {
  return run.activation.code
    .effect(index)
    .stores.find(({ place }) => run.activation.evaluate(place.address, index)?.value === address);
}

export function storedBy(moment: Moment, address: bigint): Followed | undefined {
  const store = storeAt(moment, address);
  return store && evaluateAt(moment, store.value);
}

export function incompleteNote({ activation }: Run): string[] {
  const { incomplete } = activation.code;
  return incomplete === undefined ? [] : [`${incomplete}: there may be other ways`];
}

export function marked(value: Followed | undefined, notes: readonly string[]): Followed | undefined {
  if (value === undefined || notes.length === 0) return value;
  return { ...value, notes: [...new Set([...value.notes, ...notes])] };
}

export function keyOf({ subject, moment }: Question): string {
  const what = subject.kind === 'register' ? subject.name : subject.address.toString(16);
  return `${moment.run.frame} ${moment.run.activation.code.start.toString(16)} ${moment.index} ${what}`;
}
