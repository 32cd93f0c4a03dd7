/**
 * Task states as two letters, as crash has them, by the values of 4.14 and later.
 * Kernel include/linux/sched.h, fs/proc/array.c.
 */

import type { Task } from './tasks.ts';

const TASK_INTERRUPTIBLE = 0x1;
const TASK_UNINTERRUPTIBLE = 0x2;
const TASK_STOPPED = 0x4;
const TASK_TRACED = 0x8;
const EXIT_DEAD = 0x10;
const EXIT_ZOMBIE = 0x20;
const TASK_PARKED = 0x40;
const TASK_DEAD = 0x80;
const TASK_WAKING = 0x200;
const TASK_NOLOAD = 0x400;
const TASK_NEW = 0x800;
/** Since 5.17 (PREEMPT_RT) and 6.1; the kernel reports both as uninterruptible. */
const TASK_RTLOCK_WAIT = 0x1000;
const TASK_FROZEN = 0x8000;

/** RU, IN, UN, ID, ST, TR, ZO, DE, PA, WA, NE; "??" where no bit is known. */
export function stateLetters(task: Task): string {
  const { state, exitState } = task;
  if ((exitState & EXIT_DEAD) !== 0) return 'DE';
  if ((exitState & EXIT_ZOMBIE) !== 0) return 'ZO';
  if (state === 0) return 'RU';
  if ((state & TASK_UNINTERRUPTIBLE) !== 0) return (state & TASK_NOLOAD) !== 0 ? 'ID' : 'UN';
  if ((state & TASK_INTERRUPTIBLE) !== 0) return 'IN';
  if ((state & TASK_TRACED) !== 0) return 'TR';
  if ((state & TASK_STOPPED) !== 0) return 'ST';
  if ((state & TASK_PARKED) !== 0) return 'PA';
  if ((state & TASK_DEAD) !== 0) return 'DE';
  if ((state & TASK_WAKING) !== 0) return 'WA';
  if ((state & TASK_NEW) !== 0) return 'NE';
  if ((state & (TASK_RTLOCK_WAIT | TASK_FROZEN)) !== 0) return 'UN';
  return '??';
}
