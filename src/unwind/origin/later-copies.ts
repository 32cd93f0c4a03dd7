/** What a register was at an earlier place, from what the instructions behind it made of it and is known now. */

import type { FunctionCode } from '../code/function-code.ts';
import type { Followed } from '../code/activation.ts';
import type { Formula } from '../code/formula.ts';
import { isUnchangedBetween, reachingDefinitions } from '../code/reaching.ts';

/** In instructions: copies are made soon, or never. */
const FURTHEST = 64;

/** A place in a run of a function, and what is known there. */
export interface KnownPlace {
  readonly code: FunctionCode;
  readonly place: number;
  /** A register at that place. */
  known(register: string): Followed | undefined;
  /** Whether control can come from an instruction to that place. */
  leadsHere(index: number): boolean;
}

/** A register before the instruction at an index; undefined where no copy of it is made on every way, and kept. */
export function laterCopy(here: KnownPlace, index: number, register: string): Followed | undefined {
  if (here.code.incomplete !== undefined) return undefined;
  const copied = copyBehind(here, index, register);
  if (copied !== undefined) return copied;
  const [definition, another] = reachingDefinitions(here.code, index, register);
  if (definition === undefined || another !== undefined || definition.kind === 'fixup') return undefined;
  if (definition.kind === 'entry') return index === 0 ? undefined : copyBehind(here, 0, register);
  const next = onlyNext(here, definition.index);
  return next === undefined ? undefined : copyBehind(here, next, register);
}

function copyBehind(here: KnownPlace, index: number, register: string): Followed | undefined {
  const { code, place } = here;
  let at = index;
  for (let step = 0; step < FURTHEST && at !== place; step++) {
    const { registers } = code.effect(at);
    for (const [copy, formula] of registers) {
      const offset = distance(formula, register);
      const known = offset === undefined ? undefined : keptFrom(here, at, copy);
      if (offset !== undefined && known !== undefined)
        return { ...known, value: BigInt.asUintN(64, known.value - offset) };
    }
    const next = registers.has(register) ? undefined : onlyNext(here, at);
    if (next === undefined) return undefined;
    at = next;
  }
  return undefined;
}

/** How much a formula is more than a register: undefined where it is something else. */
function distance(formula: Formula, name: string): bigint | undefined {
  if (formula.kind === 'register') return formula.name === name ? 0n : undefined;
  if (formula.kind !== 'binary' || formula.left.kind !== 'register' || formula.left.name !== name) return undefined;
  if (formula.right.kind !== 'constant') return undefined;
  if (formula.operation === 'add') return formula.right.value;
  return formula.operation === 'subtract' ? -formula.right.value : undefined;
}

/** What a register that the instruction sets holds from there on, up to the place. */
function keptFrom(here: KnownPlace, index: number, register: string): Followed | undefined {
  const next = onlyNext(here, index);
  if (next === undefined) return undefined;
  if (next !== here.place && !isUnchangedBetween(here.code, next, here.place, register)) return undefined;
  return here.known(register);
}

/** The ways that cannot come to the place any more do not count. */
function onlyNext(here: KnownPlace, index: number): number | undefined {
  const leading = here.code.successors(index).filter((next) => here.leadsHere(next));
  return leading.length === 1 ? leading[0] : undefined;
}
