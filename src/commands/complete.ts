/** What a half-typed line may go on with: commands, options, types, members, symbols, tasks, modules. */

import { attempt, VmcoreError } from '../base/errors.ts';
import type { Command, Completes, Option } from './command.ts';
import { expressionNames, symbolNames, typeNames, type Names } from './complete-c.ts';
import { frameValueNames } from './frame-choice.ts';
import { invocationOf } from './run.ts';
import type { Session } from './session.ts';
import { commandNames } from './table/index.ts';

const MOST_CANDIDATES = 200;

export interface Completion {
  readonly candidates: readonly string[];
  /** The part of the line that they replace. */
  readonly word: string;
  /** Whether the name may go on: a member may follow a type, and another member. */
  readonly open: boolean;
}

export const nothing: Completion = { candidates: [], word: '', open: false };

/** Opens and unpacks nothing; what would be needed for an answer and is not there offers nothing. */
export function complete(session: Session, line: string): Completion {
  try {
    return pick(namesFor(session, line.trimStart().split(/\s+/)));
  } catch (error) {
    if (error instanceof VmcoreError) return nothing;
    throw error;
  }
}

function namesFor(session: Session, words: readonly string[]): Names {
  const [first = ''] = words;
  if (words.length === 1 && !first.startsWith('*')) {
    const isName = /\.|->/.test(first);
    return isName ? expressionNames(session, first, true) : { names: commandNames(), word: first, open: false };
  }
  const { command, args } = invocationOf(words);
  const word = args.at(-1) ?? '';
  if (word.startsWith('-')) return { names: command.options.map(({ flag }) => flag), word, open: false };
  const { option, position } = standing(command, command.name === 'name' ? args.slice(1) : args);
  return wordNames(session, option?.completes ?? command.completes, option === undefined ? position : 0, args);
}

/** Where the last word stands: behind an option that wants a value, or as which of the words. */
function standing(command: Command, args: readonly string[]): { option: Option | undefined; position: number } {
  let option: Option | undefined;
  let position = 0;
  for (const arg of args.slice(0, -1)) {
    if (option !== undefined) option = undefined;
    else if (/^-\D/.test(arg))
      option = command.options.find(
        ({ flag, value }) => value !== undefined && (flag === arg || flag === `-${arg.slice(-1)}`),
      );
    else position++;
  }
  return { option, position };
}

function wordNames(
  session: Session,
  completes: Completes | undefined,
  position: number,
  args: readonly string[],
): Names {
  const word = args.at(-1) ?? '';
  const closed = (names: Iterable<string>): Names => ({ names, word, open: false });
  switch (completes) {
    case 'command':
      return closed(commandNames());
    case 'task':
      return closed(session.tasks().tasks.flatMap((task) => attempt(() => String(task.pid)) ?? []));
    case 'module':
      return closed(session.kernel.modules().modules.map(({ name }) => name));
    case 'type':
      if (position === 0) return typeNames(session, word);
      return wordNames(session, 'symbol', position, args);
    case 'frame value':
      return closed(frameValueNames(session, optionValue(args, '-f')));
    case 'symbol':
      if (args.some((arg) => arg.includes('('))) return expressionNames(session, args.join(' '), false);
      return closed(word === '' ? [] : symbolNames(session));
    case 'expression':
      return expressionNames(session, args.join(' '), false);
    case 'type or expression':
      return expressionNames(session, args.join(' '), true);
    case undefined:
      return closed([]);
  }
}

function optionValue(args: readonly string[], flag: string): string | undefined {
  const at = args.lastIndexOf(flag);
  return at < 0 ? undefined : args[at + 1];
}

/** Of too many the last is kept as well: what all begin with is right all the same. */
function pick({ names, word, open }: Names): Completion {
  const found = new Set<string>();
  for (const name of names) if (name.startsWith(word)) found.add(name);
  const sorted = [...found].sort();
  const candidates =
    sorted.length > MOST_CANDIDATES ? [...sorted.slice(0, MOST_CANDIDATES - 1), ...sorted.slice(-1)] : sorted;
  return { candidates, word, open };
}
