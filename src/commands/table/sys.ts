/** sys: what the dump is of. */

import { systemReport } from '../../query/system.ts';
import type { Command } from '../command.ts';

export const sys: Command = {
  name: 'sys',
  aliases: [],
  summary: 'the kernel, the machine, and what made it panic',
  synopsis: ['sys'],
  options: [],
  words: 'none',
  description: [
    'PANIC is the first cause that the log names: of an oops its first line, not the "Fatal exception" it ends in. Where nothing panicked (a hang, a live machine), it says so.',
  ],
  examples: [{ line: 'sys', text: 'the summary shown when a dump is opened' }],
  many: false,
  *run(session) {
    yield systemReport(session.kernel, session.crash(), session.tasks);
  },
};
