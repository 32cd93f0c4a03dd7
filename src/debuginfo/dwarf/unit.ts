/**
 * A unit of .debug_info: its header (DWARF 5 section 7.5.1) and its entries.
 *
 * A unit's bytes are one window, read when the unit is first used. Positions of entries are offsets in that window;
 * `offset` of an entry is its offset in .debug_info, by which other units refer to it.
 */

import { FormatError } from '../../base/errors.ts';
import { once } from '../../base/search.ts';
import { Cursor } from '../../bytes/cursor.ts';
import { lebLength, ulebAt } from '../../bytes/read.ts';
import { readAbbrevTable, type Abbrev, type AbbrevTable } from './abbrev.ts';
import {
  DW_AT_addr_base,
  DW_AT_comp_dir,
  DW_AT_loclists_base,
  DW_AT_name,
  DW_AT_rnglists_base,
  DW_AT_sibling,
  DW_AT_stmt_list,
  DW_AT_str_offsets_base,
  DW_UT_skeleton,
  DW_UT_split_compile,
  DW_UT_split_type,
  DW_UT_type,
} from './constants.ts';
import { Die } from './die.ts';
import { numberOfForm, skipForm, type Encoding } from './forms.ts';
import type { DwarfSections } from './sections.ts';

export interface UnitHeader extends Encoding {
  /** In .debug_info. */
  readonly offset: number;
  /** Behind the unit's last byte, in .debug_info. */
  readonly end: number;
  readonly abbrevOffset: number;
  /** Of the unit's own entry, from the start of the unit. */
  readonly firstDie: number;
}

const LARGEST_UNIT = 1 << 30;
const LONGEST_HEADER = 40;

/** The header of the unit at an offset of .debug_info. Throws FormatError. */
export function readUnitHeader(sections: DwarfSections, offset: number): UnitHeader {
  const info = sections.required('.debug_info');
  const cursor = new Cursor(info.bytesUpTo(offset, LONGEST_HEADER), info.name);
  let length = cursor.u32();
  let offsetSize: 4 | 8 = 4;
  if (length === 0xffff_ffff) {
    length = cursor.u53();
    offsetSize = 8;
  }
  const end = offset + cursor.position + length;
  if (length > LARGEST_UNIT || end > info.size)
    throw new FormatError(info.name, 'a unit is longer than the section', offset);
  const version = cursor.u16();
  if (version < 2 || version > 5) throw new FormatError(info.name, `DWARF version ${version} is not supported`, offset);
  const wide = (): number => (offsetSize === 4 ? cursor.u32() : cursor.u53());
  let abbrevOffset: number;
  let addressSize: number;
  if (version >= 5) {
    const type = cursor.u8();
    addressSize = cursor.u8();
    abbrevOffset = wide();
    if (type === DW_UT_skeleton || type === DW_UT_split_compile) cursor.skip(8);
    if (type === DW_UT_type || type === DW_UT_split_type) cursor.skip(8 + offsetSize);
  } else {
    abbrevOffset = wide();
    addressSize = cursor.u8();
  }
  return { offset, end, version, offsetSize, addressSize, abbrevOffset, firstDie: cursor.position };
}

export class Unit {
  readonly header: UnitHeader;
  readonly sections: DwarfSections;
  readonly bytes: Uint8Array;
  readonly abbrevs: AbbrevTable;
  readonly root: () => Die;

  constructor(sections: DwarfSections, header: UnitHeader) {
    this.header = header;
    this.sections = sections;
    this.bytes = sections.required('.debug_info').bytes(header.offset, header.end - header.offset);
    this.abbrevs = sections.abbrevs(header.abbrevOffset, (section, offset) => readAbbrevTable(section, offset));
    this.root = once(() => {
      const root = this.dieAt(header.firstDie);
      if (root === undefined) throw new FormatError('.debug_info', 'a unit is empty', header.offset);
      return root;
    });
  }

  /** Of the entry at a position, as other units refer to it. */
  offsetOf(position: number): number {
    return this.sections.base + this.header.offset + position;
  }

  get name(): string | undefined {
    return this.root().string(DW_AT_name);
  }

  get compilationDirectory(): string | undefined {
    return this.root().string(DW_AT_comp_dir);
  }

  /** The unit's line program, as an offset in .debug_line. */
  get lineProgram(): number | undefined {
    return this.root().number(DW_AT_stmt_list);
  }

  get addressBase(): number {
    return this.root().number(DW_AT_addr_base) ?? 8;
  }

  get stringOffsetsBase(): number {
    return this.root().number(DW_AT_str_offsets_base) ?? 8;
  }

  get rangeListsBase(): number {
    return this.root().number(DW_AT_rnglists_base) ?? 0;
  }

  get locationListsBase(): number {
    return this.root().number(DW_AT_loclists_base) ?? 0;
  }

  /** The entry at a position of the window; undefined for the null entry that ends a list of children. */
  dieAt(position: number): Die | undefined {
    const code = ulebAt(this.bytes, position);
    return code === 0 ? undefined : new Die(this, position, this.abbrev(code, position));
  }

  abbrev(code: number, position: number): Abbrev {
    const abbrev = this.abbrevs[code];
    if (abbrev === undefined) {
      throw new FormatError('.debug_info', `abbreviation ${code} is not in its table`, this.header.offset + position);
    }
    return abbrev;
  }

  /**
   * Calls `visit` with the position and abbreviation of each child of the entry at `parent`, in order, until it
   * returns true. Children of children are jumped over by DW_AT_sibling where the producer wrote it.
   */
  forEachChild(parent: number, visit: (position: number, abbrev: Abbrev) => boolean): void {
    const parentAbbrev = this.abbrev(ulebAt(this.bytes, parent), parent);
    if (!parentAbbrev.hasChildren) return;
    let at = this.#endOfAttributes(parent, parentAbbrev);
    while (at < this.bytes.length) {
      const code = ulebAt(this.bytes, at);
      if (code === 0) return;
      const abbrev = this.abbrev(code, at);
      if (visit(at, abbrev)) return;
      at = this.#next(at, abbrev);
    }
  }

  /** Behind an entry and everything below it. */
  #next(position: number, abbrev: Abbrev): number {
    const { bytes, header } = this;
    let at = position + lebLength(bytes, position);
    let depth = 0;
    let current = abbrev;
    for (;;) {
      let sibling = 0;
      const { names, forms, constants } = current;
      for (let index = 0; index < forms.length; index++) {
        const form = forms[index] as number;
        if (names[index] === DW_AT_sibling)
          sibling = numberOfForm(bytes, at, form, constants[index] as number, header) ?? 0;
        at = skipForm(bytes, at, form, header);
      }
      if (current.hasChildren) {
        if (sibling > at) at = sibling;
        else depth++;
      }
      for (;;) {
        if (depth === 0) return at;
        const code = ulebAt(bytes, at);
        if (code === 0) {
          at++;
          depth--;
          continue;
        }
        current = this.abbrev(code, at);
        at += lebLength(bytes, at);
        break;
      }
    }
  }

  #endOfAttributes(position: number, abbrev: Abbrev): number {
    let at = position + lebLength(this.bytes, position);
    for (const form of abbrev.forms) at = skipForm(this.bytes, at, form, this.header);
    return at;
  }
}
