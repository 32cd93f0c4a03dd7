/**
 * The arguments and locals of a frame, those of calls that the compiler expanded in place included: DWARF 5 sections
 * 2.6, 3.3, 4.1. What the frame itself does not tell may be known by its caller: values at the entry of a function are
 * what the call site passed.
 *
 * Invariant: a value is known, inferred and said to be, or absent with the reason. A register that a call may have
 * changed is never taken for known.
 */

import { FormatError, LookupError } from '../base/errors.ts';
import type { Die } from '../debuginfo/dwarf/die.ts';
import {
  DW_AT_declaration,
  DW_AT_type,
  DW_TAG_formal_parameter,
  DW_TAG_inlined_subroutine,
  DW_TAG_variable,
} from '../debuginfo/dwarf/constants.ts';
import { expressionAt } from '../debuginfo/dwarf/location-lists.ts';
import { sizeOf, strip, type Type } from '../debuginfo/types/type.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { partOf, scalarOf, valueAt, type Value } from '../values/value.ts';
import { valueAsPassed } from './as-passed.ts';
import { evaluateLocation } from './dwarf-expression.ts';
import type { ExpressionContext, Piece } from './expression-context.ts';
import type { FrameCode } from './frame-code.ts';
import { BY_POINTER } from './followed-values.ts';
import { FrameContexts, type Search } from './frame-context.ts';
import type { Frame } from './frame.ts';
import type { FrameRegisters } from './frame-registers.ts';
import { absenceOf, attributeOf, constantOf, fits, joinPieces, type Absence } from './variable-parts.ts';

export interface FrameVariable {
  readonly name: string;
  readonly argument: boolean;
  readonly type: Type;
  readonly value: Value | undefined;
  readonly absent: { readonly kind: Absence; readonly why: string } | undefined;
}

/** A function of a physical frame: itself, or one that was expanded in place in it. */
export interface FrameScope {
  /** 0 for the function itself; those expanded in place from 1, the innermost, as bt numbers them. */
  readonly inlined: number;
  readonly functionName: string | undefined;
  readonly variables: readonly FrameVariable[];
}

const LARGEST_VALUE = 1 << 20;

export class StackVariables {
  readonly #kernel: Kernel;
  readonly #contexts: FrameContexts;

  constructor(kernel: Kernel, frames: readonly Frame[], search: Search) {
    this.#kernel = kernel;
    this.#contexts = new FrameContexts(kernel, frames, search);
  }

  /** Undefined for a frame that is not there. */
  registers(frame: number): FrameRegisters | undefined {
    return this.#contexts.registers(frame);
  }

  /** The function and the calls expanded in it, the innermost first; empty where no debug information has it. */
  scopes(frame: number): FrameScope[] {
    const code = this.#contexts.code(frame);
    if (code === undefined) return [];
    const groups: Die[][] = [];
    for (const die of code.scopes) {
      if (groups.length === 0 || die.tag === DW_TAG_inlined_subroutine) groups.push([]);
      groups.at(-1)?.push(die);
    }
    return groups
      .map((dies, position) => ({
        inlined: position === 0 ? 0 : groups.length - position,
        functionName: dies[0]?.name,
        variables: this.#variablesOf(frame, code, dies),
      }))
      .toReversed();
  }

  /** Of blocks the innermost first: a name there hides those outside. */
  #variablesOf(frame: number, code: FrameCode, dies: readonly Die[]): FrameVariable[] {
    return dies.toReversed().flatMap((die) =>
      die.children().flatMap((child) => {
        const isVariable = child.tag === DW_TAG_formal_parameter || child.tag === DW_TAG_variable;
        const { name } = child;
        if (!isVariable || name === undefined || child.flag(DW_AT_declaration)) return [];
        return [this.#variable(frame, code, die, child, name)];
      }),
    );
  }

  #variable(frame: number, code: FrameCode, scope: Die, die: Die, name: string): FrameVariable {
    const argument = die.tag === DW_TAG_formal_parameter;
    const type = code.dwarf.types.typeOf(attributeOf(die, DW_AT_type)?.referenced(DW_AT_type));
    try {
      const located = this.#locate(frame, code, die, type);
      const value = located ?? (argument ? this.#asPassed(frame, code, scope, die, type) : undefined);
      if (value === undefined)
        return { name, argument, type, value, absent: { kind: 'optimized-out', why: 'optimized out' } };
      // A register that is not known shows itself when it is read; memory may still fail when it is shown.
      return { name, argument, type, value, absent: undefined };
    } catch (error) {
      return { name, argument, type, value: undefined, absent: absenceOf(error) };
    }
  }

  /** Undefined where the variable is nowhere at the frame's place in the code. */
  #locate(frame: number, code: FrameCode, die: Die, type: Type): Value | undefined {
    const expression = expressionAt(die, code.address);
    if (expression === undefined) return constantOf(die, type);
    const notes: string[] = [];
    const context = this.#contexts.of(frame, code, die.unit.header.offset, notes, (other) => {
      const of = code.dwarf.types.typeOf(attributeOf(other, DW_AT_type)?.referenced(DW_AT_type));
      const found = this.#locate(frame, code, other, of);
      return found && scalarOf(found);
    });
    const pieces = evaluateLocation(expression, context);
    if (pieces.every((piece) => piece.kind === 'optimized-out')) return undefined;
    if (notes.includes(BY_POINTER) && !pieces.every((piece) => fits(piece, type)))
      throw new LookupError('argument', 'the call was by a pointer, and of a function that takes something else');
    const value = this.#assemble(frame, code, pieces, type, context);
    return notes.length === 0 ? value : { ...value, inferred: [...new Set(notes)].join('; ') };
  }

  /** An argument that is nowhere any more, as it was when its function was entered. */
  #asPassed(frame: number, code: FrameCode, scope: Die, die: Die, type: Type): Value | undefined {
    const followed = this.#contexts.inferred;
    if (followed === undefined) return undefined;
    const context = this.#contexts.of(frame, code, die.unit.header.offset, [], () => undefined);
    return valueAsPassed(this.#kernel, followed, { frame, code, scope, die, type, context });
  }

  #assemble(frame: number, code: FrameCode, pieces: readonly Piece[], type: Type, context: ExpressionContext): Value {
    const [only, another] = pieces;
    if (only !== undefined && another === undefined) {
      if (only.kind === 'memory') return valueAt(this.#kernel.memory, type, only.address);
      if (only.kind === 'implicit-pointer') return this.#implicitPointer(frame, code, only, type);
    }
    const size = sizeOf(type);
    if (size > LARGEST_VALUE) throw new FormatError('variable', `is too large: ${size} bytes`);
    const { bytes, gaps } = joinPieces(pieces, size, context);
    const [gap] = gaps;
    if (gap !== undefined && gap.start === 0 && gap.end === size) throw new LookupError('value', gap.why);
    const place = { kind: 'computed', bytes, ...(gaps.length === 0 ? {} : { gaps }) } as const;
    return { type, bitField: undefined, place };
  }

  #implicitPointer(
    frame: number,
    code: FrameCode,
    { entry, offset }: Extract<Piece, { kind: 'implicit-pointer' }>,
    type: Type,
  ): Value {
    const die = code.dwarf.dieAt(entry);
    if (die === undefined) throw new FormatError('.debug_info', 'a pointer leads to no entry', entry);
    const pointed = strip(type);
    const target = (): Value => {
      const ownType = code.dwarf.types.typeOf(attributeOf(die, DW_AT_type)?.referenced(DW_AT_type));
      const value = this.#locate(frame, code, die, ownType);
      if (value === undefined) throw new LookupError('value', 'what it points at is optimized out');
      const wanted = pointed.kind === 'pointer' ? pointed.target : ownType;
      return offset === 0 && sizeOf(wanted) === 0
        ? value
        : partOf(value, sizeOf(wanted) === 0 ? ownType : wanted, offset, undefined);
    };
    const gaps = [{ start: 0, end: 8, why: 'the compiler did without the pointer' }];
    return { type, bitField: undefined, place: { kind: 'computed', bytes: new Uint8Array(8), gaps }, pointee: target };
  }
}
