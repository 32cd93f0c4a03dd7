/** sym: symbols by name and by address. */

import { LookupError, UsageError } from '../../base/errors.ts';
import { moduleSymbols } from '../../query/module-symbols.ts';
import {
  kernelSymbols,
  neighbourOf,
  symbolAt,
  symbolsMatching,
  symbolsNamed,
  type SymbolReport,
} from '../../query/symbol-lookup.ts';
import type { Command } from '../command.ts';
import { modulesByBase } from '../../query/module-list.ts';
import { moduleNamed } from './mod.ts';

/** Throws LookupError where there is none. */
function* some(reports: Iterable<SymbolReport>, what: string, wanted: string): Iterable<SymbolReport> {
  let found = false;
  for (const report of reports) {
    found = true;
    yield report;
  }
  if (!found) throw new LookupError(what, wanted);
}

export const sym: Command = {
  name: 'sym',
  aliases: [],
  summary: 'symbols by name or address',
  synopsis: [
    'sym symbol | address ...',
    'sym [-p | -n] symbol | address',
    'sym -q text',
    'sym -l',
    'sym -M',
    'sym -m module',
  ],
  options: [
    { flag: '-l', text: 'every symbol', mostWords: 0 },
    { flag: '-M', text: 'every symbol of the modules', mostWords: 0 },
    { flag: '-m', value: 'a module', completes: 'module', text: 'every symbol of that module', mostWords: 0 },
    { flag: '-q', value: 'text', text: 'every symbol whose name contains the text', mostWords: 0 },
    { flag: '-p', text: 'the symbol before, too' },
    { flag: '-n', text: 'the symbol after, too' },
  ],
  exclusive: [
    ['-l', '-M', '-m', '-q', '-p'],
    ['-l', '-M', '-m', '-q', '-n'],
  ],
  description: [
    'Prints address, type as nm has it, name, module, and where known the file and line of the function itself. Where the address is in code that was inlined, the inlined calls follow, innermost first, each with its own file and line.',
    'Lists of modules have lines where their memory begins and ends, and after "mod -g -s" or "mod -g -S" where their sections do.',
  ],
  examples: [
    { line: 'sym vfs_write', text: 'by name' },
    { line: 'sym vfs_write+0x2b', text: 'the line at an offset' },
    { line: 'sym ffffffff8214d605', text: 'by address: the symbol and the offset in it' },
    { line: 'sym -q nfs_update', text: 'by a part of the name' },
  ],
  completes: 'symbol',
  many: true,
  *run(session, args) {
    const { kernel } = session;
    const module = args.value('-m');
    const part = args.value('-q');
    const { sectionMarks } = session;
    if (module !== undefined) yield* moduleSymbols([moduleNamed(session, module)], sectionMarks);
    else if (part !== undefined) yield* some(symbolsMatching(kernel, part), 'symbol with that text in its name', part);
    else if (args.has('-M') || args.has('-l')) {
      if (args.has('-l')) yield* kernelSymbols(kernel);
      yield* moduleSymbols(modulesByBase(kernel), sectionMarks);
    } else if (args.words.length === 0) throw new UsageError('sym wants a symbol or an address ("help sym")');
    for (const word of args.words) {
      const named = kernel.symbols.named(word)[0]?.address;
      const at = named ?? (/[+]|^(0x)?[0-9a-f]+$/i.test(word) ? session.address(word) : undefined);
      if (args.has('-p') && at !== undefined) yield neighbourOf(kernel, at, 'previous');
      if (named !== undefined || at === undefined) yield symbolsNamed(kernel, word);
      else yield symbolAt(kernel, at);
      if (args.has('-n') && at !== undefined) yield neighbourOf(kernel, at, 'next');
    }
  },
};
