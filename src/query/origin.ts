/** Where a value is from, as plain data: the answer to `origin`. */

import { virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { decodeText } from '../bytes/read.ts';
import type { SourceLine } from '../debuginfo/dwarf/dwarf-info.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Followed } from '../unwind/code/activation.ts';
import type { FunctionCode } from '../unwind/code/function-code.ts';
import type {
  Candidate,
  Cause,
  OriginChain,
  OriginEnd,
  OriginStep,
  OriginSubject,
  Site,
  Subject,
} from '../unwind/origin/chain.ts';
import type { Provenance } from '../values/provenance.ts';
import type { BacktraceFrame } from './backtrace.ts';
import { nameChain, type StepNames } from './origin-chain-names.ts';
import type { OriginNames } from './origin-names.ts';
import { sourceAt } from './source-at.ts';
import { poisonOf } from './poison.ts';
import { describeWord, type WordLabel } from './word-label.ts';

export interface OriginValue {
  readonly value: bigint;
  readonly provenance: Provenance;
  /** What it points at. */
  readonly target: WordLabel | undefined;
  /** The text of a constant that it points at. */
  readonly text: string | undefined;
  /** What the kernel writes where nothing may be read any more, or not yet: include/linux/poison.h. */
  readonly poison: string | undefined;
}

/** An instruction of the chain. */
export interface OriginInstruction {
  readonly address: VirtAddr;
  /** The symbol: a part of a function may have its own. */
  readonly functionName: string;
  /** In bytes from there. */
  readonly offset: number;
  readonly text: string;
  readonly source: SourceLine | undefined;
  /** Where a call leads, by name. */
  readonly target: string | undefined;
}

/** What made the value of a step. */
export type OriginCause =
  /** The instruction computed it, or copied it. */
  | { readonly kind: 'computed' }
  /** The instruction read it from memory, which holds `now` in the dump. */
  | { readonly kind: 'loaded'; readonly address: VirtAddr | undefined; readonly now: bigint | undefined }
  /** The instruction read it from the stack. */
  | { readonly kind: 'reloaded'; readonly address: VirtAddr }
  /** The function found it there; the instruction called it, or jumped to it. */
  | { readonly kind: 'handed'; readonly functionName: string; readonly parameter: string | undefined }
  /** A register of the code that an exception interrupted. */
  | { readonly kind: 'interrupted'; readonly register: string };

/** Code that can have written what memory holds; inferred. */
export interface OriginWriter {
  readonly store: OriginInstruction;
  /** The instruction that has the constant, where it is another one. */
  readonly constant: OriginInstruction | undefined;
}

export interface OriginRow {
  /** The frame of bt whose function the instruction is in. */
  readonly frame: number;
  /** The function ended in a jump: it has no frame any more. */
  readonly left: boolean;
  /** "rdi", or a word of the stack. */
  readonly subject: string;
  readonly value: OriginValue | undefined;
  /** It is the address that the row before reads memory at. */
  readonly isAddress: boolean;
  /** What memory holds now is not what was read: the row before went on with another value. */
  readonly isStale: boolean;
  readonly cause: OriginCause;
  readonly instruction: OriginInstruction;
  /** What it is in the source: `&mapping->private_lock`, `page->mapping`. */
  readonly expression: string | undefined;
  /** The variable that it was put into. */
  readonly variable: string | undefined;
  readonly writers: readonly OriginWriter[];
  /** What the step rests on, where it is not proved. */
  readonly notes: readonly string[];
  /** Where the other things are from that the instruction computes with. */
  readonly others: readonly OriginList[];
}

export interface OriginCandidate {
  /** Undefined: as the function found it. */
  readonly instruction: OriginInstruction | undefined;
  /** Of a conditional move, the register that it took, or left as it was. */
  readonly taken: string | undefined;
  readonly value: OriginValue | undefined;
}

/** Why the chain ends. */
export type OriginStop =
  | { readonly kind: 'constant' }
  | {
      readonly kind: 'variable';
      readonly name: string | undefined;
      readonly address: VirtAddr;
      readonly perCpu: boolean;
    }
  | { readonly kind: 'result'; readonly call: OriginInstruction; readonly functionName: string | undefined }
  | { readonly kind: 'user'; readonly register: string }
  | { readonly kind: 'stack' }
  | { readonly kind: 'several'; readonly inLoop: boolean; readonly candidates: readonly OriginCandidate[] }
  | { readonly kind: 'loop' }
  | { readonly kind: 'contradiction'; readonly known: bigint }
  | { readonly kind: 'unknown'; readonly why: string };

export interface OriginList {
  readonly rows: readonly OriginRow[];
  /** What the end is about, where no row tells. */
  readonly last:
    | {
        readonly subject: string;
        readonly value: OriginValue | undefined;
        readonly isAddress: boolean;
        readonly variable: string | undefined;
      }
    | undefined;
  readonly stop: OriginStop;
}

/** What was asked about, where it is no register. */
export interface OriginExpression {
  readonly text: string;
  /** The type, in C. */
  readonly type: string;
  readonly value: bigint | undefined;
  /** Where it is: "r15 - 0xa4", "the word of the stack at …", "memory at …". */
  readonly place: string;
  /** The variable whose origin follows, where the expression leads through it. */
  readonly through: string | undefined;
}

export interface OriginReport {
  readonly type: 'origin';
  readonly frame: BacktraceFrame;
  readonly inlined: number;
  readonly expression: OriginExpression | undefined;
  /** The frames that rows are of, by number. */
  readonly frames: readonly BacktraceFrame[];
  /** Undefined where there is nothing to follow: a constant, memory that no pointer of the frame leads to. */
  readonly origin: OriginList | undefined;
}

/** Makes chains into rows. */
export class OriginDescription {
  readonly #kernel: Kernel;
  readonly #names: OriginNames;

  constructor(kernel: Kernel, names: OriginNames) {
    this.#kernel = kernel;
    this.#names = names;
  }

  list(chain: OriginChain): OriginList {
    const names = nameChain(this.#names, chain);
    return {
      rows: chain.steps.map((step, index) => this.#row(step, names.steps[index] ?? unnamed)),
      last: chain.last && this.#last(chain.last, names.last),
      stop: this.#stop(chain.end),
    };
  }

  #row(step: OriginStep, { expression, variable }: StepNames): OriginRow {
    const { cause } = step;
    const { run, index } = cause.site;
    const inferred = expression?.inferred;
    return {
      frame: step.at.run.frame,
      left: step.at.run.left,
      subject: subjectText(step.subject),
      value: this.#value(step.value),
      isAddress: step.isAddress,
      isStale: step.isStale,
      cause: this.#cause(cause, step),
      instruction: this.#instruction(run.activation.code, index),
      expression: expression && `${inferred === undefined ? '' : '~'}${expression.text}`,
      variable: variable?.text,
      writers: cause.kind === 'loaded' ? cause.writers.map((writer) => this.#writer(writer)) : [],
      notes: [...step.notes, ...(inferred === undefined ? [] : [inferred])],
      others: step.others.map((chain) => this.list(chain)),
    };
  }

  #last({ subject, value, isAddress }: OriginSubject, variable: string | undefined): OriginList['last'] {
    return { subject: subjectText(subject), value: this.#value(value), isAddress, variable };
  }

  #cause(cause: Cause, { subject }: OriginStep): OriginCause {
    switch (cause.kind) {
      case 'computed':
        return { kind: 'computed' };
      case 'loaded': {
        const { address, now } = cause;
        return { kind: 'loaded', address: address && virtAddr(address.value), now };
      }
      case 'reloaded':
        return { kind: 'reloaded', address: cause.address };
      case 'handed': {
        const { code } = cause.callee.activation;
        const parameter = subject.kind === 'register' ? this.#names.parameter(code, subject.name) : undefined;
        return { kind: 'handed', functionName: code.name, parameter: parameter?.text };
      }
      case 'interrupted':
        return { kind: 'interrupted', register: cause.register };
    }
  }

  #writer({
    code,
    index,
    constant,
  }: {
    readonly code: FunctionCode;
    readonly index: number;
    readonly constant: number;
  }): OriginWriter {
    return {
      store: this.#instruction(code, index),
      constant: constant === index ? undefined : this.#instruction(code, constant),
    };
  }

  #instruction(code: FunctionCode, index: number): OriginInstruction {
    const address = code.instructions[index]?.address ?? code.start;
    const target = code.instructions[index]?.target;
    const label = this.#kernel.symbols.at(address);
    return {
      address,
      functionName: label?.symbol.name ?? code.name,
      offset: label?.offset ?? Number(address - code.start),
      text: code.text(index).replace(/ in \S+$/, ''),
      source: this.#source(address),
      target: target === undefined ? undefined : this.#kernel.symbols.label(target),
    };
  }

  /** Of the innermost function that is not a header's: its own name for what it does is what one looks for. */
  #source(address: VirtAddr): SourceLine | undefined {
    const { frames, line } = sourceAt(this.#kernel, address);
    const sources = frames.flatMap(({ source }) => source ?? []);
    return sources.find(({ file }) => !file.endsWith('.h')) ?? sources[0] ?? line;
  }

  #value(found: Followed | undefined): OriginValue | undefined {
    if (found === undefined) return undefined;
    const { notes } = found;
    return {
      value: found.value,
      provenance: notes.length === 0 ? { kind: 'known' } : { kind: 'inferred', how: notes.join('; ') },
      ...this.#pointed(virtAddr(found.value)),
    };
  }

  /** Texts have no symbols of their own: the one before them says nothing. */
  #pointed(value: VirtAddr): Pick<OriginValue, 'target' | 'text' | 'poison'> {
    const poison = poisonOf(value);
    if (poison !== undefined) return { target: undefined, text: undefined, poison };
    const { symbols, memory } = this.#kernel;
    const found = symbols.at(value);
    const covers = found === undefined || found.offset === 0 || found.offset < found.symbol.size;
    if (!covers && !symbols.isText(value)) {
      const text = attempt(() => decodeText(memory.stringBytes(value, LONGEST_TEXT)));
      return { target: undefined, text: text !== undefined && printable.test(text) ? text : undefined, poison };
    }
    const label = describeWord(this.#kernel, value, 2);
    return { target: label.kind === 'number' ? undefined : label, text: undefined, poison };
  }

  #stop(end: OriginEnd): OriginStop {
    switch (end.kind) {
      case 'variable':
        return { ...end, name: this.#names.global(end.address, end.perCpu)?.text };
      case 'result': {
        const callee = end.callee === undefined ? undefined : this.#kernel.symbols.label(end.callee);
        return { kind: 'result', call: this.#at(end.site), functionName: callee };
      }
      case 'several':
        return { kind: 'several', inLoop: end.inLoop, candidates: end.candidates.map((one) => this.#candidate(one)) };
      case 'loop':
      case 'constant':
      case 'user':
      case 'stack':
      case 'contradiction':
      case 'unknown':
        return end;
    }
  }

  #candidate({ site, taken, value }: Candidate): OriginCandidate {
    return { instruction: site && this.#at(site), taken, value: this.#value(value) };
  }

  #at({ run, index }: Site): OriginInstruction {
    return this.#instruction(run.activation.code, index);
  }
}

const LONGEST_TEXT = 60;
const printable = /^[\x20-\x7e\n\t]{3,}$/;

const unnamed: StepNames = { expression: undefined, variable: undefined };

function subjectText(subject: Subject): string {
  return subject.kind === 'register' ? subject.name : `stack ${subject.address.toString(16)}`;
}
