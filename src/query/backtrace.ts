/** The kernel stack of a task: physical frames, and the inlined calls in each, with file and line. */

import type { VirtAddr } from '../base/addr.ts';
import { addVirt } from '../base/addr.ts';
import type { Registers } from '../arch/architecture.ts';
import type { SourceLine } from '../debuginfo/dwarf/dwarf-info.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Task } from '../kernel/tasks.ts';
import type { Frame, FrameOrigin } from '../unwind/frame.ts';
import type { Unwinder } from '../unwind/unwinder.ts';
import type { Search } from '../unwind/frame-context.ts';
import { StackVariables } from '../unwind/variables.ts';
import { scopeVariables, type ScopeVariables } from './frame-variables.ts';
import { frameWords, type WordColumns } from './frame-words.ts';
import { sourceAt } from './source-at.ts';
import type { StackWord } from './stack-words.ts';
import { interruptedRegisters, stackOfTask, walkStack, type StackSubject, type TaskHeader } from './stack-walk.ts';

export interface InlinedFrame {
  /** The position among the inlined calls of its frame, from 1. */
  readonly number: number;
  readonly name: string;
  readonly source: SourceLine | undefined;
}

export interface BacktraceFrame {
  readonly number: number;
  readonly slot: VirtAddr;
  readonly address: VirtAddr;
  /** The ELF symbol; undefined where none is known. */
  readonly symbol: string | undefined;
  /** In bytes from the symbol. */
  readonly offset: number;
  readonly module: string | undefined;
  /** The function's name in the source; the symbol's may have .cold or .isra.0 behind it. */
  readonly functionName: string | undefined;
  /** Of the physical function itself: where the statement or the call stands that the frame is in. */
  readonly source: SourceLine | undefined;
  /** Calls the compiler expanded in place, innermost first. */
  readonly inlined: readonly InlinedFrame[];
  readonly origin: FrameOrigin;
  /** "IRQ", "NMI exception"; empty on the task's own stack. */
  readonly stack: string;
  /** The registers of an interrupted frame. */
  readonly exception: Registers | undefined;
  readonly recovered: string | undefined;
  /** From its stack pointer up to its caller's frame; undefined where they were not asked for. */
  readonly words: readonly StackWord[] | undefined;
  /** Of the function itself and of each inlined call, the innermost call first; undefined where not asked for. */
  readonly variables: readonly ScopeVariables[] | undefined;
}

/** What is shown beside the frames themselves. */
export interface BacktraceColumns {
  /** `name+offset at address`. */
  readonly offsets: 'none' | 'decimal' | 'hex';
  /** Of the offsets in words. */
  readonly radix: 10 | 16;
  /** The file and line of each frame under it. */
  readonly lines: boolean;
  /** The words of each frame. */
  readonly words: 'none' | WordColumns;
  /** How far arguments and locals are looked for. */
  readonly variables: 'none' | Search;
}

export interface Inference {
  readonly type: string;
  readonly how: string;
}

export interface Backtrace {
  readonly type: 'backtrace';
  readonly show: BacktraceColumns;
  readonly header: TaskHeader;
  readonly frames: readonly BacktraceFrame[];
  /** Why frames lack lines and inlined calls, each reason once. */
  readonly missing: readonly string[];
  readonly userRegisters: Registers | undefined;
  /** Why the stack does not begin where its CPU came to its end; undefined where it does. */
  readonly beginning: string | undefined;
  /** Why the stack is not whole; undefined where it is. */
  readonly incomplete: string | undefined;
  /** Why the stack was left out on purpose. */
  readonly hidden: 'idle' | undefined;
  /** From what the types of objects in words were inferred, each once. */
  readonly inferences: readonly Inference[];
}

export const plainColumns: BacktraceColumns = {
  offsets: 'none',
  radix: 10,
  lines: false,
  words: 'none',
  variables: 'none',
};

export function backtrace(
  kernel: Kernel,
  unwinder: Unwinder,
  task: Task,
  show: BacktraceColumns = plainColumns,
): Backtrace {
  return backtraceOf(kernel, unwinder, stackOfTask(kernel, task), show);
}

/** The stack of a subject, with what the columns ask for. */
export function backtraceOf(
  kernel: Kernel,
  unwinder: Unwinder,
  subject: StackSubject,
  show: BacktraceColumns,
): Backtrace {
  const { frames, user, beginning, incomplete } = walkStack(unwinder, subject);
  const words = show.words === 'none' ? [] : frameWords(kernel, unwinder.stacks, subject.task, frames, show.words);
  const variables = frameVariables(kernel, frames, show);
  const described = frames.map((frame, number) => {
    const { frame: plain, missing } = describeFrame(kernel, frame, number);
    return { missing, frame: { ...plain, words: words[number], variables: variables?.(number) } };
  });
  return {
    type: 'backtrace',
    show,
    header: subject.header,
    frames: described.map((entry) => entry.frame),
    missing: [...new Set(described.flatMap((entry) => entry.missing ?? []))],
    userRegisters: user?.registers,
    beginning,
    incomplete,
    inferences: inferencesIn(words.flat()),
    hidden: undefined,
  };
}

function frameVariables(
  kernel: Kernel,
  frames: readonly Frame[],
  { variables }: BacktraceColumns,
): ((frame: number) => ScopeVariables[]) | undefined {
  if (variables === 'none') return undefined;
  const stack = new StackVariables(kernel, frames, variables);
  return (frame) => stack.scopes(frame).map((scope) => scopeVariables(kernel, scope, !variables.infer));
}

function inferencesIn(words: readonly StackWord[]): Inference[] {
  const found = new Map<string, Inference>();
  for (const { word } of words) {
    if (word.kind !== 'slab' || word.place?.provenance.kind !== 'inferred') continue;
    const { type, provenance } = word.place;
    // What is told by a cache is told once; what by a pointer, of the first object.
    if (!found.has(type)) found.set(type, { type, how: provenance.how });
  }
  return [...found.values()];
}

/** No more than whose stack it is. */
export function hiddenBacktrace({ header }: StackSubject, hidden: 'idle'): Backtrace {
  return {
    type: 'backtrace',
    show: plainColumns,
    header,
    frames: [],
    missing: [],
    userRegisters: undefined,
    beginning: undefined,
    incomplete: undefined,
    inferences: [],
    hidden,
  };
}

/** A frame without its words and variables, and why it lacks lines and inlined calls. */
export function describeFrame(
  kernel: Kernel,
  frame: Frame,
  number: number,
): { frame: BacktraceFrame; missing: string | undefined } {
  // A return address may already belong to what follows a call that never returns: look up the call itself.
  const at = frame.exact ? frame.ip : addVirt(frame.ip, -1);
  const found = kernel.symbols.at(at);
  const { frames, line, missing } = sourceAt(kernel, at);
  return {
    missing,
    frame: {
      number,
      slot: frame.slot,
      address: frame.ip,
      symbol: found?.symbol.name,
      offset: found === undefined ? 0 : Number(frame.ip - found.symbol.address),
      module: found?.symbol.module ?? kernel.modules().at(at)?.name,
      functionName: frames.at(-1)?.functionName,
      source: frames.at(-1)?.source ?? line,
      inlined: frames
        .filter((source) => source.inlined)
        .map((source, index) => ({
          number: index + 1,
          name: source.functionName ?? '?',
          source: source.source,
        })),
      origin: frame.origin,
      stack: frame.stack?.name ?? '',
      exception: interruptedRegisters(frame, number),
      recovered: frame.recovered,
      words: undefined,
      variables: undefined,
    },
  };
}
