/**
 * A debugging information entry whose attributes are read when asked for. DWARF 5 sections 2.1, 7.5.
 * Code addresses are signed 64-bit integers in doubles: exact for every address of kernel code.
 */

import { lebBigAt, lebLength, s64At, stringAt, u32At, u64At, ulebAt } from '../../bytes/read.ts';
import type { Abbrev } from './abbrev.ts';
import {
  DW_AT_abstract_origin,
  DW_AT_name,
  DW_AT_specification,
  DW_FORM_addr,
  DW_FORM_addrx,
  DW_FORM_addrx1,
  DW_FORM_addrx2,
  DW_FORM_addrx3,
  DW_FORM_addrx4,
  DW_FORM_data1,
  DW_FORM_data2,
  DW_FORM_data4,
  DW_FORM_data8,
  DW_FORM_GNU_ref_alt,
  DW_FORM_GNU_strp_alt,
  DW_FORM_implicit_const,
  DW_FORM_indirect,
  DW_FORM_line_strp,
  DW_FORM_ref1,
  DW_FORM_ref2,
  DW_FORM_ref4,
  DW_FORM_ref8,
  DW_FORM_ref_addr,
  DW_FORM_ref_sup4,
  DW_FORM_ref_sup8,
  DW_FORM_ref_udata,
  DW_FORM_sdata,
  DW_FORM_string,
  DW_FORM_strp,
  DW_FORM_strp_sup,
  DW_FORM_strx,
  DW_FORM_strx1,
  DW_FORM_strx2,
  DW_FORM_strx3,
  DW_FORM_strx4,
  DW_FORM_udata,
} from './constants.ts';
import { blockOfForm, numberOfForm, offsetAt, skipForm } from './forms.ts';
import { ALTERNATE_BASE } from './sections.ts';
import type { Unit } from './unit.ts';

interface Attribute {
  readonly at: number;
  readonly form: number;
  readonly implicit: number;
}

/** How many entries a chain of abstract origins and specifications may have. */
const LONGEST_ORIGIN_CHAIN = 16;

export class Die {
  readonly unit: Unit;
  /** In the unit's window. */
  readonly position: number;
  readonly abbrev: Abbrev;

  constructor(unit: Unit, position: number, abbrev: Abbrev) {
    this.unit = unit;
    this.position = position;
    this.abbrev = abbrev;
  }

  get tag(): number {
    return this.abbrev.tag;
  }

  /** In .debug_info; of an alternate file counted from ALTERNATE_BASE. */
  get offset(): number {
    return this.unit.offsetOf(this.position);
  }

  has(name: number): boolean {
    return this.abbrev.names.includes(name);
  }

  /** A constant, flag or section offset. */
  number(name: number): number | undefined {
    const found = this.#find(name);
    return found && numberOfForm(this.unit.bytes, found.at, found.form, found.implicit, this.unit.header);
  }

  flag(name: number): boolean {
    return (this.number(name) ?? 0) !== 0;
  }

  /** A constant with all its bits; the form decides the sign: data forms are unsigned. */
  bigNumber(name: number): bigint | undefined {
    const found = this.#find(name);
    if (found === undefined) return undefined;
    const { bytes } = this.unit;
    switch (found.form) {
      case DW_FORM_data8:
        return u64At(bytes, found.at);
      case DW_FORM_sdata:
        return lebBigAt(bytes, found.at, true);
      case DW_FORM_udata:
        return lebBigAt(bytes, found.at, false);
      case DW_FORM_implicit_const:
        return BigInt(found.implicit);
      case DW_FORM_data1:
      case DW_FORM_data2:
      case DW_FORM_data4: {
        const value = this.number(name);
        return value === undefined ? undefined : BigInt(value);
      }
      default:
        return undefined;
    }
  }

  block(name: number): Uint8Array | undefined {
    const found = this.#find(name);
    return found && blockOfForm(this.unit.bytes, found.at, found.form);
  }

  /** A code address, signed. */
  address(name: number): number | undefined {
    const found = this.#find(name);
    if (found === undefined) return undefined;
    const { bytes, header } = this.unit;
    switch (found.form) {
      case DW_FORM_addr:
        return header.addressSize === 8 ? s64At(bytes, found.at) : u32At(bytes, found.at);
      case DW_FORM_addrx:
      case DW_FORM_addrx1:
      case DW_FORM_addrx2:
      case DW_FORM_addrx3:
      case DW_FORM_addrx4: {
        const index = numberOfForm(bytes, found.at, found.form, 0, header) ?? 0;
        return this.unit.sections.indexedAddress(this.unit.addressBase, index);
      }
      default:
        return undefined;
    }
  }

  string(name: number): string | undefined {
    const found = this.#find(name);
    if (found === undefined) return undefined;
    const { bytes, header, sections } = this.unit;
    switch (found.form) {
      case DW_FORM_string:
        return stringAt(bytes, found.at);
      case DW_FORM_strp:
        return sections.string('.debug_str', offsetAt(bytes, found.at, header));
      case DW_FORM_line_strp:
        return sections.string('.debug_line_str', offsetAt(bytes, found.at, header));
      case DW_FORM_strx:
      case DW_FORM_strx1:
      case DW_FORM_strx2:
      case DW_FORM_strx3:
      case DW_FORM_strx4: {
        const index = numberOfForm(bytes, found.at, found.form, 0, header) ?? 0;
        return sections.indexedString(this.unit.stringOffsetsBase, index, header.offsetSize);
      }
      case DW_FORM_strp_sup:
      case DW_FORM_GNU_strp_alt:
        return sections.alternateString(offsetAt(bytes, found.at, header));
      default:
        return undefined;
    }
  }

  /** The offset of the entry an attribute refers to, counted as `offset` is. */
  reference(name: number): number | undefined {
    const found = this.#find(name);
    if (found === undefined) return undefined;
    const { bytes, header } = this.unit;
    switch (found.form) {
      case DW_FORM_ref_addr:
        return this.unit.sections.base + offsetAt(bytes, found.at, header);
      case DW_FORM_GNU_ref_alt:
        return ALTERNATE_BASE + offsetAt(bytes, found.at, header);
      case DW_FORM_ref_sup4:
      case DW_FORM_ref_sup8:
        return ALTERNATE_BASE + (numberOfForm(bytes, found.at, found.form, 0, header) ?? 0);
      case DW_FORM_ref1:
      case DW_FORM_ref2:
      case DW_FORM_ref4:
      case DW_FORM_ref8:
      case DW_FORM_ref_udata:
        return this.unit.offsetOf(numberOfForm(bytes, found.at, found.form, 0, header) ?? 0);
      default:
        return undefined;
    }
  }

  /** The entry an attribute refers to, in whatever unit. */
  referenced(name: number): Die | undefined {
    const offset = this.reference(name);
    if (offset === undefined) return undefined;
    const { unit } = this;
    const position = offset - unit.offsetOf(0);
    const own = position >= 0 && position < unit.bytes.length;
    return own ? unit.dieAt(position) : unit.sections.dieAt(offset);
  }

  /** The name, followed through abstract origins and specifications. */
  get name(): string | undefined {
    for (const die of this.origins()) {
      const name = die.string(DW_AT_name);
      if (name !== undefined) return name;
    }
    return undefined;
  }

  /** This entry, then its abstract origin or specification, then theirs. */
  *origins(): Generator<Die> {
    yield this;
    let die = this.#origin();
    for (let step = 1; die !== undefined && step < LONGEST_ORIGIN_CHAIN; step++) {
      yield die;
      die = die.#origin();
    }
  }

  #origin(): Die | undefined {
    return this.referenced(DW_AT_abstract_origin) ?? this.referenced(DW_AT_specification);
  }

  children(): Die[] {
    const found: Die[] = [];
    this.unit.forEachChild(this.position, (position, abbrev) => {
      found.push(new Die(this.unit, position, abbrev));
      return false;
    });
    return found;
  }

  #find(name: number): Attribute | undefined {
    const { names, forms, constants } = this.abbrev;
    const wanted = names.indexOf(name);
    if (wanted < 0) return undefined;
    const { bytes, header } = this.unit;
    let at = this.position + lebLength(bytes, this.position);
    for (let index = 0; index < wanted; index++) at = skipForm(bytes, at, forms[index] as number, header);
    let form = forms[wanted] as number;
    if (form === DW_FORM_indirect) {
      form = ulebAt(bytes, at);
      at += lebLength(bytes, at);
    }
    return { at, form, implicit: constants[wanted] as number };
  }
}
