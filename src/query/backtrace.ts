/** The kernel stack of a task: physical frames, and the inlined calls in each, with file and line. */

import type { VirtAddr } from '../base/addr.ts';
import { addVirt } from '../base/addr.ts';
import { attempt, isExpected, messageOf } from '../base/errors.ts';
import type { Registers } from '../arch/architecture.ts';
import type { SourceFrame, SourceLine } from '../debuginfo/dwarf/dwarf-info.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Task } from '../kernel/tasks.ts';
import { codeObjectAt } from '../unwind/code-lookup.ts';
import type { Frame, FrameOrigin } from '../unwind/frame.ts';
import { cpuState, startState } from '../unwind/start-state.ts';
import type { StartState, Unwinder } from '../unwind/unwinder.ts';

/** Undefined is what cannot be read. */
export interface TaskHeader {
  readonly pid: number | undefined;
  readonly task: VirtAddr | undefined;
  readonly cpu: number | undefined;
  readonly command: string | undefined;
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
  /** Why frames lack lines and inlined calls, each reason once. */
  readonly missing: readonly string[];
  readonly userRegisters: Registers | undefined;
  /** Why the stack is not whole; undefined where it is. */
  readonly incomplete: string | undefined;
}

export const plainColumns: BacktraceColumns = { offsets: 'none', lines: false };

export function taskHeader(task: Task): TaskHeader {
  return {
    pid: attempt(() => task.pid),
    task: task.address,
    cpu: attempt(() => task.cpu),
    command: attempt(() => task.comm),
  };
}

export function backtrace(
  kernel: Kernel,
  unwinder: Unwinder,
  task: Task,
  show: BacktraceColumns = plainColumns,
): Backtrace {
  return traceFrom(kernel, unwinder, task, taskHeader(task), () => startState(kernel, task), show);
}

/** What a CPU was doing, where the task it ran cannot be read. */
export function cpuBacktrace(
  kernel: Kernel,
  unwinder: Unwinder,
  cpu: number,
  show: BacktraceColumns = plainColumns,
): Backtrace {
  const header = { pid: undefined, task: undefined, cpu, command: undefined };
  return traceFrom(kernel, unwinder, undefined, header, () => cpuState(kernel, cpu), show);
}

function traceFrom(
  kernel: Kernel,
  unwinder: Unwinder,
  task: Task | undefined,
  header: TaskHeader,
  startOf: () => StartState,
  show: BacktraceColumns,
): Backtrace {
  const empty: Backtrace = {
    type: 'backtrace',
    show,
    header,
    frames: [],
    missing: [],
    userRegisters: undefined,
    incomplete: undefined,
  };
  try {
    const start = startOf();
    if (start.saved?.user === true) return { ...empty, userRegisters: start.registers };
    const { frames, userRegisters, end } = unwinder.unwind(task, start);
    const described = frames.map((frame, number) => describe(kernel, frame, number));
    return {
      ...empty,
      frames: described.map((entry) => entry.frame),
      missing: [...new Set(described.flatMap((entry) => entry.missing ?? []))],
      userRegisters: userRegisters?.registers,
      incomplete: end.kind === 'broken' ? end.why : undefined,
    };
  } catch (error) {
    if (!isExpected(error)) throw error;
    return { ...empty, incomplete: messageOf(error) };
  }
}

function describe(
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
      exception: frame.saved !== undefined && number > 0 ? frame.saved.registers : undefined,
      recovered: frame.recovered,
    },
  };
}

interface SourceAt {
  readonly frames: readonly SourceFrame[];
  /** Of code that is in no function: assembler. */
  readonly line: SourceLine | undefined;
  /** Why nothing is known; undefined where something is, or the address is no code. */
  readonly missing: string | undefined;
}

function sourceAt(kernel: Kernel, at: VirtAddr): SourceAt {
  const code = codeObjectAt(kernel, at);
  const nothing = { frames: [], line: undefined };
  if (code === undefined) return { ...nothing, missing: undefined };
  try {
    const dwarf = code.dwarf();
    if (dwarf === undefined) {
      const { path } = kernel.target.vmlinux;
      const why =
        code.module === undefined
          ? `${path} has no DWARF`
          : `no debug file of this build was found for module ${code.module}`;
      return { ...nothing, missing: `no lines and inlined calls: ${why}` };
    }
    const address = code.toTable(at);
    const frames = dwarf.framesAt(address);
    return { frames, line: frames.length === 0 ? dwarf.lineAt(address) : undefined, missing: undefined };
  } catch (error) {
    if (!isExpected(error)) throw error;
    return { ...nothing, missing: `no lines and inlined calls: ${error.message}` };
  }
}
