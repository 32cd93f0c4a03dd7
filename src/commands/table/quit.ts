/** quit: the end of a session. The face that reads the lines acts on it. */

import type { Command } from '../command.ts';

export const quit: Command = {
  name: 'quit',
  aliases: ['q', 'exit'],
  summary: 'leave',
  synopsis: ['quit'],
  options: [],
  words: 'none',
  description: ['Ends the session. At the prompt Ctrl-D does the same.'],
  examples: [{ line: 'quit', text: 'leave' }],
  many: true,
  run() {
    return [];
  },
};
