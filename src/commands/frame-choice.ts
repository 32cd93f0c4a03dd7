/**
 * Which frame of which stack a command speaks of: that of -f, else the one that `frame` chose, else where an exception
 * came, else the innermost.
 */

import { attempt } from '../base/errors.ts';
import { ChosenStack, framePosition, type FramePosition } from '../query/chosen-frame.ts';
import { stackOfCpu, stackOfTask, type StackSubject } from '../query/stack-walk.ts';
import type { Option } from './command.ts';
import type { ParsedArguments } from './options.ts';
import type { Session } from './session.ts';

export const frameOptions: readonly Option[] = [
  { flag: '-f', value: 'a frame, as in 3 or 3.1', text: 'of this frame; else of the chosen one' },
  { flag: '--strict', text: 'only values that are proved' },
];

/** The stack of the current task. It is walked anew for each command: `mod` may have brought debug information. */
export function currentStack(session: Session, strict = session.strict): ChosenStack {
  return new ChosenStack(session.kernel, session.unwinder(), currentSubject(session), strict);
}

export function currentSubject({ kernel, lostCrashCpu, current }: Session): StackSubject {
  return lostCrashCpu === undefined ? stackOfTask(kernel, current) : stackOfCpu(kernel, lostCrashCpu);
}

export interface FrameChoice {
  readonly stack: ChosenStack;
  readonly position: FramePosition;
}

/** @throws UsageError for what is no number of a frame */
export function chosenFrame(session: Session, args: ParsedArguments): FrameChoice {
  const stack = currentStack(session, session.strict || args.has('--strict'));
  return { stack, position: positionIn(stack, session, args.value('-f')) };
}

/** @param word a frame's number; undefined for the chosen frame. Throws UsageError for what is none. */
export function positionIn(stack: ChosenStack, { frame }: Session, word: string | undefined): FramePosition {
  return word === undefined ? (frame ?? stack.start) : framePosition(word);
}

/** The registers, and the variables of a frame, that one may ask for by name. */
export function frameValueNames(session: Session, frame: string | undefined): string[] {
  const { dwarfRegisters } = session.kernel.target.architecture;
  const variables = attempt(() => {
    const stack = currentStack(session);
    return stack.scope(positionIn(stack, session, frame)).variables.map(({ name }) => name);
  });
  return [...dwarfRegisters.filter((name) => name !== 'rip'), ...(variables ?? [])];
}
