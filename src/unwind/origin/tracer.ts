/**
 * Where a value is from: backward through the code of a stack's functions, from one instruction to the one that set
 * what it is made of, until memory, a constant, the result of a call, user mode, or something that is not known.
 *
 * Invariant: the value of each step follows from the step before it; where something independent tells another value,
 * the chain ends there.
 */

import { virtAddr, type VirtAddr } from '../../base/addr.ts';
import { checkCancelled } from '../../base/cancel.ts';
import { knownValue, type Followed } from '../code/activation.ts';
import { calleeSavedRegisters, callerSavedRegisters } from '../../arch/x86-64/registers.ts';
import type { Formula, MemoryFormula } from '../code/formula.ts';
import type { Candidate, OriginChain, OriginEnd, OriginStep, Subject } from './chain.ts';
import { chooseDefinitions, doTheSame } from './choice.ts';
import { takenSide } from './conditions.ts';
import { leavesOf } from './leaves.ts';
import { momentBefore, momentOfEntry, registerAt, type Moment } from './moment.ts';
import { readOf } from './reads.ts';
import {
  candidates,
  contradicts,
  incompleteNote,
  isCall,
  isInLoop,
  keyOf,
  marked,
  plain,
  sideCandidates,
  stepOf,
  storeAt,
  storedBy,
  type Question,
} from './question.ts';
import type { Runs } from './runs.ts';
import { storesTo } from './slots.ts';
import { solve } from './solve.ts';
import { isTelling, writersOf, type Writer } from './writers.ts';

/** In all chains of one answer. */
const MOST_STEPS = 64;
/** How deep chains hang on steps of others. */
const DEEPEST = 2;

type Answer = { readonly step: OriginStep; readonly next: Question | OriginEnd } | OriginEnd;

export class Tracer {
  readonly #runs: Runs;
  readonly #infer: boolean;
  #left = MOST_STEPS;

  /** @param infer whether steps that are not proved are wanted, too, marked */
  constructor(runs: Runs, infer: boolean) {
    this.#runs = runs;
    this.#infer = infer;
  }

  /** A register where a frame stands: before its call is executed, or the instruction that was interrupted. */
  register(frame: number, name: string): OriginChain {
    const moment = this.#runs.momentOf(frame);
    return this.#begin({ kind: 'register', name }, moment);
  }

  /** A register when the function of a frame was entered. */
  entry(frame: number, name: string): OriginChain {
    const moment = this.#runs.momentOf(frame);
    return this.#begin({ kind: 'register', name }, typeof moment === 'string' ? moment : momentOfEntry(moment, never));
  }

  /** A word of the stack, as it is where a frame stands. */
  slot(frame: number, address: VirtAddr, size: number): OriginChain {
    const word = this.#runs.stack.word(address, size);
    const value = word === undefined ? undefined : knownValue(word);
    return this.#begin({ kind: 'slot', address, size }, this.#runs.momentOf(frame), value);
  }

  #begin(subject: Subject, moment: Moment | string, value?: Followed): OriginChain {
    if (typeof moment !== 'string') return this.#trace({ ...plain, subject, moment, value }, 0);
    const last = { subject, at: undefined, value, isAddress: false };
    return { subject, steps: [], end: { kind: 'unknown', why: moment }, last };
  }

  #trace(question: Question, depth: number): OriginChain {
    const { subject } = question;
    const steps: OriginStep[] = [];
    const visited = new Set<string>();
    let current = question;
    for (;;) {
      checkCancelled();
      const key = keyOf(current);
      const answer: Answer = visited.has(key)
        ? { kind: 'loop' }
        : this.#left-- <= 0
          ? { kind: 'unknown', why: `it goes on: no more than ${MOST_STEPS} steps are shown` }
          : this.#answer(current, depth);
      visited.add(key);
      if ('kind' in answer) return { subject, steps, end: answer, last: this.#lastOf(current) };
      steps.push(answer.step);
      if ('kind' in answer.next) return { subject, steps, end: answer.next, last: undefined };
      current = answer.next;
    }
  }

  #lastOf(question: Question): OriginChain['last'] {
    const { subject, moment, isAddress } = question;
    return { subject, at: moment, value: question.value ?? this.#valueOf(question), isAddress };
  }

  #answer(asked: Question, depth: number): Answer {
    const { activation } = asked.moment.run;
    if (activation.code.incomplete !== undefined && !this.#infer)
      return { kind: 'unknown', why: `${activation.code.incomplete}: there may be other ways than are known` };
    const independent = this.#valueOf(asked);
    if (contradicts(asked.value, independent)) return { kind: 'contradiction', known: independent?.value ?? 0n };
    const question = { ...asked, value: asked.value ?? independent };
    const { subject } = question;
    return subject.kind === 'register'
      ? this.#ofRegister(question, subject.name, depth)
      : this.#ofSlot(question, subject.address, subject.size, depth);
  }

  #valueOf({ subject, moment, isStale }: Question): Followed | undefined {
    const found = subject.kind === 'register' ? registerAt(moment, subject.name) : undefined;
    return isStale && found?.stale === true ? undefined : found;
  }

  #ofRegister(question: Question, name: string, depth: number): Answer {
    if (name === 'rsp') return { kind: 'stack' };
    const { moment } = question;
    const { run, index } = moment;
    const { code } = run.activation;
    const choice = chooseDefinitions(run, index, name, question.value, this.#infer);
    const [definition, another] = choice.definitions;
    if (definition === undefined) return { kind: 'unknown', why: 'no instruction leads here' };
    if (name !== 'rax' && choice.definitions.every((one) => isCall(run, one)))
      return { kind: 'unknown', why: 'a call may have changed it, and nothing has set it since' };
    if (another !== undefined && !doTheSame(run.activation, choice.definitions, name))
      return { kind: 'several', inLoop: isInLoop(moment, choice), candidates: candidates(run, choice, name) };
    const notes = [...choice.notes, ...incompleteNote(run)];
    const sets = (at: number): boolean => code.effect(at).registers.has(name);
    switch (definition.kind) {
      case 'entry':
        return this.#handed(question, momentOfEntry(moment, sets), notes);
      case 'fixup':
        return { kind: 'unknown', why: 'an exception led here, and may have changed it' };
      case 'instruction': {
        const formula = code.effect(definition.index).registers.get(name) ?? unknownFormula;
        return this.#set(question, momentBefore(moment, definition.index, sets), formula, notes, depth);
      }
    }
  }

  /** What an instruction, at its moment, made the subject of. */
  #set(question: Question, moment: Moment, whole: Formula, notes: readonly string[], depth: number): Answer {
    if (whole.kind === 'unknown') return this.#notFollowed(question, moment, whole.cause);
    const side = takenSide(moment, whole, question.value, this.#infer);
    if (side === undefined) return { kind: 'several', inLoop: false, candidates: sideCandidates(moment, whole) };
    const { formula } = side;
    const all = [...notes, ...side.notes];
    const [main, ...others] = leavesOf(formula);
    if (main === undefined || main.kind === 'constant')
      return { step: stepOf(question, { kind: 'computed', site: moment, formula }, all), next: { kind: 'constant' } };
    const chains = this.#chainsOf(others, moment, depth);
    const value = solve(moment, formula, main, question.value);
    if (main.kind === 'memory')
      return this.#loaded(question, moment, main, value, { notes: all, others: chains }, depth);
    return {
      step: stepOf(question, { kind: 'computed', site: moment, formula }, all, chains),
      next: { ...plain, subject: { kind: 'register', name: main.name }, moment, value },
    };
  }

  #chainsOf(leaves: readonly Formula[], moment: Moment, depth: number): OriginChain[] {
    if (depth >= DEEPEST) return [];
    return leaves.flatMap((leaf) => {
      if (leaf.kind !== 'register') return [];
      const subject: Subject = { kind: 'register', name: leaf.name };
      return [this.#trace({ ...plain, subject, moment, value: registerAt(moment, leaf.name) }, depth + 1)];
    });
  }

  /** A value from memory goes back to the store on the stack, or to what the address is made of. */
  #loaded(
    question: Question,
    moment: Moment,
    from: MemoryFormula,
    value: Followed | undefined,
    { notes, others }: Pick<OriginStep, 'notes' | 'others'>,
    depth: number,
  ): Answer {
    const read = readOf(this.#runs, moment, from);
    if (read.kind === 'saved') {
      const cause = { kind: 'reloaded', site: moment, from, address: read.address } as const;
      return this.#saved(stepOf(question, cause, notes, others), read, value);
    }
    if (read.kind === 'slot') {
      const { address } = read;
      const subject: Subject = { kind: 'slot', address, size: from.size };
      const step = stepOf(question, { kind: 'reloaded', site: moment, from, address }, notes, others);
      return { step, next: { ...plain, subject, moment: read.moment, value } };
    }
    const { address, now } = read;
    // What is not there now was read by a pointer that has changed since.
    const isStale = address?.stale === true && (now === undefined || (value !== undefined && value.value !== now));
    const [base, ...more] = leavesOf(from.address);
    const chains = [...others, ...this.#chainsOf(more, moment, depth)];
    const writers = this.#writersOf(moment, from, value);
    const place = isStale ? { address: undefined, now: undefined } : { address, now };
    const step = stepOf(question, { kind: 'loaded', site: moment, from, ...place, writers }, notes, chains);
    if (base === undefined || base.kind === 'constant') {
      const at = virtAddr(from.address.kind === 'constant' ? from.address.value : 0n);
      return { step, next: { kind: 'variable', address: at, perCpu: from.segment !== undefined } };
    }
    if (base.kind === 'memory')
      return { step, next: { kind: 'unknown', why: 'its address was read from memory, too' } };
    const pointer = isStale || from.segment !== undefined ? undefined : solve(moment, from.address, base, address);
    const subject: Subject = { kind: 'register', name: base.name };
    return { step, next: { subject, moment, value: pointer, isAddress: true, isStale } };
  }

  #writersOf({ run }: Moment, from: MemoryFormula, value: Followed | undefined): Writer[] {
    if (!this.#infer || value === undefined || !isTelling(value.value) || this.#runs.stack.isMade(value.value))
      return [];
    return writersOf(this.#runs.codeWith(value.value, run), from, value.value);
  }

  /** Registers that an exception saved are those of the code it hit. */
  #saved(
    step: OriginStep,
    { register, frame }: { readonly register: string; readonly frame: number | undefined },
    value: Followed | undefined,
  ): Answer {
    if (frame === undefined) return { step, next: { kind: 'user', register } };
    const moment = this.#runs.momentOf(frame);
    if (typeof moment === 'string' || !generalRegisters.has(register))
      return {
        step,
        next: { kind: 'unknown', why: `it is ${register}, as saved when frame ${frame} was interrupted` },
      };
    const subject: Subject = { kind: 'register', name: register };
    const cause = { kind: 'interrupted', register, site: moment } as const;
    return { step: { ...step, cause }, next: { ...plain, subject, moment, value } };
  }

  #notFollowed({ subject }: Question, { run, index }: Moment, cause: 'call' | 'computed'): OriginEnd {
    const site = { run, index };
    const text = run.activation.code.text(index);
    if (cause === 'computed') return { kind: 'unknown', why: `${text} is not followed` };
    if (subject.kind === 'register' && subject.name === 'rax')
      return { kind: 'result', site, callee: this.#runs.calleeOf(run, index) };
    return { kind: 'unknown', why: `${text} may have changed it` };
  }

  /** As the function found it when it was entered. */
  #handed(question: Question, entry: Moment, notes: readonly string[]): Answer {
    const { subject } = question;
    const { entered } = entry.run;
    const name = subject.kind === 'register' ? subject.name : '';
    if (entered.kind === 'user')
      return bySyscall.has(name)
        ? { kind: 'unknown', why: 'the syscall instruction may have changed it' }
        : { kind: 'user', register: name };
    if (entered.kind === 'interrupted')
      return { kind: 'unknown', why: `it was left there when frame ${entered.frame} was interrupted` };
    if (entered.kind === 'unknown') return entered;
    const all = [...notes, ...entered.notes];
    if (all.length > 0 && !this.#infer) return { kind: 'unknown', why: `not proved: ${all.join('; ')}` };
    const moment = this.#runs.momentOfCall(entry, entered);
    const step = stepOf(question, { kind: 'handed', callee: entry.run, site: moment }, all);
    return { step, next: { ...plain, subject, moment, value: marked(question.value, all) } };
  }

  #ofSlot(question: Question, address: VirtAddr, size: number, depth: number): Answer {
    const { moment } = question;
    const { run, index } = moment;
    const { code } = run.activation;
    const { stores, overlapping, fromEntry, handedOut } = storesTo(run.activation, index, address, size);
    const [store, another] = stores;
    if (overlapping !== undefined)
      return { kind: 'unknown', why: `${code.text(overlapping)} wrote a part of the word` };
    const before = (at: number): Moment => momentBefore(moment, at, (other) => stores.includes(other));
    if (another !== undefined || (store !== undefined && fromEntry)) {
      const all = stores.map((at): Candidate => ({ site: { run, index: at }, value: storedBy(before(at), address) }));
      return {
        kind: 'several',
        inLoop: false,
        candidates: fromEntry ? [...all, { site: undefined, value: undefined }] : all,
      };
    }
    if (store === undefined) return this.#unstored(question, address, handedOut);
    const there = before(store);
    const stored = storedBy(there, address);
    if (handedOut && stored !== undefined && question.value !== undefined && stored.value !== question.value.value)
      return { kind: 'unknown', why: 'a function that was handed its address wrote it' };
    const notes = [...incompleteNote(run), ...(handedOut ? [byPointer] : [])];
    if (notes.length > 0 && !this.#infer) return { kind: 'unknown', why: `not proved: ${notes.join('; ')}` };
    const formula = storeAt(there, address)?.value ?? unknownFormula;
    return this.#set({ ...question, value: marked(question.value, notes) }, there, formula, notes, depth);
  }

  /** Words above those of the function are its caller's: arguments that registers have no room for. */
  #unstored({ moment, value, subject, ...rest }: Question, address: VirtAddr, handedOut: boolean): Answer {
    if (handedOut) return { kind: 'unknown', why: 'a function that was handed its address wrote it' };
    const { run } = moment;
    const owner = this.#runs.stack.ownerOf(run.frame, address);
    const there = owner === undefined || owner === run.frame ? undefined : this.#runs.momentOf(owner);
    if (there === undefined || typeof there === 'string')
      return { kind: 'unknown', why: 'no instruction of the function is known to have stored it' };
    const question = { ...rest, moment, value, subject };
    const step = stepOf(question, { kind: 'handed', callee: run, site: there }, []);
    return { step, next: { ...plain, subject, moment: there, value } };
  }
}

const unknownFormula: Formula = { kind: 'unknown', cause: 'computed' };
const byPointer = 'a function that was handed the address of this word may have written it since';
const generalRegisters = new Set([...callerSavedRegisters, ...calleeSavedRegisters]);
/** SDM volume 2, SYSCALL: they hold where user mode goes on, and its flags. */
const bySyscall = new Set(['rcx', 'r11']);
const never = (): boolean => false;
