/**
 * A moment in the run of a function: before an instruction, the last time that it was executed before what came of it.
 * What is known at a later moment is known at an earlier one where nothing on the way between changes it.
 */

import type { Followed } from '../code/activation.ts';
import type { FunctionCode } from '../code/function-code.ts';
import type { Formula } from '../code/formula.ts';
import { byConditions } from './choice.ts';
import type { Run } from './runs.ts';

export interface Moment {
  readonly run: Run;
  readonly index: number;
  /** Registers. */
  readonly known: ReadonlyMap<string, Followed>;
}

/** The moment before an instruction that was executed last of those that `sets` tells, before a later moment. */
export function momentBefore(later: Moment, index: number, sets: (index: number) => boolean): Moment {
  const { run } = later;
  const { code } = run.activation;
  const between = legFrom(code, [...code.successors(index)], later.index, sets);
  return { run, index, known: between === undefined ? new Map() : unchanged(code, later, [index, ...between]) };
}

/** The moment when the function was entered, where nothing that `sets` tells was executed since. */
export function momentOfEntry(later: Moment, sets: (index: number) => boolean): Moment {
  const { run } = later;
  const { code } = run.activation;
  const between = legFrom(code, [0], later.index, sets);
  return { run, index: 0, known: between === undefined ? new Map() : unchanged(code, later, between) };
}

/** A register at a moment; by the ways that were taken alone where they fit, which is inferred. */
export function registerAt({ run, index, known }: Moment, name: string): Followed | undefined {
  return known.get(name) ?? run.activation.before(index, name) ?? likely(run.likely.before(index, name));
}

/** What a formula gives at a moment. */
export function evaluateAt({ run, index, known }: Moment, formula: Formula): Followed | undefined {
  return run.activation.evaluate(formula, index, known) ?? likely(run.likely.evaluate(formula, index, known));
}

function likely(found: Followed | undefined): Followed | undefined {
  return found && { ...found, notes: [...new Set([...found.notes, byConditions])] };
}

function unchanged(code: FunctionCode, { known }: Moment, between: readonly number[]): Map<string, Followed> {
  const changed = new Set(between.flatMap((index) => [...code.effect(index).registers.keys()]));
  return new Map([...known].filter(([name]) => !changed.has(name)));
}

/**
 * The instructions that may be executed from one of `from` on until the one at `to`, without those that `sets` tells.
 * Undefined where an exception may come between, with registers that are not followed.
 */
function legFrom(
  code: FunctionCode,
  from: readonly number[],
  to: number,
  sets: (index: number) => boolean,
): number[] | undefined {
  const leading = new Set<number>();
  const back = [to];
  for (let at = back.pop(); at !== undefined; at = back.pop()) {
    for (const before of code.predecessors(at)) {
      if (leading.has(before) || sets(before)) continue;
      leading.add(before);
      back.push(before);
    }
  }
  const found = new Set<number>();
  const forward = from.filter((index) => leading.has(index));
  for (let at = forward.pop(); at !== undefined; at = forward.pop()) {
    if (found.has(at)) continue;
    found.add(at);
    forward.push(...code.successors(at).filter((next) => leading.has(next)));
  }
  const leg = [...found];
  return leg.some((index) => code.isFixup(index)) || code.isFixup(to) ? undefined : leg;
}
