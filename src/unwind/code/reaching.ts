/**
 * Which instructions can have set a register when control comes to a place in a function, and what may have happened
 * on the way between two places. Over all ways through the code: what holds here holds on the way that was taken.
 */

import type { FunctionCode } from './function-code.ts';

export type Definition =
  | { readonly kind: 'instruction'; readonly index: number }
  /** It is as it was when the function was entered. */
  | { readonly kind: 'entry' }
  /** An exception may have led to this instruction, with registers that are not followed. */
  | { readonly kind: 'fixup'; readonly index: number };

/** What can have set a register before the instruction at an index is executed, each once. */
export function reachingDefinitions(code: FunctionCode, index: number, register: string): Definition[] {
  const found: Definition[] = [];
  const seen = new Uint8Array(code.instructions.length);
  const defined = new Uint8Array(code.instructions.length);
  const waiting = [index];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (seen[at] === 1) continue;
    seen[at] = 1;
    if (at === 0) found.push({ kind: 'entry' });
    if (code.isFixup(at)) found.push({ kind: 'fixup', index: at });
    for (const before of code.predecessors(at)) {
      if (!code.effect(before).registers.has(register)) waiting.push(before);
      else if (defined[before] !== 1) {
        defined[before] = 1;
        found.push({ kind: 'instruction', index: before });
      }
    }
  }
  return found;
}

/**
 * The instructions that may be executed after the one at `from` and before the one at `to` is reached the last time:
 * `from` and `to` themselves only where a loop leads through them again.
 */
export function instructionsBetween(code: FunctionCode, from: number, to: number): number[] {
  const after = reachable(code, from, (index) => code.successors(index));
  const before = reachable(code, to, (index) => code.predecessors(index));
  const found: number[] = [];
  for (let index = 0; index < after.length; index++) if (after[index] === 1 && before[index] === 1) found.push(index);
  return found;
}

/** Whether a register has the same value before the instruction at `from` and, on any way there, before that at `to`. */
export function isUnchangedBetween(code: FunctionCode, from: number, to: number, register: string): boolean {
  const keeps = (index: number): boolean => !code.effect(index).registers.has(register) && !code.isFixup(index);
  if (from !== to && (code.isFixup(to) || code.effect(from).registers.has(register))) return false;
  return instructionsBetween(code, from, to).every(keeps);
}

/** Marks what can be reached by at least one step. */
function reachable(code: FunctionCode, start: number, next: (index: number) => readonly number[]): Uint8Array {
  const seen = new Uint8Array(code.instructions.length);
  const waiting = [...next(start)];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (seen[at] === 1) continue;
    seen[at] = 1;
    waiting.push(...next(at));
  }
  return seen;
}
