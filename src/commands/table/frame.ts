/** frame, up, down: the frame that args, locals, regs and expressions speak of. */

import { UsageError } from '../../base/errors.ts';
import type { FramePosition } from '../../query/chosen-frame.ts';
import type { Command } from '../command.ts';
import { currentStack, positionIn } from '../frame-choice.ts';
import type { Session } from '../session.ts';

export const frame: Command = {
  name: 'frame',
  aliases: [],
  summary: 'the chosen frame of the stack, or another one',
  synopsis: ['frame [number]'],
  options: [],
  words: { most: 1 },
  description: [
    'Chooses a frame of the current task by its number in bt: 3, or 3.1 for a call that was expanded in place there. From then on args, locals and regs are of that frame, and in expressions its variables come before those of the kernel, and $rdi is its register. Until one is chosen it is the frame where the last exception or interrupt came, else the innermost. Another task ("set") ends the choice.',
  ],
  examples: [{ line: 'frame 4', text: 'choose the frame that bt numbers 4' }],
  many: false,
  *run(session, args) {
    const [word] = args.words;
    const stack = currentStack(session);
    const position = positionIn(stack, session, word);
    const report = stack.report(position);
    if (word !== undefined) session.frame = position;
    yield report;
  },
};

export const up: Command = stepCommand('up', 'the caller of the chosen frame', 'caller');
export const down: Command = stepCommand('down', 'the frame that the chosen one called', 'callee');

function stepCommand(name: 'up' | 'down', summary: string, towards: 'caller' | 'callee'): Command {
  return {
    name,
    aliases: [],
    summary,
    synopsis: [`${name} [count]`],
    options: [],
    words: { most: 1 },
    description: ['Calls that were expanded in place count as frames of their own.'],
    examples: [
      { line: name, text: 'one frame further' },
      { line: `${name} 2`, text: 'two frames further' },
    ],
    many: false,
    *run(session, args) {
      const position = stepped(session, towards, countOf(args.words[0] ?? '1'));
      const report = currentStack(session).report(position);
      session.frame = position;
      yield report;
    },
  };
}

function countOf(word: string): number {
  if (!/^\d{1,6}$/.test(word)) throw new UsageError(`${word} is no number of frames`);
  return Number(word);
}

/** As far as the stack goes. Throws UsageError where that is not a single frame. */
function stepped(session: Session, towards: 'caller' | 'callee', count: number): FramePosition {
  const stack = currentStack(session);
  let position = session.frame ?? stack.start;
  for (let step = 0; step < count; step++) {
    const next = stack[towards](position);
    if (next === undefined && step === 0)
      throw new UsageError(
        towards === 'caller' ? 'this is the outermost frame: nothing known called it' : 'this is the innermost frame',
      );
    if (next === undefined) break;
    position = next;
  }
  return position;
}
