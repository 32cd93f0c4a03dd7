/** What the names of an expression stand for. Nothing is read but where a CPU's variables are. */

import { LookupError } from '../base/errors.ts';
import { computedValue, type Value } from '../values/value.ts';
import type { Scope } from './scope.ts';
import type { Expression } from './syntax.ts';

export type Name = Extract<Expression, { kind: 'name' | 'per-cpu' | 'history' }>;

/** @throws LookupError where there is none, UsageError where it has no one value */
export function namedValue(expression: Name, scope: Scope): Value {
  switch (expression.kind) {
    case 'name':
      return variableOrEnumerator(expression.name, scope);
    case 'per-cpu': {
      const found = scope.perCpu(expression.name, expression.cpu);
      if (found === undefined) throw new LookupError('per-CPU variable', expression.name);
      return found;
    }
    case 'history': {
      const found = scope.history(expression.number);
      if (found === undefined) throw new LookupError('earlier value', historyName(expression.number));
      return found;
    }
  }
}

function historyName(number: number): string {
  return number > 0 ? `$${number}` : number === 0 ? '$' : `$$${-number}`;
}

function variableOrEnumerator(name: string, scope: Scope): Value {
  const variable = scope.variable(name);
  if (variable !== undefined) return variable;
  const enumerator = scope.types.enumerator(name);
  if (enumerator !== undefined) return computedValue(enumerator.type, enumerator.value);
  throw new LookupError('symbol', name, scope.suggestions(name));
}
