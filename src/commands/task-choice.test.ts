/** User tasks and the kernel's own. */

import { describe, expect, it } from 'vitest';
import { virtAddr } from '../base/addr.ts';
import { isUserTask } from './task-choice.ts';

describe('isUserTask', () => {
  const mm = virtAddr(0xffff_8880_0000_1000n);
  const none = virtAddr(0n);

  it.each([
    ['a process', { pid: 1, mm, isKernelThread: false }, true],
    ['a kernel thread', { pid: 2, mm: none, isKernelThread: true }, false],
    ['an idle task that is not marked', { pid: 0, mm: none, isKernelThread: false }, false],
    ['a zombie, which has given up its mm', { pid: 7, mm: none, isKernelThread: false }, true],
  ])('%s', (_name, task, user) => {
    expect(isUserTask(task)).toBe(user);
  });
});
