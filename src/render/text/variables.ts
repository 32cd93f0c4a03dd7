/** Arguments and locals, a line each: kind, declaration, value, and what a pointer leads to. */

import type { VariableReport } from '../../query/chosen-frame.ts';
import type { ScopeVariables, VariableRow } from '../../query/frame-variables.ts';
import { escapeLine } from './escape.ts';
import { valueLines, type Radix } from './value.ts';
import { wordText } from './words.ts';

/** In characters: what of a structure or an array stands on a line. */
const LONGEST_VALUE = 100;

/** Arguments first, as a call names them. */
export function* scopeLines({ variables }: ScopeVariables, radix: Radix, indent: number): Generator<string> {
  const margin = ' '.repeat(indent);
  for (const row of variables) if (row.argument) yield `${margin}arg   ${variableLine(row, radix)}`;
  for (const row of variables) if (!row.argument) yield `${margin}local ${variableLine(row, radix)}`;
}

export function* renderVariables({ scope, whole, radix }: VariableReport): Generator<string> {
  if (whole) for (const row of scope.variables) yield* wholeLines(row, radix);
  else yield* scopeLines(scope, radix, 0);
}

function variableLine(row: VariableRow, radix: Radix): string {
  const [first = '', ...more] = valueLines(row.value, radix, 0);
  const joined = [first, ...more.map((line) => line.trim())].join(' ');
  const shown = joined.length <= LONGEST_VALUE ? joined : `${joined.slice(0, LONGEST_VALUE)}...`;
  return `${head(row)}${shown}${tail(row)}`;
}

function wholeLines(row: VariableRow, radix: Radix): string[] {
  const lines = valueLines(row.value, radix, 0, head(row));
  lines[lines.length - 1] += tail(row);
  return lines;
}

function head({ declaration, provenance }: VariableRow): string {
  return `${escapeLine(declaration)} = ${provenance.kind === 'inferred' ? '~' : ''}`;
}

function tail({ target, provenance }: VariableRow): string {
  const leads = target === undefined ? '' : ` ${wordText(target, 2)}`;
  return `${leads}${provenance.kind === 'inferred' ? `  (~ ${escapeLine(provenance.how)})` : ''}`;
}
