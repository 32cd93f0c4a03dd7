/**
 * The ways through a function that were not taken: what no way from the entry comes by, and branches whose conditions
 * are known. What is known of fewer ways is more, so it is gone round until nothing is added.
 */

import type { FunctionCode } from '../code/function-code.ts';
import { outcomeOf } from './conditions.ts';
import type { RunActivation } from './run-activation.ts';

const MOST_ROUNDS = 6;
/** Branches of one function that are looked at. */
const MOST_BRANCHES = 400;

/**
 * @param make the run of narrowed code
 * @param infer whether conditions that are not proved count
 */
export function narrow(
  activation: RunActivation,
  make: (code: FunctionCode) => RunActivation,
  infer: boolean,
): RunActivation {
  if (activation.code.incomplete !== undefined) return activation;
  const { instructions } = activation.code;
  const taken = new Map<number, boolean>();
  let narrowed = activation;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const before = taken.size;
    addOutcomes(narrowed, infer, taken);
    if (round > 0 && taken.size === before) break;
    const entered = reachedIn(narrowed.code, taken);
    const code = narrowed.code.narrowed((from, to) => entered[from] === 1 && isTaken(narrowed.code, taken, from, to));
    const next = make(code);
    // Conditions that leave no way here are not all true.
    if (instructions.length > 0 && !next.leadsHere(0)) break;
    narrowed = next;
  }
  return narrowed;
}

function isTaken(
  { instructions }: FunctionCode,
  taken: ReadonlyMap<number, boolean>,
  from: number,
  to: number,
): boolean {
  const outcome = taken.get(from);
  const target = instructions[from]?.target;
  return outcome === undefined || target === undefined || outcome === (target === instructions[to]?.address);
}

/** Marks what a way from the entry comes by. */
function reachedIn(code: FunctionCode, taken: ReadonlyMap<number, boolean>): Uint8Array {
  const reached = new Uint8Array(code.instructions.length);
  const waiting = [0];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (reached[at] === 1) continue;
    reached[at] = 1;
    const from = at;
    waiting.push(...code.successors(at).filter((to) => isTaken(code, taken, from, to)));
  }
  return reached;
}

function addOutcomes(activation: RunActivation, infer: boolean, taken: Map<number, boolean>): void {
  let looked = 0;
  for (const [index, { kind }] of activation.code.instructions.entries()) {
    if (kind !== 'branch' || taken.has(index) || !activation.leadsHere(index)) continue;
    if (++looked > MOST_BRANCHES) return;
    const outcome = outcomeOf(activation, index);
    if (outcome !== undefined && (infer || outcome.notes.length === 0)) taken.set(index, outcome.taken);
  }
}
