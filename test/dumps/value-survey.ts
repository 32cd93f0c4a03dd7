/**
 * Every distinct frame of every task of a dump: what vmscope and drgn know of its arguments and locals. A frame is
 * counted once by its function and address, or the idle threads, which all stand in the same place, hide the others.
 */

import { strip } from '../../src/debuginfo/types/type.ts';
import { scopeVariables, type VariableRow } from '../../src/query/frame-variables.ts';
import { stackOfTask, walkStack } from '../../src/query/stack-walk.ts';
import type { ValueNode } from '../../src/query/value-tree.ts';
import { addressOfValue } from '../../src/values/value.ts';
import { StackVariables, type FrameScope } from '../../src/unwind/variables.ts';
import type { DrgnFrame, Fixture } from './fixture.ts';

export type Knowledge = 'known' | 'inferred' | 'optimized-out' | 'lost' | 'unreadable' | 'failed';

/** A variable of a distinct frame, as both see it. */
export interface SurveyedVariable {
  /** `nfs_updatepage+0x997 page`. */
  readonly where: string;
  readonly argument: boolean;
  readonly knowledge: Knowledge;
  /** Why it has no value, or how it was inferred. */
  readonly why: string | undefined;
  /** A number, or the address of an object; undefined where it has neither. */
  readonly ours: bigint | undefined;
  /** The same of drgn; undefined where it does not know it. */
  readonly drgn: bigint | undefined;
  /** Whether drgn has the frame at all. */
  readonly compared: boolean;
  /** Whether drgn gives it a value, a number or not. */
  readonly knownToDrgn: boolean;
}

export function surveyValues(fixture: Fixture): SurveyedVariable[] {
  const { session } = fixture;
  const { kernel } = session;
  const facts = new Map(fixture.drgn?.tasks.map((task) => [BigInt(task.task), task.frames]));
  const seen = new Set<string>();
  const found: SurveyedVariable[] = [];
  for (const task of session.tasks().tasks) {
    const { frames } = walkStack(session.unwinder(), stackOfTask(kernel, task));
    const stack = new StackVariables(kernel, frames, { infer: true, follow: true });
    const theirs = facts.get(task.address) ?? [];
    for (const [number, frame] of frames.entries()) {
      const scopes = stack.scopes(number);
      const same = theirs.filter((candidate) => candidate.pc !== null && BigInt(candidate.pc) === frame.ip);
      for (const scope of scopes) {
        const key = `${scope.functionName}@${frame.ip}.${scope.inlined}`;
        if (seen.has(key)) continue;
        seen.add(key);
        const position = scope.inlined === 0 ? scopes.length - 1 : scope.inlined - 1;
        const peer = same.length === scopes.length ? same[position] : undefined;
        const rows = scopeVariables(kernel, scope, false).variables;
        for (const [index, row] of rows.entries())
          found.push(surveyed(scope, row, index, peer?.function === scope.functionName ? peer : undefined));
      }
    }
  }
  return found;
}

function surveyed(scope: FrameScope, row: VariableRow, index: number, peer: DrgnFrame | undefined): SurveyedVariable {
  const { name, argument, absence, provenance } = row;
  // Of one name in several blocks drgn shows one.
  const single = scope.variables.filter((other) => other.name === name).length === 1;
  const local = single ? peer?.locals.find((candidate) => candidate.name === name) : undefined;
  const isKnown = local?.kind === 'number' || local?.kind === 'object';
  const variable = scope.variables[index];
  const kind = variable && strip(variable.type).kind;
  const isObject = kind === 'struct' || kind === 'union' || kind === 'array';
  const address = isObject && variable?.value !== undefined ? addressOfValue(variable.value) : undefined;
  return {
    where: `${scope.functionName} ${name}`,
    argument,
    knowledge: absence ?? (provenance.kind === 'inferred' ? 'inferred' : 'known'),
    why: provenance.kind === 'known' ? undefined : provenance.kind === 'inferred' ? provenance.how : provenance.why,
    ours: isObject ? address : numberOf(row.value),
    drgn: isKnown && typeof local.value === 'string' ? BigInt(local.value) : undefined,
    compared: local !== undefined,
    knownToDrgn: isKnown,
  };
}

function numberOf(node: ValueNode): bigint | undefined {
  switch (node.kind) {
    case 'integer':
    case 'character':
    case 'bool':
    case 'enum':
    case 'pointer':
      return node.value;
    default:
      return undefined;
  }
}

/** Those whose numbers differ. */
export function contradictions(variables: readonly SurveyedVariable[]): SurveyedVariable[] {
  return variables.filter(
    ({ ours, drgn }) =>
      ours !== undefined && drgn !== undefined && BigInt.asUintN(64, ours) !== BigInt.asUintN(64, drgn),
  );
}

export interface KnowledgeCount {
  readonly total: number;
  readonly known: number;
  readonly inferred: number;
  readonly optimizedOut: number;
  readonly lost: number;
  readonly unreadable: number;
  readonly failed: number;
  /** Where drgn has the frame and the name: how many those are, and how many each knows of them. */
  readonly compared: number;
  readonly ofTheseOurs: number;
  readonly ofTheseDrgns: number;
}

export function countKnowledge(variables: readonly SurveyedVariable[]): KnowledgeCount {
  const count = (wanted: (variable: SurveyedVariable) => boolean): number => variables.filter(wanted).length;
  const isOurs = ({ knowledge }: SurveyedVariable): boolean => knowledge === 'known' || knowledge === 'inferred';
  return {
    total: variables.length,
    known: count(({ knowledge }) => knowledge === 'known'),
    inferred: count(({ knowledge }) => knowledge === 'inferred'),
    optimizedOut: count(({ knowledge }) => knowledge === 'optimized-out'),
    lost: count(({ knowledge }) => knowledge === 'lost'),
    unreadable: count(({ knowledge }) => knowledge === 'unreadable'),
    failed: count(({ knowledge }) => knowledge === 'failed'),
    compared: count(({ compared }) => compared),
    ofTheseOurs: count((variable) => variable.compared && isOurs(variable)),
    ofTheseDrgns: count(({ compared, knownToDrgn }) => compared && knownToDrgn),
  };
}
