/** origin: where a value of a frame is from. */

import { UsageError } from '../../base/errors.ts';
import { isFollowedRegister, OriginQuestion } from '../../query/origin-question.ts';
import type { Command } from '../command.ts';
import { evaluateWritten, expressionIn } from '../expression-words.ts';
import { chosenFrame, currentSubject, frameOptions } from '../frame-choice.ts';

export const origin: Command = {
  name: 'origin',
  aliases: [],
  summary: 'where a register, variable or expression of a frame has its value from',
  synopsis: ['origin [-f frame] [--strict] register | expression'],
  options: frameOptions,
  description: [
    'Goes back through the machine code of the frame and its callers, from one instruction to the one that set what it works on: a line each, with the value there, what the source calls it, and the line. A register of a caller is as it was before its call.',
    'It ends at memory, a constant, an address on the stack, the result of a function that has returned, or user mode; else it says why it goes no further. Memory is as it is in the dump: where it may have changed since it was read, or has, that is said.',
    'What is not proved is marked "~", with what it rests on; --strict leaves it out. Of an expression the value is shown, and the origin of the variable that it begins with.',
  ],
  examples: [
    { line: 'origin rdi', text: 'of the chosen frame' },
    { line: 'origin -f 4 rbx', text: 'of frame 4 of bt' },
    { line: 'origin --strict rax', text: 'only what is proved' },
  ],
  completes: 'frame value',
  many: false,
  *run(session, args) {
    const { position } = chosenFrame(session, args);
    const written = expressionIn(args.words);
    const { text } = written;
    if (text === '') throw new UsageError('origin wants a register or an expression ("help origin")');
    const infer = !session.strict && !args.has('--strict');
    const question = new OriginQuestion(session.kernel, session.unwinder(), currentSubject(session), infer);
    const register = text.replace(/^[$%]/, '').toLowerCase();
    if (isFollowedRegister(register)) yield question.register(position, register);
    else if (unfollowed.test(register))
      throw new UsageError(`origin follows the general registers, rax to r15: ${register} is none ("regs" shows it)`);
    else
      yield question.expression(position, text, () =>
        evaluateWritten(written, (expression) => session.evaluateIn(position, expression)),
      );
  },
};

/** Other registers, and parts of registers. */
const unfollowed = /^(?:[re]ip|[re]?flags|[c-gs]s|[cd]r\d+|[xyz]mm\d+|k[0-7]|st\d?|e[a-ds][xip]|r\d+[dwb])$/;
