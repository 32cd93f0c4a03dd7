/** How a value came about, step by step, from the place where it was found back to where it is from. Plain data. */

import type { VirtAddr } from '../../base/addr.ts';
import type { Followed } from '../code/activation.ts';
import type { Formula, MemoryFormula } from '../code/formula.ts';
import type { Run } from './runs.ts';
import type { Writer } from './writers.ts';

/** What a step is about: a register before an instruction, or a word of the stack. */
export type Subject =
  | { readonly kind: 'register'; readonly name: string }
  | { readonly kind: 'slot'; readonly address: VirtAddr; readonly size: number };

/** An instruction of a function that a stack has a frame of, or that ended in a jump on the way to one. */
export interface Site {
  readonly run: Run;
  readonly index: number;
}

/** What made the subject what it is. */
export type Cause =
  /** An instruction computed it from registers and constants. */
  | { readonly kind: 'computed'; readonly site: Site; readonly formula: Formula }
  /** An instruction read it from memory that is not on the stack; `now` is what that holds in the dump. */
  | {
      readonly kind: 'loaded';
      readonly site: Site;
      readonly from: MemoryFormula;
      readonly address: Followed | undefined;
      readonly now: bigint | undefined;
      /** Code that can have written it there; inferred. */
      readonly writers: readonly Writer[];
    }
  /** An instruction read it from a word of the stack. */
  | { readonly kind: 'reloaded'; readonly site: Site; readonly from: MemoryFormula; readonly address: VirtAddr }
  /** Nothing in the function set it: it is as the function was handed it, by the instruction at `site`. */
  | { readonly kind: 'handed'; readonly callee: Run; readonly site: Site }
  /** It is a register of the code that was interrupted, in the frame that `site` stands in, as the exception saved it. */
  | { readonly kind: 'interrupted'; readonly register: string; readonly site: Site };

export interface OriginStep {
  readonly subject: Subject;
  /** The instruction before which it is what it is. */
  readonly at: Site;
  readonly value: Followed | undefined;
  /** The step before it reads memory at an address that is made of this. */
  readonly isAddress: boolean;
  /** What memory holds now is not what it was: the step before read what is not there. */
  readonly isStale: boolean;
  readonly cause: Cause;
  /** What the choice of the cause rests on, where it is not proved. */
  readonly notes: readonly string[];
  /** Where the other things that the instruction computes with are from. */
  readonly others: readonly OriginChain[];
}

/** One of several instructions that may have set a value. */
export interface Candidate {
  /** Undefined: none did, it is as the function was handed it. */
  readonly site: Site | undefined;
  /** Of a conditional move, the register that it took, or left as it was. */
  readonly taken?: string | undefined;
  /** What it would have given; undefined where that is not known. */
  readonly value: Followed | undefined;
}

export type OriginEnd =
  | { readonly kind: 'constant' }
  /** A place in memory that is always the same one: a variable, or one of the per-CPU area. */
  | { readonly kind: 'variable'; readonly address: VirtAddr; readonly perCpu: boolean }
  | { readonly kind: 'result'; readonly site: Site; readonly callee: VirtAddr | undefined }
  | { readonly kind: 'user'; readonly register: string }
  /** It is the stack pointer, or is made of it alone: a place on the stack. */
  | { readonly kind: 'stack' }
  /** `inLoop`: one of them may have set it each time round. */
  | { readonly kind: 'several'; readonly inLoop: boolean; readonly candidates: readonly Candidate[] }
  /** It leads back to itself. */
  | { readonly kind: 'loop' }
  /** What the code computes and what is known do not agree: something is wrong with one of the steps. */
  | { readonly kind: 'contradiction'; readonly known: bigint }
  | { readonly kind: 'unknown'; readonly why: string };

export interface OriginChain {
  readonly subject: Subject;
  /** The first is about the subject, each other one about something that the one before was made of. */
  readonly steps: readonly OriginStep[];
  /** Why it goes no further. */
  readonly end: OriginEnd;
  /** What the last step was made of, where that is what the end is about: its value. */
  readonly last: OriginSubject | undefined;
}

export interface OriginSubject {
  readonly subject: Subject;
  readonly at: Site | undefined;
  readonly value: Followed | undefined;
  readonly isAddress: boolean;
}
