/**
 * How far the stack pointer is from where it was at the entry, at each instruction of a function: pushes and pops
 * between come to the same on every way.
 */

import type { Formula } from '../code/formula.ts';
import type { FunctionCode } from '../code/function-code.ts';

const kept = new WeakMap<FunctionCode, readonly (bigint | undefined)[]>();

/** In bytes, negative; undefined where two ways differ, or the stack pointer is computed otherwise. */
export function stackDepth(code: FunctionCode, index: number): bigint | undefined {
  let depths = kept.get(code);
  if (depths === undefined) {
    depths = depthsOf(code);
    kept.set(code, depths);
  }
  return depths[index];
}

function depthsOf(code: FunctionCode): (bigint | undefined)[] {
  const depths: (bigint | undefined)[] = [0n];
  const differing = new Set<number>();
  const waiting = [0];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const before = depths[at];
    const moved = moveOf(code.effect(at).registers.get('rsp'));
    const after = before === undefined || moved === undefined ? undefined : before + moved;
    for (const next of code.successors(at)) {
      if (differing.has(next)) continue;
      const isNew = !(next in depths);
      if (!isNew && depths[next] === after) continue;
      if (!isNew) differing.add(next);
      depths[next] = isNew ? after : undefined;
      waiting.push(next);
    }
  }
  return depths;
}

function moveOf(formula: Formula | undefined): bigint | undefined {
  if (formula === undefined) return 0n;
  if (formula.kind !== 'binary' || formula.right.kind !== 'constant') return undefined;
  if (formula.left.kind !== 'register' || formula.left.name !== 'rsp') return undefined;
  const by = BigInt.asIntN(64, formula.right.value);
  return formula.operation === 'add' ? by : formula.operation === 'subtract' ? -by : undefined;
}
