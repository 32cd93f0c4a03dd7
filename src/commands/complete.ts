/** What a half-typed line may go on with: commands, options, symbols, tasks. */

import { attempt } from '../base/errors.ts';
import type { Session } from './session.ts';
import { commandNames, findCommand } from './table/index.ts';

const MOST_CANDIDATES = 200;

export interface Completion {
  readonly candidates: readonly string[];
  /** The part of the line that they replace. */
  readonly word: string;
}

export function complete(session: Session, line: string): Completion {
  const words = line.trimStart().split(/\s+/);
  const word = words.at(-1) ?? '';
  const command = findCommand(words[0] ?? '');
  if (words.length <= 1 || command === undefined) return pick(commandNames(), words.length <= 1 ? word : '\0', word);
  if (word.startsWith('-'))
    return pick(
      command.options.map((option) => option.flag),
      word,
      word,
    );
  switch (command.completes) {
    case 'command':
      return pick(commandNames(), word, word);
    case 'symbol':
      return word === '' ? { candidates: [], word } : pick(symbolNames(session), word, word);
    case 'task':
      return pick(
        session.tasks().tasks.flatMap((task) => attempt(() => String(task.pid)) ?? []),
        word,
        word,
      );
    default:
      return command.name === 'foreach'
        ? pick(['bt', 'ps', 'set', 'kernel', 'user', 'active', 'gleader'], word, word)
        : { candidates: [], word };
  }
}

function pick(names: Iterable<string>, start: string, word: string): Completion {
  const candidates = new Set<string>();
  for (const name of names) {
    if (name.startsWith(start)) candidates.add(name);
    if (candidates.size >= MOST_CANDIDATES) break;
  }
  return { candidates: [...candidates].sort(), word };
}

function* symbolNames(session: Session): Generator<string> {
  for (const symbol of session.kernel.symbols.all()) yield symbol.name;
}
