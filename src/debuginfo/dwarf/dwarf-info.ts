/**
 * The DWARF of one file: from an address to the functions, inlined calls and lines there; from an offset to its entry.
 * Nothing is read before it is asked for: a stack needs a dozen of 2,400 units, and .debug_aranges leads to them.
 *
 * Addresses are those of the file (link-time) for vmlinux, run-time ones for a relocated module.
 */

import { attempt, isExpected } from '../../base/errors.ts';
import { once, upperBound } from '../../base/search.ts';
import { AddressRanges, parseAranges } from './aranges.ts';
import { DW_AT_call_column, DW_AT_call_file, DW_AT_call_line, DW_TAG_inlined_subroutine } from './constants.ts';
import { CallFrames } from './call-frames.ts';
import type { Die } from './die.ts';
import { LineProgram } from './line-program.ts';
import { forEachRange } from './ranges.ts';
import { UnitFunctions } from './scopes.ts';
import { ALTERNATE_BASE, type DwarfSections } from './sections.ts';
import { DwarfTypes } from './dwarf-types.ts';
import { treePath } from './source-path.ts';
import { readUnitHeader, Unit } from './unit.ts';

export interface SourceLine {
  /** Relative to the kernel tree. */
  readonly file: string;
  readonly line: number;
  /** Zero where unknown. */
  readonly column: number;
}

/** A function at an address; those it was inlined into follow it in a list. */
export interface SourceFrame {
  readonly functionName: string | undefined;
  /** Where in it: the statement itself for the innermost, the call of the next inner one for the others. */
  readonly source: SourceLine | undefined;
  /** Whether the compiler expanded it in place of a call. */
  readonly inlined: boolean;
  /** The function's or inlined call's entry. */
  readonly die: Die;
}

export class DwarfInfo {
  readonly sections: DwarfSections;
  readonly callFrames: CallFrames;
  /** What its entries say of types. */
  readonly types: DwarfTypes;
  /** How many units were read: tests bound the work by it. */
  unitsOpened = 0;
  /** What several files share (dwz). */
  readonly alternate: () => DwarfInfo | undefined;
  readonly #units = new Map<number, Unit>();
  readonly #functions = new Map<number, UnitFunctions>();
  readonly #lines = new Map<number, LineProgram | undefined>();
  readonly #aranges: () => AddressRanges | undefined;
  readonly #unitRanges: () => AddressRanges;
  readonly #unitOffsets: () => Float64Array;

  constructor(sections: DwarfSections) {
    this.sections = sections;
    this.callFrames = new CallFrames(sections);
    this.types = new DwarfTypes(this);
    sections.dieAt = (offset) => this.dieAt(offset);
    this.alternate = once(() => {
      const shared = sections.alternate();
      return shared && new DwarfInfo(shared);
    });
    this.#aranges = once(() => this.#readAranges());
    this.#unitRanges = once(() => this.#rangesOfUnits());
    this.#unitOffsets = once(() => this.#allUnitOffsets());
  }

  /** The unit that describes an address. */
  unitAt(address: number): Unit | undefined {
    const offset = this.#aranges()?.unitAt(address) ?? this.#unitRanges().unitAt(address);
    return offset === undefined ? undefined : this.unit(offset);
  }

  /** The unit whose header is at an offset. */
  unit(offset: number): Unit {
    let unit = this.#units.get(offset);
    if (unit === undefined) {
      unit = new Unit(this.sections, readUnitHeader(this.sections, offset));
      this.unitsOpened++;
      this.#units.set(offset, unit);
    }
    return unit;
  }

  /** Every unit that can be read, in the order of the file. Those that only pass by are not kept. */
  *units(): Generator<Unit> {
    for (const offset of this.#unitOffsets()) {
      const unit =
        this.#units.get(offset) ?? attempt(() => new Unit(this.sections, readUnitHeader(this.sections, offset)));
      if (unit !== undefined) yield unit;
    }
  }

  /** The entry at an offset of .debug_info; from ALTERNATE_BASE on, of the alternate file. */
  dieAt(offset: number): Die | undefined {
    const within = offset - this.sections.base;
    return within < ALTERNATE_BASE ? this.#ownDieAt(within) : this.alternate()?.dieAt(offset);
  }

  #ownDieAt(offset: number): Die | undefined {
    const offsets = this.#unitOffsets();
    const unitOffset = offsets[upperBound(offsets, offset) - 1];
    if (unitOffset === undefined) return undefined;
    const unit = this.unit(unitOffset);
    return offset < unit.header.end ? unit.dieAt(offset - unitOffset) : undefined;
  }

  /** The functions an address is in, the innermost inlined one first; empty where nothing is known. */
  framesAt(address: number): SourceFrame[] {
    const unit = this.unitAt(address);
    if (unit === undefined) return [];
    const lines = this.lineProgram(unit);
    const functions = this.#functionsOf(unit)
      .scopesAt(address)
      .filter((die, index) => index === 0 || die.tag === DW_TAG_inlined_subroutine);
    const row = lines?.rowAt(address);
    let source = row && this.#source(unit, lines, row.file, row.line, row.column);
    const frames: SourceFrame[] = [];
    for (const [index, die] of functions.toReversed().entries()) {
      frames.push({ functionName: die.name, source, inlined: index < functions.length - 1, die });
      source = this.#callSite(unit, lines, die);
    }
    return frames;
  }

  /** The scopes an address is in, outermost first: function, blocks, inlined calls. */
  scopesAt(address: number): Die[] {
    const unit = this.unitAt(address);
    return unit === undefined ? [] : this.#functionsOf(unit).scopesAt(address);
  }

  /** The line an address itself belongs to, whatever function it is in. */
  lineAt(address: number): SourceLine | undefined {
    const unit = this.unitAt(address);
    const lines = unit && this.lineProgram(unit);
    const row = lines?.rowAt(address);
    return unit && row && this.#source(unit, lines, row.file, row.line, row.column);
  }

  lineProgram(unit: Unit): LineProgram | undefined {
    const { offset } = unit.header;
    if (!this.#lines.has(offset)) {
      const program = unit.lineProgram;
      this.#lines.set(
        offset,
        program === undefined ? undefined : attempt(() => new LineProgram(this.sections, program)),
      );
    }
    return this.#lines.get(offset);
  }

  #functionsOf(unit: Unit): UnitFunctions {
    let functions = this.#functions.get(unit.header.offset);
    if (functions === undefined) {
      functions = new UnitFunctions(unit);
      this.#functions.set(unit.header.offset, functions);
    }
    return functions;
  }

  #callSite(unit: Unit, lines: LineProgram | undefined, die: Die): SourceLine | undefined {
    const file = die.number(DW_AT_call_file);
    const line = die.number(DW_AT_call_line);
    if (file === undefined || line === undefined) return undefined;
    return this.#source(unit, lines, file, line, die.number(DW_AT_call_column) ?? 0);
  }

  #source(
    unit: Unit,
    lines: LineProgram | undefined,
    file: number,
    line: number,
    column: number,
  ): SourceLine | undefined {
    const path = lines?.path(file);
    return path === undefined ? undefined : { file: treePath(path, unit.compilationDirectory), line, column };
  }

  #readAranges(): AddressRanges | undefined {
    const section = this.sections.optional('.debug_aranges');
    if (section === undefined) return undefined;
    try {
      return new AddressRanges(parseAranges(section));
    } catch (error) {
      if (isExpected(error)) return undefined;
      throw error;
    }
  }

  #rangesOfUnits(): AddressRanges {
    const triples: number[] = [];
    for (const unit of this.units()) {
      attempt(() =>
        forEachRange(unit.root(), (low, high) => {
          if (high > low) triples.push(low, high, unit.header.offset);
          return false;
        }),
      );
    }
    return new AddressRanges(Float64Array.from(triples));
  }

  #allUnitOffsets(): Float64Array {
    const info = this.sections.required('.debug_info');
    const offsets: number[] = [];
    for (let offset = 0; offset < info.size;) {
      const header = attempt(() => readUnitHeader(this.sections, offset));
      if (header === undefined) break;
      offsets.push(offset);
      offset = header.end;
    }
    return Float64Array.from(offsets);
  }
}
