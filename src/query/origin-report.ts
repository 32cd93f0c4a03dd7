/** The answer to `origin`: where a value is from, as plain data. */

import type { VirtAddr } from '../base/addr.ts';
import type { SourceLine } from '../debuginfo/dwarf/dwarf-info.ts';
import type { Provenance } from '../values/provenance.ts';
import type { BacktraceFrame } from './backtrace.ts';
import type { WordLabel } from './word-label.ts';

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
