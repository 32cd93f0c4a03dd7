/** Which tasks the words of ps and foreach mean. */

import { attempt, LookupError } from '../base/errors.ts';
import { nearestNames } from '../base/suggest.ts';
import type { Task } from '../kernel/tasks.ts';
import { parseHex } from './session.ts';

/**
 * As crash tells them apart: a user task has an mm. One that exits gave its own up and is still no kernel thread;
 * the idle tasks, which boot code made before there were kernel threads, are not marked as such.
 */
export function isUserTask(task: Pick<Task, 'pid' | 'mm' | 'isKernelThread'>): boolean {
  const pid = attempt(() => task.pid);
  if (pid === undefined || pid === 0) return false;
  return (attempt(() => task.mm) ?? 0n) !== 0n || attempt(() => task.isKernelThread) === false;
}

export function isGroupLeader(task: Task): boolean {
  return attempt(() => task.pid === task.tgid) === true;
}

/** Whether a word means a task: a decimal pid, the address of a task_struct, a command name. */
export function identifies(word: string): (task: Task) => boolean {
  if (/^\d+$/.test(word)) return (task) => attempt(() => task.pid) === Number(word) || task.address === parseHex(word);
  const address = parseHex(word);
  const name = word.replace(/^\\|^'|'$|^"|"$/g, '');
  return (task) => task.address === address || attempt(() => task.comm) === name;
}

/**
 * Throws LookupError for words that mean none of the tasks.
 * @param others what else the user may have meant
 */
export function checkIdentified(
  words: readonly string[],
  tasks: readonly Task[],
  what = 'task',
  others: readonly string[] = [],
): void {
  const unknown = words.filter((word) => !tasks.some(identifies(word)));
  const [first] = unknown;
  if (first === undefined) return;
  const names = new Set([...others, ...tasks.flatMap((task) => attempt(() => task.comm) ?? [])]);
  throw new LookupError(what, unknown.join(', '), unknown.length === 1 ? nearestNames(first, names) : []);
}
