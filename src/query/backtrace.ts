/** The kernel stack of a task: physical frames, and the inlined calls in each, with file and line. */

import type { VirtAddr } from '../base/addr.ts';
import { addVirt } from '../base/addr.ts';
import { attempt, isExpected, messageOf } from '../base/errors.ts';
import type { Registers } from '../arch/architecture.ts';
import type { SourceLine } from '../debuginfo/dwarf/dwarf-info.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Task } from '../kernel/tasks.ts';
import { codeObjectAt } from '../unwind/code-lookup.ts';
import type { Frame, FrameOrigin } from '../unwind/frame.ts';
import { startState } from '../unwind/start-state.ts';
import type { Unwinder } from '../unwind/unwinder.ts';

export interface TaskHeader {
  readonly pid: number;
  readonly task: VirtAddr;
  readonly cpu: number;
  readonly command: string;
}

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
}

/** What is shown beside the frames themselves. */
export interface BacktraceColumns {
  /** `name+offset at address`. */
  readonly offsets: 'none' | 'decimal' | 'hex';
  /** The file and line of each frame under it. */
  readonly lines: boolean;
}

export interface Backtrace {
  readonly type: 'backtrace';
  readonly show: BacktraceColumns;
  readonly header: TaskHeader;
  readonly frames: readonly BacktraceFrame[];
  readonly userRegisters: Registers | undefined;
  /** Why the stack is not whole; undefined where it is. */
  readonly incomplete: string | undefined;
}

export const plainColumns: BacktraceColumns = { offsets: 'none', lines: false };

export function taskHeader(task: Task): TaskHeader {
  return { pid: task.pid, task: task.address, cpu: attempt(() => task.cpu) ?? 0, command: task.comm };
}

export function backtrace(
  kernel: Kernel,
  unwinder: Unwinder,
  task: Task,
  show: BacktraceColumns = plainColumns,
): Backtrace {
  const header = taskHeader(task);
  try {
    const start = startState(kernel, task);
    if (start.saved?.user === true) {
      return { type: 'backtrace', show, header, frames: [], userRegisters: start.registers, incomplete: undefined };
    }
    const { frames, userRegisters, end } = unwinder.unwind(task, start);
    return {
      type: 'backtrace',
      show,
      header,
      frames: frames.map((frame, number) => describe(kernel, frame, number)),
      userRegisters: userRegisters?.registers,
      incomplete: end.kind === 'broken' ? end.why : undefined,
    };
  } catch (error) {
    if (!isExpected(error)) throw error;
    return { type: 'backtrace', show, header, frames: [], userRegisters: undefined, incomplete: messageOf(error) };
  }
}

function describe(kernel: Kernel, frame: Frame, number: number): BacktraceFrame {
  // A return address may already belong to what follows a call that never returns: look up the call itself.
  const at = frame.exact ? frame.ip : addVirt(frame.ip, -1);
  const found = kernel.symbols.at(at);
  const code = codeObjectAt(kernel, at);
  const dwarf = code && attempt(() => code.dwarf());
  const sourceFrames = (code && dwarf && attempt(() => dwarf.framesAt(code.toTable(at)))) ?? [];
  const lineOnly =
    sourceFrames.length === 0 && code && dwarf ? attempt(() => dwarf.lineAt(code.toTable(at))) : undefined;
  return {
    number,
    slot: frame.slot,
    address: frame.ip,
    symbol: found?.symbol.name,
    offset: found === undefined ? 0 : Number(frame.ip - found.symbol.address),
    module: found?.symbol.module ?? kernel.modules().at(at)?.name,
    functionName: sourceFrames.at(-1)?.functionName,
    source: sourceFrames.at(-1)?.source ?? lineOnly,
    inlined: sourceFrames
      .filter((source) => source.inlined)
      .map((source, index) => ({ number: index + 1, name: source.functionName ?? '?', source: source.source })),
    origin: frame.origin,
    stack: frame.stack?.name ?? '',
    exception: frame.saved !== undefined && number > 0 ? frame.saved.registers : undefined,
    recovered: frame.recovered,
  };
}
