/**
 * The words of the command line. One table of options makes the parser and the help. Nothing of the engine is loaded:
 * `--help` and `--version` answer at once.
 */

import { optionHelp, readOptions, type OptionRow } from './option-words.ts';
import { subcommandHelp } from './subcommands.ts';

/** Where command lines come from besides standard input, in the order given. */
export type CommandSource =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string };

export interface Options {
  /** The dump or the parts of a split one, and perhaps its vmlinux, in any order. */
  readonly files: readonly string[];
  readonly sources: readonly CommandSource[];
  readonly silent: boolean;
  readonly json: boolean;
  readonly moduleFolders: readonly string[];
  readonly debugFolders: readonly string[];
  readonly sourceFolders: readonly string[];
  /** Only values that are proved. */
  readonly strict: boolean;
  /** Servers for debug information, empty where the usual ones are meant; undefined where none were allowed. */
  readonly debuginfod: string | undefined;
  /** False: the dump alone is read. */
  readonly lookForFiles: boolean;
  /** In bytes: how much of the dump's memory is kept; undefined for the usual amount. */
  readonly cacheBytes: number | undefined;
  /** Pages that the dump's filter left out are read as zero. */
  readonly zeroExcluded: boolean;
}

export type Arguments =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'wrong'; readonly message: string }
  | { readonly kind: 'open'; readonly options: Options };

interface Draft {
  sources: CommandSource[];
  silent: boolean;
  json: boolean;
  moduleFolders: string[];
  debugFolders: string[];
  sourceFolders: string[];
  strict: boolean;
  debuginfod: string | undefined;
  lookForFiles: boolean;
  cache: string | undefined;
  zeroExcluded: boolean;
  answer: 'help' | 'version' | undefined;
}

const rows: readonly OptionRow<Draft>[] = [
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
  {
    names: ['--debuginfod'],
    value: 'URLS',
    optional: true,
    text: 'fetch what is found nowhere from debuginfod servers: these, or those of $DEBUGINFOD_URLS',
    apply: (to, urls) => (to.debuginfod = urls),
  },
  {
    names: ['--no-debuginfo'],
    text: 'look for no vmlinux and no module files: read the dump alone',
    apply: (to) => (to.lookForFiles = false),
  },
  {
    names: ['--src'],
    value: 'DIR',
    text: "show lines of the kernel's source from DIR (may be repeated)",
    apply: (to, folder) => to.sourceFolders.push(folder),
  },
  {
    names: ['--strict'],
    text: 'show only values that are proved, none that are inferred',
    apply: (to) => (to.strict = true),
  },
  {
    names: ['--cache'],
    value: 'SIZE',
    text: "keep up to SIZE of the dump's pages in memory: 64M where nothing is said (K, M, G)",
    apply: (to, size) => (to.cache = size),
  },
  {
    names: ['--zero-excluded', '--zero_excluded'],
    text: 'read pages that the dump leaves out (makedumpfile -d) as zero, and mark the answers',
    apply: (to) => (to.zeroExcluded = true),
  },
  { names: ['-h', '--help'], text: 'show this', apply: (to) => (to.answer = 'help') },
  { names: ['--version'], text: 'show the version', apply: (to) => (to.answer = 'version') },
];

const SMALLEST_CACHE = 1 << 20;
const LARGEST_CACHE = 64 * 2 ** 30;

export function parseArguments(words: readonly string[]): Arguments {
  const draft: Draft = {
    sources: [],
    silent: false,
    json: false,
    moduleFolders: [],
    debugFolders: [],
    sourceFolders: [],
    strict: false,
    debuginfod: undefined,
    lookForFiles: true,
    cache: undefined,
    zeroExcluded: false,
    answer: undefined,
  };
  const read = readOptions(rows, words, draft);
  if ('wrong' in read) return wrong(read.wrong);
  const { answer, cache, ...rest } = draft;
  const cacheBytes = cache === undefined ? undefined : parseSize(cache);
  if (cache !== undefined && !(cacheBytes !== undefined && cacheBytes >= SMALLEST_CACHE && cacheBytes <= LARGEST_CACHE))
    return wrong(`--cache wants a size from 1M to 64G, not ${cache}`);
  const options = { files: read.rest, cacheBytes, ...rest };
  if (answer !== undefined) return { kind: answer };
  if (options.files.includes('')) return wrong('a file name is empty');
  if (options.files.length === 0) return wrong('which dump? usage: vmscope [options] [vmlinux] vmcore');
  const address = options.files.find((file) => /^https?:\/\//.test(file));
  if (address !== undefined && options.debuginfod === '')
    return wrong(`servers stand behind "=": --debuginfod=${address}`);
  return { kind: 'open', options };
}

/** Of "64M": K, M and G are powers of 1024. Undefined where it is no size. */
function parseSize(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,15})([KMG]?)$/i.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * 1024 ** ['', 'K', 'M', 'G'].indexOf(unit.toUpperCase());
}

function wrong(message: string): Arguments {
  return { kind: 'wrong', message: `${message} ("vmscope --help" lists the options)` };
}

export function helpText(): string {
  return [
    'usage: vmscope [options] [vmlinux] vmcore',
    '',
    'Opens the memory image of a crashed Linux kernel. The vmlinux is found by its build-id where',
    'it is not named; the order of the two files is free. At a terminal a prompt opens; elsewhere',
    'commands are read from standard input, a line each.',
    '',
    ...optionHelp(rows),
    '',
    '  vmscope vmcore                        the prompt; "help" there lists the commands',
    "  vmscope vmcore -c 'bt; log | tail'    one shot",
    "  vmscope vmcore --json -c 'foreach bt' for programs",
    '',
    ...subcommandHelp(),
    'Exit status: 0 all answered, 1 a command failed, 2 wrong usage, 3 the dump could not be opened.',
  ].join('\n');
}
