/**
 * Which code can have written a constant that is found in memory: a store of that size, so far from its pointer, of
 * that very constant. Only constants that tell are looked for, and only in the functions one names.
 */

import type { FunctionCode } from '../code/function-code.ts';
import type { Formula, MemoryFormula } from '../code/formula.ts';
import { reachingDefinitions } from '../code/reaching.ts';

export interface Writer {
  readonly code: FunctionCode;
  /** The store. */
  readonly index: number;
  /** The instruction that has the constant. */
  readonly constant: number;
}

const LONGEST_CHAIN = 6;
const MOST_WRITERS = 4;

/** Small numbers, errors and masks are written everywhere. */
export function isTelling(value: bigint): boolean {
  const signed = BigInt.asIntN(64, value);
  if (signed >= -0x10000n && signed <= 0x10000n) return false;
  const bits = value.toString(2).replaceAll('0', '').length;
  return bits > 2 && bits < 62 && (value & (value + 1n)) !== 0n;
}

/** Whether memory is read a constant behind a pointer: how far. */
export function displacementOf({ address }: MemoryFormula): bigint | undefined {
  if (address.kind === 'register') return 0n;
  if (address.kind !== 'binary' || address.operation !== 'add' || address.left.kind !== 'register') return undefined;
  return address.right.kind === 'constant' ? address.right.value : undefined;
}

/** Empty where there are too many to tell anything. */
export function writersOf(codes: Iterable<FunctionCode>, read: MemoryFormula, value: bigint): Writer[] {
  const distance = displacementOf(read);
  if (distance === undefined || !isTelling(value)) return [];
  const found: Writer[] = [];
  const looked = new Set<string>();
  for (const code of codes) {
    const key = code.start.toString(16);
    if (looked.has(key)) continue;
    looked.add(key);
    for (const index of code.instructions.keys()) {
      for (const { place, value: stored } of code.effect(index).stores) {
        if (place.size !== read.size || place.segment !== undefined || displacementOf(place) !== distance) continue;
        const constant = constantIn(code, index, stored, value, 0);
        if (constant !== undefined) found.push({ code, index, constant });
        if (found.length > MOST_WRITERS) return [];
      }
    }
  }
  return found;
}

/** The instruction that a formula may have a constant from. */
function constantIn(
  code: FunctionCode,
  index: number,
  formula: Formula,
  value: bigint,
  depth: number,
): number | undefined {
  if (depth > LONGEST_CHAIN) return undefined;
  switch (formula.kind) {
    case 'constant':
      return formula.value === value ? index : undefined;
    case 'extended':
      return BigInt.asUintN(formula.size * 8, value) === value
        ? constantIn(code, index, formula.of, value, depth + 1)
        : undefined;
    case 'either':
      return (
        constantIn(code, index, formula.first, value, depth + 1) ??
        constantIn(code, index, formula.second, value, depth + 1)
      );
    case 'register':
      for (const definition of reachingDefinitions(code, index, formula.name)) {
        if (definition.kind !== 'instruction') continue;
        const from = code.effect(definition.index).registers.get(formula.name);
        const found = from && constantIn(code, definition.index, from, value, depth + 1);
        if (found !== undefined) return found;
      }
      return undefined;
    default:
      return undefined;
  }
}
