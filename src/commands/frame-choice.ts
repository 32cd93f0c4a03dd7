/** Which frame of which stack a command speaks of: that of -f, else the one that `frame` chose, else the innermost. */

import { ChosenStack, framePosition, type FramePosition } from '../query/chosen-frame.ts';
import { stackOfCpu, stackOfTask } from '../query/stack-walk.ts';
import type { Option } from './command.ts';
import type { ParsedArguments } from './options.ts';
import type { Session } from './session.ts';

export const frameOptions: readonly Option[] = [
  { flag: '-f', value: 'a frame, as in 3 or 3.1', text: 'of this frame; else of the chosen one' },
  { flag: '--strict', text: 'only values that are proved' },
];

/** The stack of the current task. It is walked anew for each command: `mod` may have brought debug information. */
export function currentStack(session: Session, strict = session.strict): ChosenStack {
  const { kernel, lostCrashCpu } = session;
  const subject = lostCrashCpu === undefined ? stackOfTask(kernel, session.current) : stackOfCpu(kernel, lostCrashCpu);
  return new ChosenStack(kernel, session.unwinder(), subject, strict);
}

export interface FrameChoice {
  readonly stack: ChosenStack;
  readonly position: FramePosition;
}

/** @throws UsageError for what is no number of a frame */
export function chosenFrame(session: Session, args: ParsedArguments): FrameChoice {
  const word = args.value('-f');
  const position = word === undefined ? (session.frame ?? { number: 0, inlined: 0 }) : framePosition(word);
  return { stack: currentStack(session, session.strict || args.has('--strict')), position };
}
