/** Runs one command line's words in a session. */

import type { Result } from '../query/result.ts';
import { bareName } from './bare-name.ts';
import type { Command } from './command.ts';
import { parseOptions } from './options.ts';
import type { Session } from './session.ts';
import { findCommand } from './table/index.ts';

export interface Invocation {
  readonly command: Command;
  readonly args: readonly string[];
}

/** What the words of a line call: a command of the table, `*name`, or the name of a variable or type alone. */
export function invocationOf(words: readonly string[]): Invocation {
  const [name = '', ...args] = words;
  const command = findCommand(name);
  if (command !== undefined) return { command, args };
  const star = /^\*(.*)$/.exec(name)?.[1];
  const struct = star === undefined ? undefined : findCommand('struct');
  if (star !== undefined && struct !== undefined)
    return { command: struct, args: star === '' ? args : [star, ...args] };
  return { command: bareName, args: words };
}

/** The results, one at a time: nothing is computed before it is asked for. */
export function runCommand(session: Session, { command, args }: Invocation): Iterable<Result> {
  if (command.raw === true)
    return command.run(session, { has: () => false, value: () => undefined, count: () => 0, words: args });
  return command.run(session, parseOptions(command, args));
}
