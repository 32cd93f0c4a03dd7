/**
 * Which of the instructions that can have set a register did: those are left out whose value is another one than is
 * known, and those from which no way leads here but by branches that went the other way. What rests on memory as it
 * is in the dump is inferred, and says so.
 */

import type { Followed } from '../code/activation.ts';
import { registersIn } from '../code/formula.ts';
import { reachingDefinitions, type Definition } from '../code/reaching.ts';
import type { RunActivation } from './run-activation.ts';
import type { Run } from './runs.ts';

export interface Choice {
  readonly definitions: readonly Definition[];
  /** Why others were left out, where that is not proved. */
  readonly notes: readonly string[];
}

export const byConditions = 'of the ways to here only this fits the conditions on memory as it is now';

/** @param infer whether what is not proved may decide */
export function chooseDefinitions(
  run: Run,
  index: number,
  register: string,
  value: Followed | undefined,
  infer: boolean,
): Choice {
  const proved = fitting(run.activation, index, register, value);
  if (proved.length <= 1 || !infer) return { definitions: proved, notes: [] };
  const inferred = fitting(run.likely, index, register, value);
  if (inferred.length === 0 || inferred.length === proved.length) return { definitions: proved, notes: [] };
  return { definitions: inferred, notes: [byConditions] };
}

function fitting(
  activation: RunActivation,
  index: number,
  register: string,
  value: Followed | undefined,
): readonly Definition[] {
  const all = reachingDefinitions(activation.code, index, register);
  if (all.length <= 1 || value === undefined || value.notes.length > 0) return all;
  const agreeing = all.filter((definition) => {
    const given = valueOf(activation, definition, register);
    return given === undefined || given.notes.length > 0 || given.value === value.value;
  });
  return agreeing.length === 0 ? all : agreeing;
}

/** What an instruction gives, or what the function was handed. */
export function valueOf(activation: RunActivation, definition: Definition, register: string): Followed | undefined {
  if (definition.kind === 'fixup') return undefined;
  if (definition.kind === 'entry') return activation.before(0, register);
  const formula = activation.code.effect(definition.index).registers.get(register);
  return formula && activation.evaluate(formula, definition.index);
}

/** Whether several instructions do the same to things that have the same origin. */
export function doTheSame({ code }: RunActivation, definitions: readonly Definition[], register: string): boolean {
  const texts = definitions.map((definition) => {
    const formula =
      definition.kind === 'instruction' ? code.effect(definition.index).registers.get(register) : undefined;
    if (definition.kind !== 'instruction' || formula === undefined || formula.kind === 'unknown') return undefined;
    const inputs = [...registersIn(formula)].map((name) => reachingDefinitions(code, definition.index, name));
    return JSON.stringify([formula, inputs], (_key, value: unknown) =>
      typeof value === 'bigint' ? value.toString(16) : value,
    );
  });
  return texts[0] !== undefined && texts.every((text) => text === texts[0]);
}
