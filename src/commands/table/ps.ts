/** ps: tasks. */

import { attempt } from '../../base/errors.ts';
import type { Task } from '../../kernel/tasks.ts';
import { processList } from '../../query/process-list.ts';
import { runTimes } from '../../query/run-times.ts';
import type { Command } from '../command.ts';
import { parseHex } from '../session.ts';

export const ps: Command = {
  name: 'ps',
  aliases: [],
  summary: 'the tasks, a line each',
  synopsis: ['ps [-k | -u | -G] [-m] [pid | task address | name ...]'],
  options: [
    { flag: '-k', text: 'only kernel threads' },
    { flag: '-u', text: 'only user processes' },
    { flag: '-G', text: 'only leaders of thread groups' },
    { flag: '-m', text: 'how long ago each task last ran, the latest first' },
  ],
  description: [
    'A line a task: pid, parent, CPU, address of the task_struct, state, share of memory, sizes in KiB, name. Kernel threads are in brackets; ">" marks the tasks that were on a CPU.',
    'With -m the time since a task was put on its CPU. "ps -m | grep UN | tail" names the tasks blocked longest.',
  ],
  examples: [
    { line: 'ps', text: 'every task' },
    { line: 'ps -m', text: 'when each last ran' },
    { line: 'ps nfsd', text: 'by name' },
  ],
  completes: 'task',
  many: false,
  *run(session, args) {
    const { tasks, warnings } = session.tasks();
    const chosen = tasks.filter((task) => fits(task, args.has('-k'), args.has('-u'), args.has('-G'), args.words));
    yield args.has('-m') ? runTimes(session.kernel, chosen) : processList(session.kernel, tasks, chosen, warnings);
  },
};

function fits(task: Task, kernel: boolean, user: boolean, leaders: boolean, words: readonly string[]): boolean {
  const isKernel = attempt(() => task.isKernelThread) ?? false;
  if ((kernel && !isKernel) || (user && isKernel)) return false;
  if (leaders && attempt(() => task.pid !== task.tgid) === true) return false;
  return words.length === 0 || words.some((word) => isNamed(task, word));
}

function isNamed(task: Task, word: string): boolean {
  if (/^\d+$/.test(word)) return attempt(() => task.pid) === Number(word);
  return task.address === parseHex(word) || attempt(() => task.comm) === word.replace(/^\\/, '');
}
