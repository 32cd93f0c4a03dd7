/** The whole of a task's stack, word by word. */

import { addVirt } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Stacks } from '../kernel/stacks.ts';
import type { StackSubject, TaskHeader } from './stack-walk.ts';
import { stackWords, type StackWord } from './stack-words.ts';
import { describeSymbol } from './word-label.ts';

export interface RawStack {
  readonly type: 'raw-stack';
  readonly header: TaskHeader;
  readonly words: readonly StackWord[];
  /** Why there is none. */
  readonly unavailable: string | undefined;
}

export function rawStack(kernel: Kernel, stacks: Stacks, { header, task }: StackSubject): RawStack {
  const stack = task && attempt(() => stacks.ofTask(task));
  const result = { type: 'raw-stack', header } as const;
  if (stack === undefined) return { ...result, words: [], unavailable: 'where its stack is cannot be read' };
  if (stack.base === 0n) return { ...result, words: [], unavailable: 'it has given up its stack' };
  const top = addVirt(stack.base, stack.size);
  return {
    ...result,
    words: stackWords(
      kernel.memory,
      stack.base,
      top,
      (value) => describeSymbol(kernel, value) ?? { kind: 'number', value },
    ),
    unavailable: undefined,
  };
}
