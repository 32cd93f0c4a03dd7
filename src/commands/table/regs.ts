/** regs: the registers of a frame, and where each was saved. */

import type { Command } from '../command.ts';
import { chosenFrame, frameOptions } from '../frame-choice.ts';

export const regs: Command = {
  name: 'regs',
  aliases: [],
  summary: 'the registers of the chosen frame, and where each was saved',
  synopsis: ['regs [-f frame] [--strict]'],
  options: frameOptions,
  words: 'none',
  description: [
    'Each register as it was in the frame, and how that is known: the word of the stack where it was saved, "same as below" where the functions called since left it alone, or the CPU. A register that a call may have changed is unknown.',
  ],
  examples: [
    { line: 'regs', text: 'of the chosen frame' },
    { line: 'regs -f 4', text: 'of frame 4 of bt' },
  ],
  many: false,
  *run(session, args) {
    const { stack, position } = chosenFrame(session, args);
    yield stack.registers(position);
  },
};
