/**
 * A moment in the run of a function: before an instruction, the last time that it was executed before what came of it.
 * What is known at a later moment is known at an earlier one where nothing on the way between changes it.
 */

import type { Followed } from '../code/activation.ts';
import type { FunctionCode } from '../code/function-code.ts';
import { registersIn, type Formula } from '../code/formula.ts';
import { reachingDefinitions } from '../code/reaching.ts';
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

/** How many instructions that set one what the next reads are followed for a value. */
const DEEPEST = 6;

/** A register at a moment; by the ways that fit memory as it is now alone, it is inferred. */
export function registerAt(moment: Moment, name: string, depth = 0): Followed | undefined {
  const { run, index, known } = moment;
  return (
    known.get(name) ??
    run.activation.before(index, name) ??
    (depth < DEEPEST ? setBefore(moment, name, depth) : undefined) ??
    likely(run.likely.before(index, name))
  );
}

/** What a formula gives at a moment. */
export function evaluateAt(moment: Moment, formula: Formula, depth = 0): Followed | undefined {
  const { run, index } = moment;
  const known = new Map(moment.known);
  for (const name of registersIn(formula)) {
    const value = registerAt(moment, name, depth);
    if (value !== undefined) known.set(name, value);
  }
  return run.activation.evaluate(formula, index, known) ?? likely(run.likely.evaluate(formula, index, known));
}

/** By the one instruction that can have set it. */
function setBefore(moment: Moment, name: string, depth: number): Followed | undefined {
  const { code } = moment.run.activation;
  const [definition, another] = reachingDefinitions(code, moment.index, name);
  if (definition?.kind !== 'instruction' || another !== undefined) return undefined;
  const formula = code.effect(definition.index).registers.get(name);
  if (formula === undefined || formula.kind === 'unknown') return undefined;
  const before = momentBefore(moment, definition.index, (at) => code.effect(at).registers.has(name));
  return evaluateAt(before, formula, depth + 1);
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
