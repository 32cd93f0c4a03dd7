/** bt: kernel stacks. */

import { attempt } from '../../base/errors.ts';
import { currentTask, readCpus } from '../../kernel/cpus.ts';
import { Task } from '../../kernel/tasks.ts';
import { backtrace, cpuBacktrace, type Backtrace, type BacktraceColumns } from '../../query/backtrace.ts';
import type { Result } from '../../query/result.ts';
import type { Command, Option } from '../command.ts';
import type { ParsedArguments } from '../options.ts';
import { parseCpus, type Session } from '../session.ts';

/** How a stack is shown, whichever task it is of. */
export const backtraceOptions: readonly Option[] = [
  { flag: '-l', text: 'file and line of each frame on a line of its own' },
  { flag: '-s', text: 'the offset of each address in its function: name+offset' },
  { flag: '-x', text: 'offsets in hexadecimal' },
  { flag: '-d', text: 'offsets in decimal' },
];
export const backtraceExclusive: readonly (readonly string[])[] = [['-x', '-d']];

export function backtraceColumns(session: Session, args: ParsedArguments): BacktraceColumns {
  const hex = args.has('-x') || (session.radix === 16 && !args.has('-d'));
  return { lines: args.has('-l'), offsets: args.has('-s') ? (hex ? 'hex' : 'decimal') : 'none' };
}

export const bt: Command = {
  name: 'bt',
  aliases: [],
  summary: 'the kernel stack of a task',
  synopsis: ['bt [-l] [-s [-x|-d]] [pid | task address ...]', 'bt -a [-l] [-s]', 'bt -c CPUs [-l] [-s]'],
  options: [
    { flag: '-a', text: 'the active task of every CPU', mostWords: 0 },
    { flag: '-c', value: 'CPUs, as in 0,2-4', text: 'the active task of these CPUs', mostWords: 0 },
    ...backtraceOptions,
  ],
  exclusive: [['-a', '-c'], ...backtraceExclusive],
  description: [
    'Prints the stack of the current task, or of those named. Each numbered line is a physical frame: the stack word that holds its return address in brackets, its function, its return address, its module. Calls that the compiler expanded in place follow as #N.M, marked (inlined), with file and line of the call.',
    'A frame that an exception interrupted shows its registers; the registers of user mode end a stack that was entered from there. A frame that had to be guessed is marked "?".',
  ],
  examples: [
    { line: 'bt', text: 'the task that crashed' },
    { line: 'bt -a', text: 'what every CPU was doing' },
    { line: 'bt -l 1', text: 'init, with file and line of every frame' },
  ],
  completes: 'task',
  many: true,
  *run(session, args) {
    yield* withNotes(traces(session, args, backtraceColumns(session, args)));
  },
};

/** Stacks, and behind them, each once, why some frames have no lines and inlined calls. */
export function* withNotes(stacks: Iterable<Backtrace>): Generator<Result> {
  const missing = new Set<string>();
  for (const stack of stacks) {
    for (const reason of stack.missing) missing.add(reason);
    yield stack;
  }
  for (const message of missing) yield { type: 'note', message };
}

function* traces(session: Session, args: ParsedArguments, show: BacktraceColumns): Generator<Backtrace> {
  const { kernel } = session;
  const cpuList = args.value('-c');
  if (args.has('-a') || cpuList !== undefined) {
    const { present } = readCpus(kernel);
    for (const cpu of cpuList === undefined ? present : parseCpus(cpuList, present))
      yield traceOfCpu(session, cpu, show);
    return;
  }
  if (args.words.length === 0 && session.lostCrashCpu !== undefined) {
    yield traceOfCpu(session, session.lostCrashCpu, show);
    return;
  }
  const tasks = args.words.length === 0 ? [session.current] : args.words.flatMap((word) => session.tasksNamed(word));
  for (const task of tasks) yield backtrace(kernel, session.unwinder(), task, show);
}

/** Of the task a CPU ran; where that cannot be read, of the CPU's registers. */
function traceOfCpu(session: Session, cpu: number, show: BacktraceColumns): Backtrace {
  const { kernel } = session;
  const address = currentTask(kernel, cpu);
  const task = address === undefined ? undefined : new Task(kernel, address);
  return task !== undefined && attempt(() => task.pid) !== undefined
    ? backtrace(kernel, session.unwinder(), task, show)
    : cpuBacktrace(kernel, session.unwinder(), cpu, show);
}
