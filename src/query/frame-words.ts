/**
 * Which words of the stack belong to which frame: from its stack pointer up to and with the word that holds the return
 * address to its caller, or the registers of the caller that was interrupted. No stretch goes from one stack to
 * another; a frame whose caller is on another stack has the words to the end of its own.
 */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { holds, type Stack, type Stacks } from '../kernel/stacks.ts';
import type { Task } from '../kernel/tasks.ts';
import type { Frame } from '../unwind/frame.ts';
import { objectTypes } from './object-type.ts';
import { stackWords, WORD, type StackWord } from './stack-words.ts';
import { describeWord, type WordDetail, type WordLabel } from './word-label.ts';

/** 'numbers': no word is looked up. */
export type WordColumns = 'numbers' | WordDetail;

/** The words of each frame, in the order of the frames. The outermost frame has none: nothing tells where it ends. */
export function frameWords(
  kernel: Kernel,
  stacks: Stacks,
  task: Task | undefined,
  frames: readonly Frame[],
  columns: WordColumns,
): StackWord[][] {
  const savedSize = kernel.target.architecture.savedRegisters.size;
  const wordsBy = (describe: (value: VirtAddr) => WordLabel): StackWord[][] =>
    frames.map((frame, number) => {
      const stack = stacks.at(frame.sp, task);
      const next = frames[number + 1];
      if (stack === undefined || next === undefined) return [];
      return stackWords(kernel.memory, frame.sp, endOfFrame(stack, frame, next, savedSize), describe);
    });
  // What one word points at tells of another: all of them are met before any is described.
  if (columns === 3) objectTypes(kernel).learn(valuesOf(wordsBy(describerOf(kernel, 'numbers')).flat()));
  return wordsBy(describerOf(kernel, columns));
}

function* valuesOf(words: readonly StackWord[]): Generator<VirtAddr> {
  for (const { word } of words) if (word.kind === 'number') yield word.value;
}

/** What is said of a word for `-f`, `-F`, `-FF`, `-FFF`. */
export function describerOf(kernel: Kernel, columns: WordColumns): (value: VirtAddr) => WordLabel {
  return columns === 'numbers'
    ? (value) => ({ kind: 'number', value })
    : (value) => describeWord(kernel, value, columns);
}

/** The address behind the last word of a frame. */
function endOfFrame(stack: Stack, { sp }: Frame, next: Frame, savedSize: number): VirtAddr {
  const top = addVirt(stack.base, stack.size);
  if (next.saved === undefined) {
    return holds(stack, next.slot) && next.slot >= sp ? addVirt(next.slot, WORD) : top;
  }
  if (!holds(stack, next.saved.address) || addVirt(next.saved.address, savedSize) < sp) return sp;
  const savedEnd = addVirt(next.saved.address, savedSize);
  const end = next.sp >= savedEnd && next.sp <= top ? next.sp : savedEnd;
  return end <= top ? end : top;
}
