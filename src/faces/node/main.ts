/** From the words of the command line to what answers them. Loads only what that takes. */

import { isatty } from 'node:tty';
import { helpText, parseArguments, type Options } from './arguments.ts';
import { version } from './version.ts';
import { writeFully } from './write-fully.ts';

export type ExitStatus = 0 | 1 | 2 | 3;

export async function main(words: readonly string[]): Promise<ExitStatus> {
  const parsed = parseArguments(words);
  switch (parsed.kind) {
    case 'help':
      writeFully(1, `${helpText()}\n`);
      return 0;
    case 'version':
      writeFully(1, `vmscope ${version}\n`);
      return 0;
    case 'wrong':
      writeFully(2, `vmscope: ${parsed.message}\n`);
      return 2;
    case 'open':
      return open(parsed.options);
  }
}

async function open(options: Options): Promise<ExitStatus> {
  const leavesAtOnce = options.sources.some((source) => source.kind === 'text');
  if (!leavesAtOnce && isatty(0) && isatty(1)) return (await import('./prompt.ts')).runPrompt(options);
  return (await import('./one-shot.ts')).runOneShot(options);
}
