/** Describes where a value is from: the chain of instructions that led to it, with names, lines and values. */

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
import { nameChain, type StepNames } from './origin-chain-names.ts';
import type { OriginNames } from './origin-names.ts';
import type {
  OriginCandidate,
  OriginCause,
  OriginInstruction,
  OriginList,
  OriginRow,
  OriginStop,
  OriginValue,
  OriginWriter,
} from './origin-report.ts';
import { sourceAt } from './source-at.ts';
import { poisonOf } from './poison.ts';
import { describeWord } from './word-label.ts';

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
