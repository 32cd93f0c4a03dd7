/** args, locals: the variables of a frame. */

import { LookupError } from '../../base/errors.ts';
import { nearestNames } from '../../base/suggest.ts';
import type { VariableRow } from '../../query/frame-variables.ts';
import type { VariableReport } from '../../query/chosen-frame.ts';
import type { Command } from '../command.ts';
import { chosenFrame, frameOptions } from '../frame-choice.ts';
import type { ParsedArguments } from '../options.ts';
import { radixOf, type Session } from '../session.ts';

const options = [
  { flag: '-x', text: 'numbers in hexadecimal' },
  { flag: '-d', text: 'numbers in decimal' },
  ...frameOptions,
] as const;

const legend =
  'What is inferred is marked "~" and says from what. "Optimized out" is what the compiler left nowhere; what is lost was in a register that a call may have changed since.';

export const args: Command = {
  name: 'args',
  aliases: [],
  summary: 'the arguments of the chosen frame',
  synopsis: ['args [-x|-d] [-f frame] [--strict]'],
  options,
  words: 'none',
  exclusive: [['-x', '-d']],
  description: [legend],
  examples: [
    { line: 'args', text: 'of the chosen frame' },
    { line: 'args -f 3', text: 'of frame 3 of bt' },
  ],
  many: false,
  *run(session, given) {
    yield reportOf(session, given, (row) => row.argument, false);
  },
};

export const locals: Command = {
  name: 'locals',
  aliases: [],
  summary: 'the local variables of the chosen frame, or one variable whole',
  synopsis: ['locals [-x|-d] [-f frame] [--strict] [name]'],
  options,
  words: { most: 1 },
  exclusive: [['-x', '-d']],
  description: [legend, 'With a name shows that variable or argument, structures whole.'],
  examples: [
    { line: 'locals', text: 'of the chosen frame' },
    { line: 'locals -f 3', text: 'of frame 3 of bt' },
  ],
  many: false,
  *run(session, given) {
    const [name] = given.words;
    const wanted = (row: VariableRow): boolean => (name === undefined ? !row.argument : row.name === name);
    yield reportOf(session, given, wanted, name !== undefined);
  },
};

function reportOf(
  session: Session,
  given: ParsedArguments,
  wanted: (row: VariableRow) => boolean,
  whole: boolean,
): VariableReport {
  const { stack, position } = chosenFrame(session, given);
  const scope = stack.variables(position);
  const variables = scope.variables.filter(wanted);
  const [name] = given.words;
  if (name !== undefined && variables.length === 0) {
    const names = scope.variables.map((row) => row.name);
    throw new LookupError(`variable of ${scope.functionName ?? 'the frame'}`, name, nearestNames(name, names));
  }
  // In C the innermost block's variable is meant.
  const shown = { ...scope, variables: name === undefined ? variables : variables.slice(0, 1) };
  return { type: 'variables', frame: position.number, scope: shown, whole, radix: radixOf(session, given) };
}
