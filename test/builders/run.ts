/** A run of a function in machine code, of which some registers and words of memory are known. */

import { knownValue, type Followed } from '../../src/unwind/code/activation.ts';
import type { FunctionCode } from '../../src/unwind/code/function-code.ts';
import type { Moment } from '../../src/unwind/origin/moment.ts';
import { RunActivation } from '../../src/unwind/origin/run-activation.ts';
import type { Run } from '../../src/unwind/origin/runs.ts';
import { CODE_START } from './code.ts';
import { buildFunctions } from './functions.ts';

export interface BuiltRun {
  /** Hex, with spaces. The disassembler has to be loaded. */
  readonly bytes: string;
  /** The index of the instruction that it stands at. */
  readonly place: number;
  readonly now?: Readonly<Record<string, bigint>>;
  readonly entry?: Readonly<Record<string, bigint>>;
  /** By the address in hexadecimal; whoever reads it does not know whether it was so then. */
  readonly memory?: Readonly<Record<string, bigint>>;
}

export function buildActivation({ bytes, place, now = {}, entry = {}, memory = {} }: BuiltRun): RunActivation {
  const code = buildFunctions([{ name: 'f', bytes }]).at(CODE_START);
  if (code === undefined) throw new Error('no function');
  return activationOf(code, place, { now, entry, memory });
}

/** The same run of other code, such as the same with fewer ways. */
export function activationOf(
  code: FunctionCode,
  place: number,
  { now = {}, entry = {}, memory = {} }: Omit<BuiltRun, 'bytes' | 'place'>,
): RunActivation {
  const valueIn = (values: Readonly<Record<string, bigint>>, name: string): Followed | undefined => {
    const value = values[name];
    return value === undefined ? undefined : knownValue(value);
  };
  return new RunActivation(code, place, {
    now: (name) => valueIn(now, name),
    entry: (name) => valueIn(entry, name),
    memory: (address) => {
      const found = valueIn(memory, address.toString(16));
      return found && { ...found, notes: ['as it is now'], stale: true };
    },
  });
}

/** Where it stands. */
export function momentOf(activation: RunActivation, known: Readonly<Record<string, bigint>>): Moment {
  const run: Run = {
    frame: 0,
    left: false,
    activation,
    likely: activation,
    entered: { kind: 'unknown', why: 'nothing is around it' },
  };
  return {
    run,
    index: activation.place,
    known: new Map(Object.entries(known).map(([name, value]) => [name, knownValue(value)])),
  };
}
