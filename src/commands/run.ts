/** Runs one command line's words in a session. */

import { LookupError, NeedResource, UnavailableError } from '../base/errors.ts';
import { beginLosses, type Losses } from '../base/losses.ts';
import type { Result } from '../query/result.ts';
import { whyUnread } from '../query/unread.ts';
import { bareName } from './bare-name.ts';
import type { Command } from './command.ts';
import { parseOptions } from './options.ts';
import type { Session } from './session.ts';
import { findCommand } from './table/index.ts';

export interface Invocation {
  readonly command: Command;
  readonly args: readonly string[];
}

/** `p/x`, `p/d`: gdb's way to write `px`, `pd`. */
const gdbFormat = /^(?:p|print)\/([xd])$/;

/** What the words of a line call: a command of the table, `*name`, or the name of a variable or type alone. */
export function invocationOf(words: readonly string[]): Invocation {
  const [name = '', ...args] = words;
  const command = findCommand(name.replace(gdbFormat, 'p$1'));
  if (command !== undefined) return { command, args };
  const star = /^\*(.*)$/.exec(name)?.[1];
  const struct = star === undefined ? undefined : findCommand('struct');
  if (star !== undefined && struct !== undefined)
    return { command: struct, args: star === '' ? args : [star, ...args] };
  return { command: bareName, args: words };
}

/**
 * The results, one at a time: nothing is computed before it is asked for. Where memory that was looked at is missing,
 * a note behind them says so.
 * @throws UnavailableError where no value that was asked for could be read
 */
export function runCommand(session: Session, { command, args }: Invocation): Iterable<Result> {
  const raw = { has: () => false, value: () => undefined, count: () => 0, words: args };
  return withLosses(answersIn(command.run(session, command.raw === true ? raw : parseOptions(command, args))));
}

function* withLosses(results: Iterable<Result>): Generator<Result> {
  const losses = beginLosses();
  try {
    yield* results;
  } catch (error) {
    // What is not found may be where the dump has no memory.
    const [first] = losses.faults;
    if (error instanceof LookupError && first !== undefined)
      throw new UnavailableError(`${error.message}; it may be in memory that cannot be read: ${first.message}`);
    throw error;
  }
  const message = lossesText(losses);
  if (message !== undefined) yield { type: 'note', message };
}

function lossesText({ faults }: Losses): string | undefined {
  const [first] = faults;
  if (first === undefined) return undefined;
  const more = faults.length === 1 ? '' : `, and ${faults.length - 1} more`;
  return `${first.message}${more}: what is above may lack what was there`;
}

/** Answers without a value in them wait for one that has one: where none comes, the command has failed. */
function* answersIn(results: Iterable<Result>): Generator<Result> {
  const waiting: Result[] = [];
  const reasons: string[] = [];
  let answered = false;
  try {
    for (const result of results) {
      const why = answered ? undefined : whyUnread(result);
      if (why !== undefined) {
        waiting.push(result);
        reasons.push(why);
        continue;
      }
      answered = true;
      yield* waiting.splice(0);
      yield result;
    }
  } catch (error) {
    if (!(error instanceof NeedResource)) yield* waiting;
    throw error;
  }
  if (!answered && reasons.length > 0) throw new UnavailableError(Array.from(new Set(reasons)).join('\n'));
}
