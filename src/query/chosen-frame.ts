/** One frame of a stack, or a call expanded in place in it: what `frame`, `args`, `locals` and `regs` say of it. */

import { LookupError, UsageError } from '../base/errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Frame } from '../unwind/frame.ts';
import type { KnownRegister } from '../unwind/frame-registers.ts';
import type { Unwinder } from '../unwind/unwinder.ts';
import { StackVariables, type FrameScope } from '../unwind/variables.ts';
import { describeFrame, type BacktraceFrame } from './backtrace.ts';
import { scopeVariables, type ScopeVariables } from './frame-variables.ts';
import { walkStack, type StackSubject, type TaskHeader } from './stack-walk.ts';
import { describeWord, type WordLabel } from './word-label.ts';

/** A place on a stack, as bt numbers it: 0 for the function itself, from 1 for the calls inlined in it, innermost first. */
export interface FramePosition {
  readonly number: number;
  readonly inlined: number;
}

/** Where one is on the stack: the answer to `frame`. */
export interface FrameReport {
  readonly type: 'frame';
  readonly header: TaskHeader;
  readonly frame: BacktraceFrame;
  readonly inlined: number;
}

export interface VariableReport {
  readonly type: 'variables';
  readonly frame: number;
  readonly scope: ScopeVariables;
  /** Whether structures are shown over many lines. */
  readonly whole: boolean;
  readonly radix: 10 | 16;
}

export interface RegisterRow {
  readonly name: string;
  /** Undefined where a call may have changed it. */
  readonly known: KnownRegister | undefined;
  readonly target: WordLabel | undefined;
}

export interface RegisterReport {
  readonly type: 'registers';
  readonly frame: BacktraceFrame;
  readonly registers: readonly RegisterRow[];
}

const specialRegisters: readonly string[] = ['rflags', 'cs', 'ss'];

/** A stack that was walked, and what is in its frames. */
export class ChosenStack {
  readonly #kernel: Kernel;
  readonly #subject: StackSubject;
  readonly #frames: readonly Frame[];
  readonly #variables: StackVariables;
  readonly #strict: boolean;
  readonly #incomplete: string | undefined;

  /** @param strict whether values that are not proved are left out */
  constructor(kernel: Kernel, unwinder: Unwinder, subject: StackSubject, strict: boolean) {
    const { frames, incomplete } = walkStack(unwinder, subject);
    this.#kernel = kernel;
    this.#subject = subject;
    this.#frames = frames;
    this.#incomplete = incomplete;
    this.#variables = new StackVariables(kernel, frames, { infer: !strict, follow: true });
    this.#strict = strict;
  }

  /** Where one is until a frame is chosen: where the last exception or interrupt came, else where the CPU was. */
  get start(): FramePosition {
    const interrupted = this.#frames.findIndex(({ saved }, number) => number > 0 && saved !== undefined);
    return { number: Math.max(0, interrupted), inlined: 0 };
  }

  /** @throws LookupError for a frame that is not there */
  report(position: FramePosition): FrameReport {
    const frame = this.#described(position);
    return { type: 'frame', header: this.#subject.header, frame, inlined: position.inlined };
  }

  /** The caller, the calls that were expanded in place counted; undefined at the end of the stack. */
  caller({ number, inlined }: FramePosition): FramePosition | undefined {
    const deepest = this.#described({ number, inlined }).inlined.length;
    if (inlined > 0) return { number, inlined: inlined < deepest ? inlined + 1 : 0 };
    return number + 1 < this.#frames.length ? this.#innermost(number + 1) : undefined;
  }

  /** The frame that a place called; undefined at the top of the stack. */
  callee({ number, inlined }: FramePosition): FramePosition | undefined {
    const deepest = this.#described({ number, inlined }).inlined.length;
    if (inlined > 1) return { number, inlined: inlined - 1 };
    if (inlined === 0 && deepest > 0) return { number, inlined: deepest };
    return number > 0 ? { number: number - 1, inlined: 0 } : undefined;
  }

  /** @throws LookupError where no debug information has the frame's code */
  scope(position: FramePosition): FrameScope {
    const scope = this.#variables.scopes(position.number).find(({ inlined }) => inlined === position.inlined);
    if (scope === undefined) throw this.#noScope(position);
    return scope;
  }

  variables(position: FramePosition): ScopeVariables {
    return scopeVariables(this.#kernel, this.scope(position), this.#strict);
  }

  /** A register by its name; undefined where it is not known in the frame. */
  register({ number }: FramePosition, name: string): KnownRegister | undefined {
    return this.#variables.registers(number)?.get(name);
  }

  registers(position: FramePosition): RegisterReport {
    const frame = this.#described(position);
    const { dwarfRegisters } = this.#kernel.target.architecture;
    const all = [...dwarfRegisters, ...specialRegisters];
    return { type: 'registers', frame, registers: all.flatMap((name) => this.#registerRow(position, name)) };
  }

  #registerRow(position: FramePosition, name: string): RegisterRow[] {
    const known = this.register(position, name);
    // Only an exception, or the CPU itself, tells of those.
    if (known === undefined && specialRegisters.includes(name)) return [];
    const label = known && describeWord(this.#kernel, known.value as Frame['ip'], 2);
    return [{ name, known, target: label?.kind === 'number' ? undefined : label }];
  }

  #described(position: FramePosition): BacktraceFrame {
    const { number, inlined } = position;
    const frame = this.#frames[number];
    if (frame === undefined) throw this.#noFrame(position);
    const { frame: described } = describeFrame(this.#kernel, frame, number);
    if (inlined > described.inlined.length) throw this.#noFrame(position);
    return described;
  }

  #noScope(position: FramePosition): LookupError {
    const { symbol } = this.#described(position);
    const frame = this.#frames[position.number];
    const why = frame && describeFrame(this.#kernel, frame, position.number).missing;
    const what = `of ${symbol ?? 'the code'} (frame ${nameOf(position)})`;
    return new LookupError('debug information', why === undefined ? what : `${what}; ${why}`);
  }

  #noFrame(position: FramePosition): LookupError {
    const { length } = this.#frames;
    const why =
      length === 0
        ? (this.#incomplete ?? 'the task is in user mode')
        : position.number < length
          ? `"bt" shows the calls inlined in frame ${position.number}`
          : `bt has 0 to ${length - 1}`;
    return new LookupError('frame', `${nameOf(position)} (${why})`);
  }

  #innermost(number: number): FramePosition {
    const { inlined } = this.#described({ number, inlined: 0 });
    return { number, inlined: inlined.length === 0 ? 0 : 1 };
  }
}

/** `3.1`. Throws UsageError. */
export function framePosition(word: string): FramePosition {
  const [, number, inlined] = /^(\d{1,6})(?:\.(\d{1,6}))?$/.exec(word) ?? [];
  if (number === undefined) throw new UsageError(`${word} is no frame: a number as bt has it, 3 or 3.1`);
  return { number: Number(number), inlined: Number(inlined ?? 0) };
}

export function nameOf({ number, inlined }: FramePosition): string {
  return inlined === 0 ? String(number) : `${number}.${inlined}`;
}
