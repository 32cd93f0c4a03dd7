/** mod: loaded modules. */

import { moduleReport } from '../../query/module-list.ts';
import type { Command } from '../command.ts';

export const mod: Command = {
  name: 'mod',
  aliases: ['lsmod'],
  summary: 'the loaded modules',
  synopsis: ['mod'],
  options: [],
  words: 'none',
  description: [
    'A line a module: address of its struct module, name, base, size, and the file its debug information comes from. Files are found by themselves where they are of the very build in the dump: beside the dump and the vmlinux (modules/), under /usr/lib/debug and /lib/modules, and under --mod DIR.',
  ],
  examples: [{ line: 'mod', text: 'every module' }],
  many: false,
  *run(session) {
    yield moduleReport(session.kernel);
  },
};
