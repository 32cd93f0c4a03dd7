/**
 * Options in crash's dialect: single letters, alone or together (`-lf`), their values as the next word (`-c 0,2-4`).
 * What looks like an option but is a negative number is none.
 */

import { UsageError } from '../base/errors.ts';
import type { Option } from './command.ts';

export interface ParsedArguments {
  has(flag: string): boolean;
  /** The value of an option; undefined where it was not given. The last one counts. */
  value(flag: string): string | undefined;
  readonly words: readonly string[];
}

/** @throws UsageError for an option the command does not have, or one without its value */
export function parseOptions(command: string, options: readonly Option[], args: readonly string[]): ParsedArguments {
  const values = new Map<string, string>();
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
      if (option.value === undefined) {
        values.set(flag, '');
        continue;
      }
      const value = args[index + 1];
      if (position < flags.length - 1 || value === undefined)
        throw new UsageError(`${command}: ${flag} wants a value: ${option.value}`);
      values.set(flag, value);
      index++;
    }
  }
  return { has: (flag) => values.has(flag), value: (flag) => values.get(flag), words };
}
