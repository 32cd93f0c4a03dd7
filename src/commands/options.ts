/**
 * Options in crash's dialect: single letters, alone or together (`-lf`), their values as the next word (`-c 0,2-4`).
 * What looks like an option but is a negative number is none. What the command would not heed is refused: words too
 * many, options that exclude each other.
 */

import { UsageError } from '../base/errors.ts';
import type { Command } from './command.ts';

export interface ParsedArguments {
  has(flag: string): boolean;
  /** The value of an option; undefined where it was not given. The last one counts. */
  value(flag: string): string | undefined;
  /** How often an option was given: twice in `-FF` and in `-F -F`. */
  count(flag: string): number;
  readonly words: readonly string[];
}

/** What a row of the command table says of its arguments. */
export type ArgumentRules = Pick<Command, 'name' | 'options' | 'words' | 'exclusive'>;

/** @throws UsageError for an option the command does not have or that lacks its value, and for what excludes another */
export function parseOptions(rules: ArgumentRules, args: readonly string[]): ParsedArguments {
  const { name: command, options } = rules;
  const values = new Map<string, string>();
  const counts = new Map<string, number>();
  const words: string[] = [];
  const byLongName = new Map(options.map((option) => [option.flag, option]));
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? '';
    if (!byLongName.has(word) && !/^-[^\d]/.test(word)) {
      words.push(word);
      continue;
    }
    const whole = byLongName.get(word);
    const flags = whole === undefined ? Array.from(word.slice(1), (letter) => `-${letter}`) : [word];
    for (const [position, flag] of flags.entries()) {
      const option = byLongName.get(flag);
      if (option === undefined)
        throw new UsageError(`${command}: there is no option ${flag}; "help ${command}" lists them`);
      counts.set(flag, (counts.get(flag) ?? 0) + 1);
      if (option.value === undefined) {
        values.set(flag, '');
        continue;
      }
      const value = args[index + 1] ?? (option.lone === true ? '' : undefined);
      if (position < flags.length - 1 || value === undefined)
        throw new UsageError(`${command}: ${flag} wants a value: ${option.value}`);
      values.set(flag, value);
      index++;
    }
  }
  checkExclusive(rules, values);
  checkWords(rules, values, words);
  return {
    has: (flag) => values.has(flag),
    value: (flag) => values.get(flag),
    count: (flag) => counts.get(flag) ?? 0,
    words,
  };
}

function checkExclusive({ name, exclusive = [] }: ArgumentRules, given: ReadonlyMap<string, string>): void {
  for (const group of exclusive) {
    const [one, other] = group.filter((flag) => given.has(flag));
    if (one !== undefined && other !== undefined)
      throw new UsageError(`${name}: ${one} and ${other} exclude each other`);
  }
}

function checkWords(rules: ArgumentRules, given: ReadonlyMap<string, string>, words: readonly string[]): void {
  const most = rules.words === undefined ? Infinity : rules.words === 'none' ? 0 : rules.words.most;
  const tooMany = words[most];
  if (tooMany !== undefined)
    throw new UsageError(
      `${rules.name} takes ${most === 0 ? 'no words' : `no more than ${most} word${most === 1 ? '' : 's'}`}: what is "${tooMany}"? ("help ${rules.name}")`,
    );
  for (const { flag, mostWords = Infinity } of rules.options) {
    const extra = words[mostWords];
    if (given.has(flag) && extra !== undefined)
      throw new UsageError(`${rules.name}: ${flag} and "${extra}" exclude each other ("help ${rules.name}")`);
  }
}
