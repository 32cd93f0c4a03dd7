/**
 * The arguments and locals of a frame, those of calls that the compiler expanded in place included: DWARF 5 sections
 * 2.6, 3.3, 4.1. What the frame itself does not tell may be known by its caller: values at the entry of a function are
 * what the call site passed.
 *
 * Invariant: a value is known, inferred and said to be, or absent with the reason. A register that a call may have
 * changed is never taken for known.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { FormatError, LookupError } from '../base/errors.ts';
import type { Die } from '../debuginfo/dwarf/die.ts';
import {
  DW_AT_declaration,
  DW_AT_frame_base,
  DW_AT_type,
  DW_TAG_formal_parameter,
  DW_TAG_inlined_subroutine,
  DW_TAG_variable,
} from '../debuginfo/dwarf/constants.ts';
import type { DwarfInfo } from '../debuginfo/dwarf/dwarf-info.ts';
import { expressionAt } from '../debuginfo/dwarf/location-lists.ts';
import { sizeOf, strip, type Type } from '../debuginfo/types/type.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { partOf, scalarOf, valueAt, type Gap, type Value } from '../values/value.ts';
import { callSiteAt, registerOf, type CallSite } from './call-sites.ts';
import { codeObjectAt, type CodeObject } from './code-lookup.ts';
import { evaluateLocation, evaluateValue } from './dwarf-expression.ts';
import type { ExpressionContext, Piece } from './expression-context.ts';
import type { Frame } from './frame.ts';
import { canonicalFrameAddress, frameRegisters, type FrameRegisters } from './frame-registers.ts';
import { absenceOf, attributeOf, baseTypeOf, constantOf, partBytes, type Absence } from './variable-parts.ts';

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

/** What is known of the code a frame is in. */
interface FrameCode {
  readonly object: CodeObject;
  readonly dwarf: DwarfInfo;
  /** The address looked up: of the call, or the instruction itself. */
  readonly address: number;
  /** The function, then blocks and inlined calls, outermost first. */
  readonly scopes: readonly Die[];
}

const LARGEST_VALUE = 1 << 20;

export class StackVariables {
  readonly #kernel: Kernel;
  readonly #frames: readonly Frame[];
  readonly #infer: boolean;
  readonly #code = new Map<number, FrameCode | undefined>();
  #registers: FrameRegisters[] | undefined;

  /** @param infer whether values that are not proved are wanted, too, marked */
  constructor(kernel: Kernel, frames: readonly Frame[], infer: boolean) {
    this.#kernel = kernel;
    this.#frames = frames;
    this.#infer = infer;
  }

  /** Undefined for a frame that is not there. */
  registers(frame: number): FrameRegisters | undefined {
    this.#registers ??= frameRegisters(this.#kernel, this.#frames, this.#infer);
    return this.#registers[frame];
  }

  /** The function and the calls expanded in it, the innermost first; empty where no debug information has it. */
  scopes(frame: number): FrameScope[] {
    const code = this.#codeOf(frame);
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
        return [this.#variable(frame, code, child, name)];
      }),
    );
  }

  #variable(frame: number, code: FrameCode, die: Die, name: string): FrameVariable {
    const argument = die.tag === DW_TAG_formal_parameter;
    const type = code.dwarf.types.typeOf(attributeOf(die, DW_AT_type)?.referenced(DW_AT_type));
    try {
      const value = this.#locate(frame, code, die, type);
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
    const context = this.#context(frame, code, die.unit.header.offset, notes);
    const pieces = evaluateLocation(expression, context);
    if (pieces.every((piece) => piece.kind === 'optimized-out')) return undefined;
    const value = this.#assemble(frame, code, pieces, type, context);
    return notes.length === 0 ? value : { ...value, inferred: [...new Set(notes)].join('; ') };
  }

  #assemble(frame: number, code: FrameCode, pieces: readonly Piece[], type: Type, context: ExpressionContext): Value {
    const [only, another] = pieces;
    if (only !== undefined && another === undefined) {
      if (only.kind === 'memory') return valueAt(this.#kernel.memory, type, only.address);
      if (only.kind === 'implicit-pointer') return this.#implicitPointer(frame, code, only, type);
    }
    const size = sizeOf(type);
    if (size > LARGEST_VALUE) throw new FormatError('variable', `is too large: ${size} bytes`);
    const bytes = new Uint8Array(size);
    const gaps: Gap[] = [];
    let at = 0;
    for (const piece of pieces) {
      const length = Math.min(piece.size ?? size - at, size - at);
      const part = partBytes(piece, length, context);
      bytes.set(part.bytes.subarray(0, length), at);
      if (part.bytes.length < length || part.why !== undefined)
        gaps.push({ start: at + part.bytes.length, end: at + length, why: part.why ?? 'the rest is nowhere' });
      at += length;
    }
    if (at < size) gaps.push({ start: at, end: size, why: 'optimized out' });
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

  /** What surrounds an expression of a unit in a frame. */
  #context(frame: number, code: FrameCode, unitOffset: number, notes: string[]): ExpressionContext {
    const { dwarfRegisters } = this.#kernel.target.architecture;
    const registers = this.registers(frame);
    const unit = code.dwarf.unit(unitOffset);
    const cfa = (): bigint | undefined => canonicalFrameAddress(this.#kernel, this.#frames, frame);
    const context: ExpressionContext = {
      memory: this.#kernel.memory,
      register: (number) => {
        const known = registers?.get(dwarfRegisters[number] ?? '');
        if (known?.inferred !== undefined) notes.push(`${dwarfRegisters[number]}: ${known.inferred}`);
        return known?.value;
      },
      registerName: (number) => dwarfRegisters[number] ?? `register ${number}`,
      cfa,
      frameBase: () => {
        const base = code.scopes[0] && expressionAt(code.scopes[0], code.address, DW_AT_frame_base);
        return base && evaluateValue(base, { ...context, frameBase: undefined });
      },
      entryValue: (inner) => this.#entryValue(frame, inner, notes),
      parameter: (offset) => this.#passed(frame, { parameter: unitOffset + offset }, notes),
      baseType: (offset) => baseTypeOf(unit.dieAt(offset)),
      called: (offset, of) => {
        const die = of === 'unit' ? unit.dieAt(offset) : code.dwarf.dieAt(offset);
        return die && expressionAt(die, code.address);
      },
      variableValue: (offset) => {
        const die = code.dwarf.dieAt(offset);
        const type = code.dwarf.types.typeOf(die && attributeOf(die, DW_AT_type)?.referenced(DW_AT_type));
        const value = die && this.#locate(frame, code, die, type);
        if (value === undefined) throw new LookupError('value', 'of a variable');
        return scalarOf(value);
      },
      relocated: (address) => this.#running(code.object, virtAddr(address)),
      indexedAddress: (index) => BigInt(unit.sections.indexedAddress(unit.addressBase, index)),
      offsetSize: unit.header.offsetSize,
    };
    return context;
  }

  /** A register, or an expression on registers, as it was when the function was entered. */
  #entryValue(frame: number, inner: Uint8Array, notes: string[]): bigint {
    const register = registerOf(inner);
    if (register === undefined) throw new LookupError('value', 'of an expression at the entry of the function');
    return this.#passed(frame, { register }, notes);
  }

  /** What the caller of a frame passed in a register, or for a parameter. */
  #passed(
    frame: number,
    wanted: { readonly register: number } | { readonly parameter: number },
    notes: string[],
  ): bigint {
    const site = this.#callSite(frame, notes);
    const parameter = site.parameters.find((candidate) =>
      'register' in wanted ? candidate.register === wanted.register : candidate.parameter === wanted.parameter,
    );
    if (parameter?.value === undefined) throw new LookupError('argument', 'its caller does not tell what it passed');
    const code = this.#codeOf(frame + 1);
    if (code === undefined) throw new LookupError('debug information', 'of the caller');
    const context = this.#context(frame + 1, code, site.die.unit.header.offset, notes);
    let read = false;
    const value = evaluateValue(parameter.value, { ...context, onRead: () => (read = true) });
    if (read) {
      if (!this.#infer) throw new LookupError('argument', 'the caller read it from memory, which may have changed');
      notes.push('the caller read it from memory, which may have changed since');
    }
    return value;
  }

  /** Where the caller called this frame's function. Throws where it called another, which went on to this one. */
  #callSite(frame: number, notes: string[]): CallSite {
    const caller = this.#frames[frame + 1];
    if (caller === undefined || caller.saved !== undefined)
      throw new LookupError('caller', 'the function was not called: it was interrupted into, or begins the stack');
    const code = this.#codeOf(frame + 1);
    const scope = code?.scopes[0];
    const site = code && scope && callSiteAt(scope, code.object.toTable(caller.ip));
    if (site === undefined) throw new LookupError('call site', 'the caller has no description of this call');
    const own = this.#codeOf(frame)?.scopes[0]?.name;
    if (site.callee === undefined) {
      if (!this.#infer) throw new LookupError('call site', 'the call is indirect, and may have gone on by a tail call');
      notes.push('passed by an indirect call');
    } else if (own !== undefined && site.callee !== own)
      throw new LookupError('argument', `the caller called ${site.callee}, which went on to ${own} by a tail call`);
    return site;
  }

  #codeOf(index: number): FrameCode | undefined {
    if (!this.#code.has(index)) {
      const frame = this.#frames[index];
      this.#code.set(index, frame && this.#lookUp(frame));
    }
    return this.#code.get(index);
  }

  #lookUp(frame: Frame): FrameCode | undefined {
    const at = frame.exact ? frame.ip : addVirt(frame.ip, -1);
    const object = codeObjectAt(this.#kernel, at);
    const dwarf = object?.dwarf();
    if (object === undefined || dwarf === undefined) return undefined;
    const address = object.toTable(at);
    return { object, dwarf, address, scopes: dwarf.scopesAt(address) };
  }

  /** Modules' files are relocated already; vmlinux's addresses are as linked, its per-CPU offsets stay. */
  #running(object: CodeObject, address: VirtAddr): VirtAddr {
    if (object.module !== undefined) return address;
    const running = this.#kernel.running(address);
    return this.#kernel.symbols.isImage(running) ? running : address;
  }
}
