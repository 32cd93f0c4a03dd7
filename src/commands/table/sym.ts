/** sym: symbols by name and by address. */

import { LookupError, UsageError } from '../../base/errors.ts';
import { neighbourOf, symbolAt, symbolsMatching, symbolsNamed } from '../../query/symbol-lookup.ts';
import type { Command } from '../command.ts';
import { parseHex } from '../session.ts';

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
    { flag: '-l', text: 'every symbol' },
    { flag: '-M', text: 'every symbol of the modules' },
    { flag: '-m', value: 'a module', text: 'every symbol of that module' },
    { flag: '-q', value: 'text', text: 'every symbol whose name contains the text' },
    { flag: '-p', text: 'the symbol before, too' },
    { flag: '-n', text: 'the symbol after, too' },
  ],
  description: ['Prints address, type as nm has it, name, module, and where known the file and line.'],
  examples: [
    { line: 'sym vfs_write', text: 'by name' },
    { line: 'sym ffffffff8214d605', text: 'by address: the symbol and the offset in it' },
    { line: 'sym -q nfs_update', text: 'by a part of the name' },
  ],
  completes: 'symbol',
  many: true,
  *run(session, args) {
    const { kernel } = session;
    const module = args.value('-m');
    const part = args.value('-q');
    if (module !== undefined) {
      if (kernel.modules().named(module) === undefined) throw new LookupError('module', module);
      yield* symbolsMatching(kernel, '', { name: module });
    } else if (part !== undefined) yield* symbolsMatching(kernel, part, 'all');
    else if (args.has('-l')) yield* symbolsMatching(kernel, '', 'all');
    else if (args.has('-M')) yield* symbolsMatching(kernel, '', 'modules');
    else if (args.words.length === 0) throw new UsageError('sym wants a symbol or an address ("help sym")');
    for (const word of args.words) {
      const named = kernel.symbols.named(word)[0]?.address;
      const address = parseHex(word);
      const at = named ?? (address === undefined ? undefined : session.address(word));
      if (args.has('-p') && at !== undefined) yield neighbourOf(kernel, at, 'previous');
      if (named !== undefined || address === undefined) yield symbolsNamed(kernel, word);
      else yield symbolAt(kernel, address);
      if (args.has('-n') && at !== undefined) yield neighbourOf(kernel, at, 'next');
    }
  },
};
