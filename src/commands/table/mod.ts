/** mod: loaded modules and their debug files. */

import { LookupError, UsageError } from '../../base/errors.ts';
import { nearestNames } from '../../base/suggest.ts';
import type { Module } from '../../kernel/modules.ts';
import { moduleReport, taintReport } from '../../query/module-list.ts';
import type { Result } from '../../query/result.ts';
import { canonicalName } from '../../target/module-file.ts';
import type { Command } from '../command.ts';
import type { ParsedArguments } from '../options.ts';
import type { Session } from '../session.ts';

export const mod: Command = {
  name: 'mod',
  aliases: ['lsmod'],
  summary: 'the loaded modules, and their debug files',
  synopsis: ['mod', 'mod -s module [file]', 'mod -S [folder]', 'mod -d module', 'mod -D', 'mod -t', 'mod -g [-s | -S]'],
  options: [
    {
      flag: '-s',
      value: 'a module',
      completes: 'module',
      text: 'loads its debug file: FILE, or the one that is found',
      mostWords: 1,
    },
    {
      flag: '-S',
      text: 'loads the debug files of all modules now; with FOLDER of those alone that it has a file for, and the others keep theirs',
      mostWords: 1,
    },
    {
      flag: '-d',
      value: 'a module',
      completes: 'module',
      text: 'forgets its debug file: it has none until -s or -S',
      mostWords: 0,
    },
    { flag: '-D', text: 'forgets the debug files of all modules', mostWords: 0 },
    { flag: '-t', text: 'the modules that taint the kernel, and how', mostWords: 0 },
    { flag: '-g', text: 'their sections; with -s or -S: marks where sections begin and end in "sym -m", too' },
    { flag: '-R', text: 'forgets what -s, -S and -d chose: files are found by themselves again' },
    {
      flag: '-r',
      text: 'of crash, to read whole files ahead: no matter here, each is read as far as an answer needs it',
    },
    { flag: '-o', text: 'of crash, another way to load symbols: no matter here, they are read from the dump' },
  ],
  exclusive: [
    ['-s', '-S', '-d', '-D', '-t', '-R'],
    ['-g', '-d', '-D', '-t'],
  ],
  words: { most: 1 },
  description: [
    'A line a module: address of its struct module, name, base of its code, size, and the file its types, lines and locals come from. Files load by themselves when they are first needed: -s and -S are for other places.',
    'A file is looked for by the build-id of the module in the dump (.build-id/), by the debug link of a stripped file, and by name ("_" and "-" are the same): under --mod (or $CRASH_MODULE_PATH) and --debug-dir, beside the dump and the vmlinux, under /usr/lib/debug and /lib/modules; .ko, .ko.debug, and either packed as .xz, .zst or .gz. A file of another build is refused. Where the dump has no build-id of a module, what is left as proof stands behind the file.',
    'The kernel keeps the types of most modules in memory (BTF): those need no file.',
  ],
  examples: [
    { line: 'mod', text: 'every module' },
    { line: 'mod -s nfs /tmp/nfs.ko.xz', text: 'takes that file for nfs' },
    { line: 'mod -S /tmp/modules', text: 'takes every file that fits from that folder' },
    { line: 'mod -t', text: 'which modules are out of tree, unsigned, proprietary …' },
  ],
  many: false,
  *run(session, args) {
    const chosen = args.value('-s');
    const forgotten = args.value('-d');
    const { kernel } = session;
    if (chosen !== undefined) yield loadOne(session, moduleNamed(session, chosen), args);
    else if (args.has('-S')) yield loadAll(session, args);
    else if (args.has('-R')) {
      kernel.moduleDebug.reset();
      yield moduleReport(kernel);
    } else if (args.words[0] !== undefined && !args.has('-r') && !args.has('-o'))
      throw new UsageError(`mod: what is "${args.words[0]}"? "mod -s MODULE FILE" loads a file ("help mod")`);
    else if (forgotten !== undefined) kernel.moduleDebug.forget(moduleNamed(session, forgotten));
    else if (args.has('-D')) for (const module of kernel.modules().modules) kernel.moduleDebug.forget(module);
    else if (args.has('-t')) yield taintReport(kernel);
    else if (!args.has('-o')) yield moduleReport(kernel, { sections: args.has('-g') });
  },
};

/** @throws LookupError */
export function moduleNamed({ kernel }: Session, name: string): Module {
  const modules = kernel.modules();
  const found = modules.named(name) ?? modules.named(canonicalName(name));
  if (found !== undefined) return found;
  const names = modules.modules.map((module) => module.name);
  const among = modules.broken === undefined ? '' : ` (the list of modules is broken: ${modules.broken})`;
  throw new LookupError(`loaded module${among}`, name, nearestNames(name, names));
}

/** @throws OpenError, LookupError where there is no file of its build */
function loadOne(session: Session, module: Module, args: ParsedArguments): Result {
  const { kernel } = session;
  const [path] = args.words;
  kernel.target.moduleFiles.forgetListings();
  if (path !== undefined) kernel.moduleDebug.choose(module, path);
  else {
    const { debug, refusals } = kernel.moduleDebug.load(module, undefined);
    if (debug === undefined) throw new LookupError('debug file', notFound(session, module, refusals));
  }
  if (args.has('-g')) session.sectionMarks.add(module.name);
  return moduleReport(kernel, { only: module });
}

function notFound({ kernel }: Session, module: Module, refusals: readonly string[]): string {
  const { folders, debugRoots } = kernel.target.moduleFiles.places;
  const buildId = module.buildId();
  return [
    `of module ${module.name}${buildId === undefined ? '' : `, build-id ${buildId}`}. "mod -s ${module.name} FILE" takes one`,
    ...refusals,
    ...(buildId === undefined ? [] : debugRoots.map((root) => `  looked for ${root}/.build-id/…`)),
    ...folders.map(({ path, deep }) => `  looked in ${path}${deep ? ' and below' : ''}`),
  ].join('\n');
}

function loadAll(session: Session, args: ParsedArguments): Result {
  const { kernel } = session;
  const [folder] = args.words;
  const files = kernel.target.moduleFiles;
  files.forgetListings();
  if (folder !== undefined && !files.holdsAny(folder) && kernel.target.host.list(folder).length === 0)
    throw new UsageError(`mod -S ${folder}: there is no such folder, or nothing in it`);
  const problems: string[] = [];
  const missing: string[] = [];
  const kept: string[] = [];
  for (const module of kernel.modules().modules) {
    const { debug, refusals } = kernel.moduleDebug.load(module, folder);
    problems.push(...(debug === undefined ? refusals : []));
    if (debug !== undefined) {
      if (args.has('-g')) session.sectionMarks.add(module.name);
    } else if (folder !== undefined && hasFile(session, module)) kept.push(module.name);
    else missing.push(module.name);
  }
  if (kept.length > 0)
    problems.push(`${folder} has no file of this build for these, which keep the file they had: ${kept.join(' ')}`);
  if (missing.length > 0) {
    const places = folder === undefined ? files.places.folders.map(({ path }) => path) : [folder];
    problems.push(`No file of this build was found for: ${missing.join(' ')}`, `Looked in: ${places.join(' ')}`);
  }
  return moduleReport(kernel, { problems });
}

function hasFile({ kernel }: Session, module: Module): boolean {
  const { kind } = kernel.moduleDebug.state(module);
  return kind === 'loaded' || kind === 'found';
}
