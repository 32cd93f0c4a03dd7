/** foreach: a command over many tasks. */

import { attempt, UsageError } from '../../base/errors.ts';
import { currentTask, readCpus } from '../../kernel/cpus.ts';
import { stateLetters } from '../../kernel/task-state.ts';
import type { Task } from '../../kernel/tasks.ts';
import { taskInfo } from '../../query/task-info.ts';
import type { Result } from '../../query/result.ts';
import { processList } from '../../query/process-list.ts';
import { stackOfTask, type StackSubject } from '../../query/stack-walk.ts';
import type { Command, Option } from '../command.ts';
import { parseOptions, type ArgumentRules, type ParsedArguments } from '../options.ts';
import type { Session } from '../session.ts';
import { stackAnswers, stackExclusive, stackOptions } from '../stack-answers.ts';
import { checkIdentified, identifies, isGroupLeader, isUserTask } from '../task-choice.ts';

const states = new Set(['RU', 'IN', 'UN', 'ID', 'ST', 'TR', 'ZO', 'DE', 'PA', 'WA', 'NE', 'SW']);
type Selector = (task: Task) => boolean;

/** crash takes it, too, and shows the stacks all the same. */
const withoutMatter: Option = { flag: '-v', text: 'of bt alone: no matter here' };

/** The commands it runs, and what may follow each: nothing that chooses tasks. */
const inner = {
  bt: { name: 'foreach bt', options: [...stackOptions, withoutMatter], words: 'none', exclusive: stackExclusive },
  ps: { name: 'foreach ps', options: [], words: 'none' },
  set: { name: 'foreach set', options: [], words: 'none' },
} as const satisfies Readonly<Record<string, ArgumentRules>>;
type Inner = keyof typeof inner;

/** Words that say of what kind a task is. Those with one key are alternatives. */
const kindSelectors = new Map<string, { readonly key: string; readonly select: (session: Session) => Selector }>([
  ['kernel', { key: 'mode', select: () => (task) => !isUserTask(task) }],
  ['user', { key: 'mode', select: () => isUserTask }],
  ['gleader', { key: 'leader', select: () => isGroupLeader }],
  ['active', { key: 'active', select: isActive }],
]);

export const foreach: Command = {
  name: 'foreach',
  aliases: ['for'],
  summary: 'a command over many tasks',
  synopsis: ['foreach [pid | task address | name | kernel | user | active | gleader | state ...] bt|ps|set [options]'],
  options: [],
  description: [
    'Runs bt, ps or set for every task, or for those that fit the words before the command: pids, task addresses, command names, "kernel", "user", "active", "gleader" (leaders of thread groups), and states (RU, IN, UN, ID, ST, TR, ZO, DE, PA, WA, NE). Pids, addresses and names are alternatives; so are states, and "kernel" (which idle tasks belong to) and "user". Words of different kinds narrow the choice: "user gleader UN" is the blocked leaders of user processes.',
  ],
  examples: [
    { line: 'foreach bt', text: 'the stack of every task' },
    { line: 'foreach UN bt', text: 'of the tasks that are blocked' },
    { line: 'foreach bt -R vfs_write', text: 'of those that are in vfs_write' },
    { line: 'foreach kernel bt -l', text: 'of kernel threads, with lines' },
  ],
  many: true,
  raw: true,
  *run(session, { words }) {
    const at = words.findIndex(isInner);
    const name = words[at];
    if (name === undefined || !isInner(name))
      throw new UsageError('foreach wants the command to run: bt, ps or set ("help foreach")');
    const args = parseOptions(inner[name], words.slice(at + 1));
    const { tasks, warnings } = session.tasks();
    const choice = words.slice(0, at);
    const option = choice.find((word) => word.startsWith('-'));
    if (option !== undefined)
      throw new UsageError(`foreach: there is no option ${option}; options of ${name} go behind it`);
    const chosen = tasks.filter(selectorOf(session, choice));
    if (chosen.length > 0) yield* runInner(session, name, args, chosen);
    checkIdentified(choice.filter(isIdentity), tasks, 'task', [...kindSelectors.keys(), ...states]);
    if (chosen.length === 0) yield { type: 'note', message: `no task is all of this: ${choice.join(' ')}` };
    for (const message of warnings) yield { type: 'note', message };
  },
};

function isInner(word: string): word is Inner {
  return Object.hasOwn(inner, word);
}

function* runInner(session: Session, name: Inner, args: ParsedArguments, tasks: readonly Task[]): Generator<Result> {
  if (name === 'ps') {
    yield processList(session.kernel, session.tasks().tasks, tasks, []);
    return;
  }
  if (name === 'set') for (const task of tasks) yield taskInfo(task, session.crash());
  else {
    yield* stackAnswers(session, args, stacksOf(session, tasks));
  }
}

function* stacksOf({ kernel }: Session, tasks: readonly Task[]): Generator<StackSubject> {
  for (const task of tasks) yield stackOfTask(kernel, task);
}

/** Words of one kind are alternatives; a task must satisfy each kind that was named. */
function selectorOf(session: Session, words: readonly string[]): Selector {
  const groups = new Map<string, Selector[]>();
  for (const word of words) {
    const kind = kindSelectors.get(word);
    const [key, selector] =
      kind === undefined
        ? states.has(word)
          ? (['state', isInState(word)] as const)
          : (['identity', identifies(word)] as const)
        : ([kind.key, kind.select(session)] as const);
    groups.set(key, [...(groups.get(key) ?? []), selector]);
  }
  const alternatives = [...groups.values()];
  return (task) => alternatives.every((selectors) => selectors.some((matches) => matches(task)));
}

function isIdentity(word: string): boolean {
  return !states.has(word) && !kindSelectors.has(word);
}

function isInState(letters: string): Selector {
  return (task) => attempt(() => stateLetters(task)) === letters;
}

function isActive(session: Session): Selector {
  const active = new Set(readCpus(session.kernel).present.map((cpu) => currentTask(session.kernel, cpu)));
  return (task) => active.has(task.address);
}
