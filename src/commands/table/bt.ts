/** bt: kernel stacks. */

import { LookupError } from '../../base/errors.ts';
import { currentTask, readCpus } from '../../kernel/cpus.ts';
import { Task } from '../../kernel/tasks.ts';
import { backtrace, type BacktraceColumns } from '../../query/backtrace.ts';
import type { Command, Option } from '../command.ts';
import type { ParsedArguments } from '../options.ts';
import { parseCpus, type Session } from '../session.ts';

export const backtraceOptions: readonly Option[] = [
  { flag: '-a', text: 'the active task of every CPU' },
  { flag: '-c', value: 'CPUs, as in 0,2-4', text: 'the active task of these CPUs' },
  { flag: '-l', text: 'file and line of each frame on a line of its own' },
  { flag: '-s', text: 'the offset of each address in its function: name+offset' },
  { flag: '-x', text: 'offsets in hexadecimal' },
  { flag: '-d', text: 'offsets in decimal' },
];

export function backtraceColumns(session: Session, args: ParsedArguments): BacktraceColumns {
  const hex = args.has('-x') || (session.radix === 16 && !args.has('-d'));
  return { lines: args.has('-l'), offsets: args.has('-s') ? (hex ? 'hex' : 'decimal') : 'none' };
}

export const bt: Command = {
  name: 'bt',
  aliases: [],
  summary: 'the kernel stack of a task',
  synopsis: ['bt [-l] [-s [-x|-d]] [pid | task address ...]', 'bt -a [-l] [-s]', 'bt -c CPUs [-l] [-s]'],
  options: backtraceOptions,
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
    const show = backtraceColumns(session, args);
    for (const task of chosenTasks(session, args)) {
      yield backtrace(session.kernel, session.unwinder(), task, show);
    }
  },
};

function* chosenTasks(session: Session, args: ParsedArguments): Iterable<Task> {
  const cpuList = args.value('-c');
  if (args.has('-a') || cpuList !== undefined) {
    const { present } = readCpus(session.kernel);
    for (const cpu of cpuList === undefined ? present : parseCpus(cpuList, present)) {
      const address = currentTask(session.kernel, cpu);
      if (address === undefined) throw new LookupError('current task of CPU', String(cpu));
      yield new Task(session.kernel, address);
    }
    return;
  }
  if (args.words.length === 0) yield session.current;
  for (const word of args.words) yield* session.tasksNamed(word);
}
