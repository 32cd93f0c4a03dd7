/**
 * The words that may stand first on the command line and then do another thing than open a dump. Each lives in a file
 * of its own, NAME/command.ts, which is loaded when it is asked for (tools/build.mjs makes a program NAME.js of it, so
 * that the start stays one file). A file that bears such a name is opened as `./NAME`.
 */

import type { ExitStatus } from './main.ts';

interface Subcommand {
  /** What follows the word, for `vmscope --help`. */
  readonly usage: string;
  readonly text: string;
  /** Loads what runs it, which gets the words behind its name. */
  load(): Promise<(words: readonly string[]) => Promise<ExitStatus>>;
}

const subcommands: ReadonlyMap<string, Subcommand> = new Map<string, Subcommand>([
  [
    'capture',
    {
      usage: '--qmp SOCKET -o FILE',
      text: 'have QEMU write a dump of its guest; "vmscope capture --help" tells how',
      load: async () => (await import('./capture/command.ts')).capture,
    },
  ],
  [
    'faddr2line',
    {
      usage: 'FILE FUNCTION+OFFSET/SIZE ...',
      text: 'file and line of addresses of a call trace, by a vmlinux or module alone',
      load: async () => (await import('./faddr2line/command.ts')).faddr2line,
    },
  ],
]);

/** What a first word means where it means no file. */
export function subcommandOf(word: string | undefined): Subcommand | undefined {
  return word === undefined ? undefined : subcommands.get(word);
}

/** Lines for `vmscope --help`. */
export function subcommandHelp(): string[] {
  const lines = Array.from(subcommands, ([name, { usage, text }]) => [`  vmscope ${name} ${usage}`, `      ${text}`]);
  return lines.length === 0 ? [] : [...lines.flat(), ''];
}
