/** ps: tasks. */

import { processList } from '../../query/process-list.ts';
import { runTimes } from '../../query/run-times.ts';
import type { Command } from '../command.ts';
import { checkIdentified, identifies, isGroupLeader, isUserTask } from '../task-choice.ts';

export const ps: Command = {
  name: 'ps',
  aliases: [],
  summary: 'the tasks, a line each',
  synopsis: ['ps [-k | -u] [-G] [-m] [pid | task address | name ...]'],
  options: [
    { flag: '-k', text: 'only kernel threads, idle tasks among them' },
    { flag: '-u', text: 'only user processes' },
    { flag: '-G', text: 'only leaders of thread groups' },
    { flag: '-m', text: 'how long ago each task last ran, the latest first' },
  ],
  exclusive: [['-k', '-u']],
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
    const candidates = tasks.filter(
      (task) =>
        (!args.has('-k') || !isUserTask(task)) &&
        (!args.has('-u') || isUserTask(task)) &&
        (!args.has('-G') || isGroupLeader(task)),
    );
    const wanted = args.words.map(identifies);
    const chosen = candidates.filter((task) => wanted.length === 0 || wanted.some((matches) => matches(task)));
    if (wanted.length === 0 || chosen.length > 0)
      yield args.has('-m')
        ? runTimes(session.kernel, chosen, warnings)
        : processList(session.kernel, tasks, chosen, warnings);
    const kind = args.has('-k') ? 'kernel thread' : args.has('-u') ? 'user task' : 'task';
    checkIdentified(args.words, candidates, args.has('-G') ? `${kind} that leads a thread group` : kind);
  },
};
