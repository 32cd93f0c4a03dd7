/**
 * What a sequence of commands shares: the kernel, the current task, the number base, the values that were printed.
 * The target is immutable; this is the only state.
 */

import { once } from '../base/search.ts';
import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt, LookupError, UsageError } from '../base/errors.ts';
import { addressOfValue, scalarOf, type Value } from '../values/value.ts';
import { strip, type Type } from '../debuginfo/types/type.ts';
import { evaluateText } from '../expr/evaluate.ts';
import type { Scope } from '../expr/scope.ts';
import { typeOfText } from '../expr/type-of.ts';
import { GlobalScope } from '../kernel/global-scope.ts';
import { Kernel } from '../kernel/kernel.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { readTasks, type Task, type TaskList } from '../kernel/tasks.ts';
import { findCrashTask, type CrashTask } from '../query/crash-task.ts';
import { addressOfName, parseOffset, whyLost } from '../query/symbol-lookup.ts';
import type { FramePosition } from '../query/chosen-frame.ts';
import { FrameNames } from '../query/frame-scope.ts';
import { currentStack } from './frame-choice.ts';
import { evaluateAddress } from './address-expression.ts';
import type { Target } from '../target/target.ts';
import { Unwinder } from '../unwind/unwinder.ts';
import type { ParsedArguments } from './options.ts';

export class Session {
  readonly kernel: Kernel;
  readonly unwinder: () => Unwinder;
  readonly tasks: () => TaskList;
  readonly crash: () => CrashTask;
  radix: 10 | 16 = 10;
  /** What `p` printed: `$1`, `$2`, … of an expression. */
  readonly values: Value[] = [];
  /** Modules in whose lists of symbols sections are marked (`mod -g`). */
  readonly sectionMarks = new Set<string>();
  /** Bytes behind a ud2 that are no code: very old kernels kept file and line there. Set by `dis -b`. */
  bugBytes = 0;
  /** Only values that are proved. */
  strict = false;
  /** The frame of the current task that commands speak of; undefined until one is chosen. */
  frame: FramePosition | undefined;
  #current: Task | undefined;

  constructor(target: Target) {
    this.kernel = new Kernel(target);
    this.unwinder = once(() => new Unwinder(this.kernel));
    this.tasks = once(() => readTasks(this.kernel));
    this.crash = once(() => findCrashTask(this.kernel));
  }

  /** The task commands speak of when they name none: at first the one that crashed. */
  get current(): Task {
    return this.#current ?? this.crash().task;
  }

  /** The CPU that crashed, as long as the current task would be the one it ran, but that cannot be read. */
  get lostCrashCpu(): number | undefined {
    const { taskKnown, panicked, cpu } = this.crash();
    return this.#current === undefined && panicked && !taskKnown ? cpu : undefined;
  }

  set current(task: Task) {
    this.#current = task;
    this.frame = undefined;
  }

  /** The tasks a word names: a decimal pid, or the address of a task_struct. Throws LookupError. */
  tasksNamed(word: string): readonly Task[] {
    const { tasks, warnings } = this.tasks();
    if (/^\d+$/.test(word)) {
      const pid = Number(word);
      const found = tasks.filter((task) => attempt(() => task.pid) === pid);
      if (found.length > 0) return found;
    }
    const address = parseHex(word);
    const found = tasks.filter((task) => task.address === address);
    const among = warnings.map((warning) => `; ${warning}`).join('');
    if (found.length === 0) throw new LookupError(`task (a pid, or the address of a task_struct${among})`, word);
    return found;
  }

  /** The value of a C expression. Throws UsageError, LookupError, FaultError. */
  evaluate(text: string, space: AddressSpace = this.kernel.memory): Value {
    return evaluateText(text, this.#scope(space));
  }

  /** As `evaluate`, with the names of a frame. */
  evaluateIn(frame: FramePosition, text: string): Value {
    return evaluateText(text, this.#scope(this.kernel.memory, frame));
  }

  /** The type of a C expression, which is not evaluated. Throws UsageError, LookupError. */
  typeOf(text: string): Type {
    return typeOfText(text, this.#scope(this.kernel.memory));
  }

  /**
   * The address a word means: a symbol or hex, with an optional offset; in parentheses arithmetic on such, in which
   * symbols are their addresses as crash has it, or any other C expression.
   */
  address(word: string): VirtAddr {
    const inner = /^\((.*)\)$/.exec(word)?.[1];
    if (inner !== undefined) return this.#expressed(inner);
    const address = addressOfName(this.kernel, word) ?? hexAndOffset(word);
    if (address === undefined) {
      const offset = /\+(.*)$/.exec(word)?.[1];
      if (offset !== undefined && parseOffset(offset) === undefined)
        throw new UsageError(`${word}: the offset ${offset} is no number: decimal as in 16, or hexadecimal as in 0x10`);
      const lost = whyLost(this.kernel, word);
      if (lost !== undefined) throw new LookupError('symbol', lost);
      throw new UsageError(
        `${word} is no symbol and no hexadecimal address${/[.>[]/.test(word) ? `; an expression stands in parentheses: (${word})` : ''}`,
      );
    }
    return address;
  }

  /** The names of the chosen frame come before the kernel's. */
  #scope(space: AddressSpace, frame = this.frame): Scope {
    const earlier = (number: number): Value | undefined =>
      number > 0 ? this.values[number - 1] : this.values.at(number - 1);
    const globals = new GlobalScope(this.kernel, space, earlier);
    return frame === undefined ? globals : new FrameNames(globals, currentStack(this), frame);
  }

  #expressed(text: string): VirtAddr {
    const address = evaluateAddress(text, (name) => addressOfName(this.kernel, name));
    return address === undefined ? addressMeant(this.evaluate(text)) : virtAddr(address);
  }
}

/** What an expression says of a place: a pointer's or number's value; of an object where it is. */
function addressMeant(value: Value): VirtAddr {
  const { kind } = strip(value.type);
  const isObject = kind === 'struct' || kind === 'union' || kind === 'array' || kind === 'function';
  return (isObject ? addressOfValue(value) : undefined) ?? virtAddr(scalarOf(value));
}

/** `ff00…` or `0xff00…`; undefined where it is none. */
export function parseHex(word: string): VirtAddr | undefined {
  return /^(0x)?[0-9a-f]{1,16}$/i.test(word)
    ? virtAddr(BigInt(word.toLowerCase().startsWith('0x') ? word : `0x${word}`))
    : undefined;
}

/** A hex address with an optional offset. */
export function hexAndOffset(word: string): VirtAddr | undefined {
  const [base = '', offset, ...more] = word.split('+');
  const start = parseHex(base);
  if (start === undefined || more.length > 0) return undefined;
  if (offset === undefined) return start;
  const delta = parseOffset(offset);
  return delta === undefined ? undefined : addVirt(start, delta);
}

const MOST_CPUS = 8192;

/** "0,2-4" or "a" for all, among `cpus`. Throws UsageError. */
export function parseCpus(text: string, cpus: readonly number[]): number[] {
  if (text === 'a' || text === 'all') return [...cpus];
  const wanted = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match?.[1] === undefined) throw new UsageError(`${text} is no list of CPUs (0,2-4)`);
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (first > last) throw new UsageError(`${text} is no list of CPUs (0,2-4): ${part} has none in it`);
    if (last >= MOST_CPUS) throw new UsageError(`there is no CPU ${last} in this dump (${cpus.join(', ')})`);
    for (let cpu = first; cpu <= last; cpu++) wanted.add(cpu);
  }
  const unknown = [...wanted].filter((cpu) => !cpus.includes(cpu));
  if (unknown.length > 0)
    throw new UsageError(`there is no CPU ${unknown.join(', ')} in this dump (${cpus.join(', ')})`);
  return [...wanted];
}

/** A decimal number, or a hexadecimal one with 0x; either may be negative. Throws UsageError. */
export function parseInteger(word: string): number {
  if (!/^-?(0x[0-9a-f]+|\d+)$/i.test(word)) throw new UsageError(`${word} is no number`);
  const value = word.startsWith('-') ? -Number(word.slice(1)) : Number(word);
  if (!Number.isSafeInteger(value)) throw new UsageError(`${word} is too large a number`);
  return value;
}

const HIGHEST_PHYSICAL = 1n << 52n;

/** A physical address. Throws UsageError. */
export function parsePhysical(word: string): VirtAddr {
  const address = parseHex(word);
  if (address === undefined || address >= HIGHEST_PHYSICAL)
    throw new UsageError(`${word} is no physical address (hex, below 2^52)`);
  return address;
}

/** The number base of a command that takes -x and -d. */
export function radixOf(session: Session, args: ParsedArguments): 10 | 16 {
  return args.has('-x') ? 16 : args.has('-d') ? 10 : session.radix;
}
