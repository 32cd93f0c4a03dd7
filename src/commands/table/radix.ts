/** hex, dec: the number base in one word, as crash has them. */

import type { Command } from '../command.ts';

function radixCommand(name: string, radix: 10 | 16, word: string): Command {
  return {
    name,
    aliases: [],
    summary: `numbers in ${word} from now on (set radix ${radix})`,
    synopsis: [name],
    options: [],
    words: 'none',
    description: ['Where a command has -x and -d, they go before it.'],
    examples: [{ line: name, text: `offsets of "bt -s" in ${word}` }],
    many: false,
    *run(session) {
      session.radix = radix;
      yield { type: 'text', lines: [`output radix: ${radix} (${word})`] };
    },
  };
}

export const hex: Command = radixCommand('hex', 16, 'hexadecimal');
export const dec: Command = radixCommand('dec', 10, 'decimal');
