/** Runs one command line's words in a session. */

import { LookupError } from '../base/errors.ts';
import { nearestNames } from '../base/suggest.ts';
import type { Result } from '../query/result.ts';
import type { Command } from './command.ts';
import { parseOptions } from './options.ts';
import type { Session } from './session.ts';
import { commandNames, findCommand } from './table/index.ts';

/** The command a line begins with. Throws LookupError with the nearest names. */
export function commandOf(words: readonly string[]): Command {
  const name = words[0] ?? '';
  const command = findCommand(name);
  if (command === undefined) throw new LookupError('command', name, nearestNames(name, commandNames()));
  return command;
}

/** The results, one at a time: nothing is computed before it is asked for. */
export function runCommand(session: Session, command: Command, args: readonly string[]): Iterable<Result> {
  if (command.raw === true)
    return command.run(session, { has: () => false, value: () => undefined, count: () => 0, words: args });
  return command.run(session, parseOptions(command, args));
}
