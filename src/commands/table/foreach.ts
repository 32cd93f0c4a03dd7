/** foreach: a command over many tasks. */

import { attempt, UsageError } from '../../base/errors.ts';
import { checkCancelled } from '../../base/cancel.ts';
import { currentTask, readCpus } from '../../kernel/cpus.ts';
import { stateLetters } from '../../kernel/task-state.ts';
import type { Task } from '../../kernel/tasks.ts';
import { backtrace } from '../../query/backtrace.ts';
import { taskInfo } from '../../query/task-info.ts';
import type { Result } from '../../query/result.ts';
import { processList } from '../../query/process-list.ts';
import type { Command } from '../command.ts';
import { parseOptions } from '../options.ts';
import { parseHex, type Session } from '../session.ts';
import { backtraceColumns, backtraceOptions } from './bt.ts';

const states = new Set(['RU', 'IN', 'UN', 'ID', 'ST', 'TR', 'ZO', 'DE', 'PA', 'WA', 'NE', 'SW']);
const inner = ['bt', 'ps', 'set'] as const;
type Inner = (typeof inner)[number];
type Selector = (task: Task) => boolean;

export const foreach: Command = {
  name: 'foreach',
  aliases: ['for'],
  summary: 'a command over many tasks',
  synopsis: ['foreach [pid | task address | name | kernel | user | active | gleader | state ...] bt|ps|set [options]'],
  options: [],
  description: [
    'Runs bt, ps or set for every task, or for those that fit the words before the command: pids, task addresses, command names, "kernel", "user", "active", "gleader" (leaders of thread groups), and states (RU, IN, UN, ID, ST, TR, ZO, DE, PA, WA, NE). Words of one kind widen the choice, words of different kinds narrow it.',
  ],
  examples: [
    { line: 'foreach bt', text: 'the stack of every task' },
    { line: 'foreach UN bt', text: 'of the tasks that are blocked' },
    { line: 'foreach kernel bt -l', text: 'of kernel threads, with lines' },
  ],
  many: true,
  raw: true,
  *run(session, { words }) {
    const at = words.findIndex((word) => inner.some((name) => name === word));
    const name = inner[inner.findIndex((candidate) => candidate === words[at])];
    if (name === undefined) throw new UsageError('foreach wants the command to run: bt, ps or set ("help foreach")');
    const { tasks, warnings } = session.tasks();
    const chosen = tasks.filter(selectorOf(session, words.slice(0, at)));
    yield* runInner(session, name, words.slice(at + 1), chosen);
    for (const message of warnings) yield { type: 'note', message };
  },
};

function* runInner(session: Session, name: Inner, args: readonly string[], tasks: readonly Task[]): Generator<Result> {
  if (name === 'ps') {
    yield processList(session.kernel, session.tasks().tasks, tasks, []);
    return;
  }
  const options = parseOptions(name, name === 'bt' ? backtraceOptions : [], args);
  for (const task of tasks) {
    checkCancelled();
    if (name === 'set') yield taskInfo(task, session.crash());
    else yield backtrace(session.kernel, session.unwinder(), task, backtraceColumns(session, options));
  }
}

/** Words of one kind are alternatives; a task must satisfy each kind that was named. */
function selectorOf(session: Session, words: readonly string[]): Selector {
  const identities: Selector[] = [];
  const kinds: Selector[] = [];
  const stateSet = new Set<string>();
  for (const word of words) {
    if (states.has(word)) stateSet.add(word);
    else if (word in kindSelectors) kinds.push(kindSelectors[word as keyof typeof kindSelectors](session));
    else identities.push(identitySelector(word));
  }
  return (task) =>
    (identities.length === 0 || identities.some((matches) => matches(task))) &&
    (kinds.length === 0 || kinds.some((matches) => matches(task))) &&
    (stateSet.size === 0 || stateSet.has(attempt(() => stateLetters(task)) ?? ''));
}

const kindSelectors = {
  kernel: () => (task: Task) => attempt(() => task.isKernelThread) === true,
  user: () => (task: Task) => attempt(() => task.isKernelThread) === false,
  gleader: () => (task: Task) => attempt(() => task.pid === task.tgid) === true,
  active: (session: Session) => {
    const active = new Set(readCpus(session.kernel).present.map((cpu) => currentTask(session.kernel, cpu)));
    return (task: Task) => active.has(task.address);
  },
};

function identitySelector(word: string): Selector {
  if (/^\d+$/.test(word)) return (task) => attempt(() => task.pid) === Number(word);
  const address = parseHex(word);
  const name = word.replace(/^\\|^'|'$|^"|"$/g, '');
  return (task) => task.address === address || attempt(() => task.comm) === name;
}
