/** bt: kernel stacks. */

import { attempt, LookupError, UsageError } from '../../base/errors.ts';
import { currentTask, readCpus } from '../../kernel/cpus.ts';
import { Task } from '../../kernel/tasks.ts';
import { cpuExceptionFrames, interruptStacks } from '../../query/exception-frames.ts';
import type { Result } from '../../query/result.ts';
import { stackOverflows } from '../../query/stack-overflow.ts';
import { stackOfCpu, stackOfTask, walkStack, type StackSubject } from '../../query/stack-walk.ts';
import { startAt, taskOnStack } from '../../query/start-at.ts';
import type { Command } from '../command.ts';
import type { ParsedArguments } from '../options.ts';
import { parseCpus, type Session } from '../session.ts';
import { stackAnswers, stackExclusive, stackOptions, type HiddenSubject } from '../stack-answers.ts';

export const bt: Command = {
  name: 'bt',
  aliases: [],
  summary: 'the kernel stack of a task',
  synopsis: [
    'bt [-l] [-V[V] [--strict]] [-f|-F[F[F]]] [-s [-x|-d]] [-R ref] [-g] [pid | task address ...]',
    'bt -t|-T [-s [-x|-d]] [-R ref] [pid | task address ...]',
    'bt -e [-l] [pid | task address ...]',
    'bt -r [pid | task address ...]',
    'bt -a [-n idle] ...',
    'bt -c CPUs [-n idle] ...',
    'bt -p ...',
    'bt [-I ip] -S sp ... [pid | task address]',
    'bt -E [-c CPUs]',
    'bt -v',
  ],
  options: [
    { flag: '-a', text: 'the active task of every CPU', mostWords: 0 },
    { flag: '-c', value: 'CPUs, as in 0,2-4', text: 'the active task of these CPUs', mostWords: 0 },
    { flag: '-p', text: 'the task that panicked', mostWords: 0 },
    { flag: '-g', text: 'every thread of the thread group, its leader first' },
    { flag: '-n', value: 'idle', text: 'no stacks of idle tasks, with -a or -c' },
    ...stackOptions,
    { flag: '-I', value: 'an address of code', text: 'begin there, with the stack pointer of -S', mostWords: 1 },
    { flag: '-S', value: 'an address', text: 'begin at this stack pointer', mostWords: 1 },
    { flag: '-O', text: 'makes -o the default: no matter here', mostWords: 0 },
    { flag: '-E', text: "saved registers on the CPUs' IRQ and exception stacks", mostWords: 0 },
    { flag: '-v', text: 'signs of stack overflows, in all tasks', mostWords: 0 },
  ],
  exclusive: [
    ['-a', '-c', '-p', '-g', '-v'],
    ['-a', '-p', '-g', '-E', '-v'],
    ...['-I', '-S'].flatMap((flag) => ['-a', '-c', '-p', '-g', '-E', '-v', '-e', '-r'].map((other) => [flag, other])),
    ...stackExclusive,
    ...['-E', '-v'].flatMap((flag) =>
      ['-f', '-F', '-V', '--strict', '-t', '-T', '-e', '-r', '-l', '-s', '-x', '-d', '-R', '-n'].map((other) => [
        flag,
        other,
      ]),
    ),
  ],
  description: [
    'Prints the stack of the current task, or of those named. Each numbered line is a physical frame: the stack word that holds its return address in brackets, its function, its return address, its module. Calls that the compiler expanded in place follow as #N.M, marked (inlined), with file and line of the call.',
    'A frame that an exception interrupted shows its registers; the registers of user mode end a stack that was entered from there. A frame that had to be guessed is marked "?".',
    '-V shows under each frame, and under each inlined call, its arguments and locals, as far as debug information and saved registers tell. -VV follows the code, too: what callers did to set an argument, what functions have kept of it, which jumps handed it on. What is inferred is marked "~" and says from what; --strict leaves it out. A value that is lost was in a register that a call may have changed since.',
    '-f shows the words of each frame: from its stack pointer up to the word that holds the return address to its caller. -F names what they point at: symbols as name+offset, objects of slab caches as [cache], with -FF as [address:cache].',
    '-t and -T help where a stack cannot be unwound: every word that is an address of code, stale ones too, as the old method of crash (-o) does.',
    '-e and -E search for saved registers. Those that are marked "?" only look like some: they may be left from an earlier exception.',
    '-R keeps only the stacks in which a function (an inlined one, too) or an address is shown: "foreach bt -R vfs_write".',
    '-I and -S take hexadecimal addresses or symbols, as printed by bt: the address and the slot in brackets of a line. The stack they are on decides which task it is. Without -I, the word at -S is the return address. Registers are unknown there, so the way may end at a frame that needs one.',
  ],
  examples: [
    { line: 'bt', text: 'the task that crashed' },
    { line: 'bt -a', text: 'what every CPU was doing' },
    { line: 'bt -l 1', text: 'init, with file and line of every frame' },
    { line: 'bt -V', text: 'with arguments and locals' },
    { line: 'bt -VV', text: 'with what the code tells of them, too' },
    { line: 'bt -FF', text: 'with the words of each frame, and what they point at' },
  ],
  completes: 'task',
  many: true,
  *run(session, args) {
    checkArguments(args);
    if (args.has('-v')) {
      const { tasks, warnings } = session.tasks();
      yield stackOverflows(session.kernel, session.unwinder(), tasks);
      for (const message of warnings) yield { type: 'note', message };
    } else if (args.has('-O'))
      yield { type: 'note', message: '-O changes nothing here: frames are exact; -t lists what is stale, too' };
    else if (args.has('-E')) yield* exceptionStacks(session, args);
    else yield* stackAnswers(session, args, subjects(session, args));
  },
};

function checkArguments(args: ParsedArguments): void {
  const skipped = args.value('-n');
  if (skipped !== undefined && skipped !== 'idle')
    throw new UsageError(`bt: -n takes the word "idle", not "${skipped}"`);
  if (skipped !== undefined && !args.has('-a') && !args.has('-c'))
    throw new UsageError('bt: -n idle goes with -a or -c');
  if (args.has('-I') && !args.has('-S'))
    throw new UsageError('bt: -I wants the stack pointer, too: -S with an address on the stack');
}

function* subjects(session: Session, args: ParsedArguments): Generator<StackSubject | HiddenSubject> {
  const { kernel } = session;
  if (args.has('-S')) yield startingAt(session, args);
  else if (args.has('-a') || args.has('-c')) {
    for (const cpu of chosenCpus(session, args)) {
      const subject = stackOnCpu(session, cpu);
      yield args.has('-n') && isIdling(session, cpu, subject) ? { hidden: 'idle', subject } : subject;
    }
  } else if (args.has('-p')) yield panicked(session);
  else if (args.words.length === 0 && session.lostCrashCpu !== undefined)
    yield stackOnCpu(session, session.lostCrashCpu);
  else {
    const tasks = args.words.length === 0 ? [session.current] : args.words.flatMap((word) => session.tasksNamed(word));
    for (const task of tasks)
      for (const one of args.has('-g') ? threadGroup(session, task) : [task]) yield stackOfTask(kernel, one);
  }
}

function chosenCpus({ kernel }: Session, args: ParsedArguments): readonly number[] {
  const { present } = readCpus(kernel);
  const list = args.value('-c');
  return list === undefined ? present : parseCpus(list, present);
}

/** Of the task a CPU ran; where that cannot be read, of the CPU's registers. */
function stackOnCpu({ kernel }: Session, cpu: number): StackSubject {
  const address = currentTask(kernel, cpu);
  const task = address === undefined ? undefined : new Task(kernel, address);
  return task !== undefined && attempt(() => task.pid) !== undefined
    ? stackOfTask(kernel, task)
    : stackOfCpu(kernel, cpu);
}

/** Whether a CPU ran its idle task; not where it panicked in it. */
function isIdling(session: Session, cpu: number, { header }: StackSubject): boolean {
  const crash = session.crash();
  return header.pid === 0 && !(crash.panicked && crash.cpu === cpu);
}

function panicked(session: Session): StackSubject {
  const crash = session.crash();
  if (!crash.panicked) throw new LookupError('task that panicked', crash.whyNotPanicked());
  return crash.taskKnown ? stackOfTask(session.kernel, crash.task) : stackOnCpu(session, crash.cpu);
}

/** The leader first. The idle tasks, which all have pid 0, are no group. */
function threadGroup(session: Session, task: Task): readonly Task[] {
  const { tgid } = task;
  if (tgid === 0) return [task];
  const threads = session.tasks().tasks.filter((other) => attempt(() => other.tgid) === tgid);
  const isLeader = (thread: Task): boolean => attempt(() => thread.pid) === tgid;
  return [...threads.filter(isLeader), ...threads.filter((thread) => !isLeader(thread))];
}

function startingAt(session: Session, args: ParsedArguments): StackSubject {
  const { kernel } = session;
  const { stacks } = session.unwinder();
  const sp = session.address(args.value('-S') ?? '');
  const ip = args.value('-I');
  const [word] = args.words;
  const named = word === undefined ? session.current : session.tasksNamed(word)[0];
  const task = named && taskOnStack(kernel, stacks, sp, named, () => session.tasks().tasks);
  if (named === undefined || task === undefined || (word !== undefined && task.address !== named.address)) {
    const base = named && attempt(() => named.stack);
    const range =
      base === undefined
        ? ''
        : ` (its own is ${base.toString(16)} - ${(base + BigInt(stacks.threadSize)).toString(16)})`;
    const whose = word === undefined ? 'no kernel stack of any task or CPU' : `no stack of task ${word}`;
    throw new UsageError(`bt: ${sp.toString(16)} is on ${whose}${word === undefined ? '' : range}`);
  }
  const start = startAt(kernel, ip === undefined ? undefined : session.address(ip), sp);
  return { ...stackOfTask(kernel, task), start: () => start };
}

/** The IRQ stacks of all CPUs first, then their exception stacks. */
function* exceptionStacks(session: Session, args: ParsedArguments): Generator<Result> {
  const { kernel } = session;
  const unwinder = session.unwinder();
  const cpus = chosenCpus(session, args).map((cpu) => ({
    cpu,
    walk: walkStack(unwinder, stackOnCpu(session, cpu)),
    stacks: interruptStacks(kernel, unwinder.stacks, cpu),
  }));
  for (const kind of ['irq', 'exception'])
    for (const { cpu, walk, stacks } of cpus)
      for (const stack of stacks)
        if (stack.kind === kind) yield cpuExceptionFrames(kernel, unwinder.stacks, stack, cpu, walk);
}
