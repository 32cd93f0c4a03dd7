/**
 * What surrounds DWARF expressions in the frames of a stack: registers, what callers passed, other variables. What a
 * frame itself does not tell may be known by its caller (values at the entry of a function are what the call site
 * passed), and, where that is wanted, by the code.
 */

import { virtAddr } from '../base/addr.ts';
import { LookupError } from '../base/errors.ts';
import { DW_AT_frame_base } from '../debuginfo/dwarf/constants.ts';
import { expressionAt } from '../debuginfo/dwarf/location-lists.ts';
import type { Die } from '../debuginfo/dwarf/die.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { callSiteAt, registerOf, type CallSite } from './call-sites.ts';
import type { Followed } from './code/activation.ts';
import { canonicalFrameAddress } from './canonical-frame.ts';
import { evaluateValue } from './dwarf-expression.ts';
import type { ExpressionContext } from './expression-context.ts';
import { BY_POINTER, FollowedValues } from './followed-values.ts';
import { frameCodeOf, runningAddress, type FrameCode } from './frame-code.ts';
import type { Frame } from './frame.ts';
import { frameRegisters, type FrameRegisters } from './frame-registers.ts';
import { baseTypeOf } from './variable-parts.ts';

/** How far values are looked for: beyond what debug information and saved registers prove. */
export interface Search {
  /** What is inferred, too, marked. */
  readonly infer: boolean;
  /** What the code tells, too; slower. */
  readonly follow: boolean;
}

/** An argument of a frame: by the register it is passed in, as DWARF numbers it, or by its entry in .debug_info. */
type Wanted = { readonly register: number } | { readonly parameter: number };

export class FrameContexts {
  readonly #kernel: Kernel;
  readonly #frames: readonly Frame[];
  readonly #search: Search;
  readonly #code = new Map<number, FrameCode | undefined>();
  #registers: FrameRegisters[] | undefined;
  #followed: FollowedValues | undefined;

  constructor(kernel: Kernel, frames: readonly Frame[], search: Search) {
    this.#kernel = kernel;
    this.#frames = frames;
    this.#search = search;
  }

  /** Undefined for a frame that is not there. */
  registers(frame: number): FrameRegisters | undefined {
    this.#registers ??= frameRegisters(this.#kernel, this.#frames, this.#search.infer);
    return this.#registers[frame];
  }

  code(index: number): FrameCode | undefined {
    if (!this.#code.has(index)) {
      const frame = this.#frames[index];
      this.#code.set(index, frame && frameCodeOf(this.#kernel, frame));
    }
    return this.#code.get(index);
  }

  /** What the code tells; undefined where that is not wanted. */
  get followed(): FollowedValues | undefined {
    if (!this.#search.follow) return undefined;
    this.#followed ??= new FollowedValues(this.#kernel, this.#frames, (frame) => this.registers(frame));
    return this.#followed;
  }

  /** The same, where inferred values are wanted. */
  get inferred(): FollowedValues | undefined {
    return this.#search.infer ? this.followed : undefined;
  }

  /**
   * What surrounds an expression of a unit in a frame.
   * @param notes takes what has to be said of the value
   * @param valueOf the value of another variable of the frame
   */
  of(
    frame: number,
    code: FrameCode,
    unitOffset: number,
    notes: string[],
    valueOf: (die: Die) => bigint | undefined,
  ): ExpressionContext {
    const { dwarfRegisters } = this.#kernel.target.architecture;
    const unit = code.dwarf.unit(unitOffset);
    const context: ExpressionContext = {
      memory: this.#kernel.memory,
      register: (number) => this.#register(frame, dwarfRegisters[number] ?? '', notes),
      registerName: (number) => dwarfRegisters[number] ?? `register ${number}`,
      cfa: () => canonicalFrameAddress(this.#kernel, this.#frames, frame),
      frameBase: () => {
        const base = code.scopes[0] && expressionAt(code.scopes[0], code.address, DW_AT_frame_base);
        return base && evaluateValue(base, { ...context, frameBase: undefined });
      },
      entryValue: (inner) => this.#entryValue(frame, inner, notes, context),
      parameter: (offset) => this.passed(frame, { parameter: unitOffset + offset }, notes),
      baseType: (offset) => baseTypeOf(unit.dieAt(offset)),
      called: (offset, of) => {
        const die = of === 'unit' ? unit.dieAt(offset) : code.dwarf.dieAt(offset);
        return die && expressionAt(die, code.address);
      },
      variableValue: (offset) => {
        const die = code.dwarf.dieAt(offset);
        const value = die && valueOf(die);
        if (value === undefined) throw new LookupError('value', 'of a variable');
        return value;
      },
      relocated: (address) => runningAddress(this.#kernel, code.object, virtAddr(address)),
      indexedAddress: (index) => BigInt(unit.sections.indexedAddress(unit.addressBase, index)),
      offsetSize: unit.header.offsetSize,
    };
    return context;
  }

  #register(frame: number, name: string, notes: string[]): bigint | undefined {
    const known = this.registers(frame)?.get(name);
    if (known === undefined) return noted(this.inferred?.registerAt(frame, name), notes);
    if (known.inferred !== undefined) notes.push(`${name}: ${known.inferred}`);
    return known.value;
  }

  /** A register, or an expression on registers, as it was when the function was entered: DWARF 5 section 2.5.1.7. */
  #entryValue(frame: number, inner: Uint8Array, notes: string[], context: ExpressionContext): bigint {
    const register = registerOf(inner);
    if (register !== undefined) return this.#registerAtEntry(frame, register, notes);
    return evaluateValue(inner, {
      ...context,
      register: (number) => this.#registerAtEntry(frame, number, notes),
      onRead: () => {
        throw new LookupError('value', 'of memory when the function was entered');
      },
    });
  }

  #registerAtEntry(frame: number, register: number, notes: string[]): bigint {
    const before = notes.length;
    try {
      return this.passed(frame, { register }, notes);
    } catch (error) {
      const name = this.#kernel.target.architecture.dwarfRegisters[register] ?? '';
      const followed = error instanceof LookupError ? this.inferred?.atEntry(frame, name) : undefined;
      if (followed === undefined) throw error;
      notes.length = before;
      return noted(followed, notes) ?? 0n;
    }
  }

  /** What the caller of a frame passed in a register, or for a parameter, as its call site says. Throws LookupError. */
  passed(frame: number, wanted: Wanted, notes: string[]): bigint {
    const site = this.#callSite(frame, notes);
    const parameter = site.parameters.find((candidate) =>
      'register' in wanted ? candidate.register === wanted.register : candidate.parameter === wanted.parameter,
    );
    if (parameter?.value === undefined) throw new LookupError('argument', 'its caller does not tell what it passed');
    const code = this.code(frame + 1);
    if (code === undefined) throw new LookupError('debug information', 'of the caller');
    const context = this.of(frame + 1, code, site.die.unit.header.offset, notes, () => undefined);
    let read = false;
    const value = evaluateValue(parameter.value, { ...context, onRead: () => (read = true) });
    if (read) {
      if (!this.#search.infer)
        throw new LookupError('argument', 'the caller read it from memory, which may have changed');
      notes.push('the caller read it from memory, which may have changed since');
    }
    return value;
  }

  /** Where the caller called this frame's function. Throws where it called another, which went on to this one. */
  #callSite(frame: number, notes: string[]): CallSite {
    const caller = this.#frames[frame + 1];
    if (caller === undefined || caller.saved !== undefined)
      throw new LookupError('caller', 'the function was not called: it was interrupted into, or begins the stack');
    const code = this.code(frame + 1);
    const scope = code?.scopes[0];
    const site = code && scope && callSiteAt(scope, code.object.toTable(caller.ip));
    if (site === undefined) throw new LookupError('call site', 'the caller has no description of this call');
    this.#checkCallee(frame, site, notes);
    return site;
  }

  /** What a call site passes is the frame's where this very function was called. By its address, else by its name. */
  #checkCallee(frame: number, { callee }: CallSite, notes: string[]): void {
    const called = this.followed?.called(frame)?.kind;
    const own = this.code(frame)?.scopes[0]?.name;
    if (called === 'direct') return;
    if (called === 'tail' || (callee !== undefined && own !== undefined && callee !== own))
      throw new LookupError(
        'argument',
        `the caller called ${callee ?? 'another function'}, which went on to ${own ?? 'this one'} by a tail call`,
      );
    if (callee !== undefined) return;
    if (this.followed?.mayBeHandedOn(frame) === true)
      throw new LookupError(
        'argument',
        'the call was by a pointer, and may have been of a function that jumps to this one',
      );
    if (!this.#search.infer)
      throw new LookupError('call site', 'the call is indirect, and may have gone on by a tail call');
    notes.push(BY_POINTER);
  }
}

/** A value that was followed is inferred, whatever its notes say. */
function noted(found: Followed | undefined, notes: string[]): bigint | undefined {
  if (found === undefined) return undefined;
  notes.push(...(found.notes.length === 0 ? ['told by the code'] : found.notes));
  return found.value;
}
