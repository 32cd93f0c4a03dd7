/** From the words of the command line to what answers them. Loads only what that takes. */

import { fstatSync } from 'node:fs';
import { assertNever } from '../../base/errors.ts';
import { helpText, parseArguments, type Options } from './arguments.ts';
import { subcommandOf } from './subcommands.ts';
import { version } from './version.ts';
import { complain, tell } from './write-fully.ts';

export type ExitStatus = 0 | 1 | 2 | 3;

export async function main(words: readonly string[]): Promise<ExitStatus> {
  const subcommand = subcommandOf(words[0]);
  if (subcommand !== undefined) return (await subcommand.load())(words.slice(1));
  const parsed = parseArguments(words);
  switch (parsed.kind) {
    case 'help':
      return tell(`${helpText()}\n`);
    case 'version':
      return tell(`vmscope ${version}\n`);
    case 'wrong':
      complain(`vmscope: ${parsed.message}`);
      return 2;
    case 'open':
      return open(parsed.options);
    default:
      return assertNever(parsed);
  }
}

async function open(options: Options): Promise<ExitStatus> {
  const leavesAtOnce = options.sources.some((source) => source.kind === 'text');
  if (!leavesAtOnce && (await isTerminal(0)) && (await isTerminal(1)))
    return (await import('./prompt.ts')).runPrompt(options);
  return (await import('./one-shot.ts')).runOneShot(options);
}

/** What is no character device is no terminal, and costs no loading of what knows terminals. */
async function isTerminal(descriptor: number): Promise<boolean> {
  try {
    return fstatSync(descriptor).isCharacterDevice() && (await import('node:tty')).isatty(descriptor);
  } catch {
    return false;
  }
}
