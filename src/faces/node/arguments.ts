/**
 * The words of the command line. One table of options makes the parser and the help. Nothing of the engine is loaded:
 * `--help` and `--version` answer at once.
 */

import { nearestNames } from '../../base/suggest.ts';
import { subcommandHelp } from './subcommands.ts';

/** Where command lines come from besides standard input, in the order given. */
export type CommandSource =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string };

export interface Options {
  /** One or two: the dump, and perhaps its vmlinux, in either order. */
  readonly files: readonly string[];
  readonly sources: readonly CommandSource[];
  readonly silent: boolean;
  readonly json: boolean;
  readonly moduleFolders: readonly string[];
  readonly debugFolders: readonly string[];
}

export type Arguments =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'wrong'; readonly message: string }
  | { readonly kind: 'open'; readonly options: Options };

interface OptionRow {
  readonly names: readonly string[];
  /** What its value is; undefined for a switch. */
  readonly value?: string;
  readonly text: string;
  apply(to: Draft, value: string): void;
}

interface Draft {
  files: string[];
  sources: CommandSource[];
  silent: boolean;
  json: boolean;
  moduleFolders: string[];
  debugFolders: string[];
  answer: 'help' | 'version' | undefined;
}

const rows: readonly OptionRow[] = [
  {
    names: ['-c'],
    value: 'COMMANDS',
    text: "run these and leave: -c 'bt; log' (may be repeated)",
    apply: (to, text) => to.sources.push({ kind: 'text', text }),
  },
  {
    names: ['-i'],
    value: 'FILE',
    text: 'run the commands in FILE, a line each; at a terminal the prompt follows',
    apply: (to, path) => to.sources.push({ kind: 'file', path }),
  },
  {
    names: ['-s'],
    text: 'do not begin with what the dump is of',
    apply: (to) => (to.silent = true),
  },
  {
    names: ['--json'],
    text: 'answer in JSON, one line a command',
    apply: (to) => (to.json = true),
  },
  {
    names: ['--mod'],
    value: 'DIR',
    text: 'look for module files (*.ko, *.ko.debug, *.ko.xz) in DIR first (may be repeated)',
    apply: (to, folder) => to.moduleFolders.push(folder),
  },
  {
    names: ['--debug-dir'],
    value: 'DIR',
    text: 'look for vmlinux and modules in DIR first (may be repeated)',
    apply: (to, folder) => to.debugFolders.push(folder),
  },
  { names: ['-h', '--help'], text: 'show this', apply: (to) => (to.answer = 'help') },
  { names: ['--version'], text: 'show the version', apply: (to) => (to.answer = 'version') },
];

export function parseArguments(words: readonly string[]): Arguments {
  const draft: Draft = {
    files: [],
    sources: [],
    silent: false,
    json: false,
    moduleFolders: [],
    debugFolders: [],
    answer: undefined,
  };
  let onlyFiles = false;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (onlyFiles || word === '-' || !word.startsWith('-')) {
      draft.files.push(word);
      continue;
    }
    if (word === '--') {
      onlyFiles = true;
      continue;
    }
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const name = equals < 0 ? word : word.slice(0, equals);
    const row = rows.find((candidate) => candidate.names.includes(name));
    if (row === undefined) return wrong(unknownOption(name));
    if (row.value === undefined) {
      if (equals >= 0) return wrong(`${name} takes no value`);
      row.apply(draft, '');
      continue;
    }
    const value = equals < 0 ? words[++index] : word.slice(equals + 1);
    if (value === undefined || value === '') return wrong(`${name} wants a value: ${row.value}`);
    row.apply(draft, value);
  }
  const { answer, ...options } = draft;
  if (answer !== undefined) return { kind: answer };
  if (options.files.includes('')) return wrong('a file name is empty');
  if (options.files.length === 0) return wrong('which dump? usage: vmscope [options] [vmlinux] vmcore');
  if (options.files.length > 2) {
    return wrong(
      `a dump and its vmlinux are wanted, but ${options.files.length} files are named: ${options.files.join(' ')}`,
    );
  }
  return { kind: 'open', options };
}

function wrong(message: string): Arguments {
  return { kind: 'wrong', message: `${message} ("vmscope --help" lists the options)` };
}

function unknownOption(name: string): string {
  const [nearest] = nearestNames(
    name,
    rows.flatMap((row) => row.names).filter((known) => known.length > 2),
  );
  return `there is no option ${name}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
}

export function helpText(): string {
  const left = rows.map((row) => `${row.names.join(', ')}${row.value === undefined ? '' : ` ${row.value}`}`);
  const width = Math.max(...left.map((text) => text.length));
  return [
    'usage: vmscope [options] [vmlinux] vmcore',
    '',
    'Opens the memory image of a crashed Linux kernel. The vmlinux is found by its build-id where',
    'it is not named; the order of the two files is free. At a terminal a prompt opens; elsewhere',
    'commands are read from standard input, a line each.',
    '',
    ...rows.map((row, index) => `  ${(left[index] ?? '').padEnd(width)}  ${row.text}`),
    '',
    '  vmscope vmcore                        the prompt; "help" there lists the commands',
    "  vmscope vmcore -c 'bt; log | tail'    one shot",
    "  vmscope vmcore --json -c 'foreach bt' for programs",
    '',
    ...subcommandHelp(),
    'Exit status: 0 all answered, 1 a command failed, 2 wrong usage, 3 the dump could not be opened.',
  ].join('\n');
}
