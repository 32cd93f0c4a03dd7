/** Attribute forms: DWARF 5 section 7.5.6. How long a value of a form is, and how it is read. */

import { FormatError } from '../../base/errors.ts';
import { byteAt, lebLength, slebAt, u16At, u32At, u53At, ulebAt } from '../../bytes/read.ts';
import * as F from './constants.ts';

/** What forms depend on besides their bytes. */
export interface Encoding {
  /** 4 or 8: the width of offsets (32- or 64-bit DWARF). */
  readonly offsetSize: 4 | 8;
  readonly addressSize: number;
  readonly version: number;
}

/** The position behind a value. */
export function skipForm(bytes: Uint8Array, at: number, form: number, encoding: Encoding): number {
  switch (form) {
    case F.DW_FORM_flag_present:
    case F.DW_FORM_implicit_const:
      return at;
    case F.DW_FORM_data1:
    case F.DW_FORM_ref1:
    case F.DW_FORM_flag:
    case F.DW_FORM_strx1:
    case F.DW_FORM_addrx1:
      return at + 1;
    case F.DW_FORM_data2:
    case F.DW_FORM_ref2:
    case F.DW_FORM_strx2:
    case F.DW_FORM_addrx2:
      return at + 2;
    case F.DW_FORM_strx3:
    case F.DW_FORM_addrx3:
      return at + 3;
    case F.DW_FORM_data4:
    case F.DW_FORM_ref4:
    case F.DW_FORM_strx4:
    case F.DW_FORM_addrx4:
    case F.DW_FORM_ref_sup4:
      return at + 4;
    case F.DW_FORM_data8:
    case F.DW_FORM_ref8:
    case F.DW_FORM_ref_sig8:
    case F.DW_FORM_ref_sup8:
      return at + 8;
    case F.DW_FORM_data16:
      return at + 16;
    case F.DW_FORM_addr:
      return at + encoding.addressSize;
    case F.DW_FORM_ref_addr:
      return at + (encoding.version === 2 ? encoding.addressSize : encoding.offsetSize);
    case F.DW_FORM_strp:
    case F.DW_FORM_line_strp:
    case F.DW_FORM_sec_offset:
    case F.DW_FORM_strp_sup:
    case F.DW_FORM_GNU_ref_alt:
    case F.DW_FORM_GNU_strp_alt:
      return at + encoding.offsetSize;
    case F.DW_FORM_udata:
    case F.DW_FORM_sdata:
    case F.DW_FORM_ref_udata:
    case F.DW_FORM_strx:
    case F.DW_FORM_addrx:
    case F.DW_FORM_loclistx:
    case F.DW_FORM_rnglistx: {
      let end = at;
      while (byteAt(bytes, end) >= 0x80) end++;
      return end + 1;
    }
    case F.DW_FORM_string: {
      const end = bytes.indexOf(0, at);
      if (end < 0) throw new FormatError('.debug_info', 'a string does not end', at);
      return end + 1;
    }
    case F.DW_FORM_block1:
      return at + 1 + byteAt(bytes, at);
    case F.DW_FORM_block2:
      return at + 2 + u16At(bytes, at);
    case F.DW_FORM_block4:
      return at + 4 + u32At(bytes, at);
    case F.DW_FORM_block:
    case F.DW_FORM_exprloc:
      return at + lebLength(bytes, at) + ulebAt(bytes, at);
    case F.DW_FORM_indirect: {
      const actual = ulebAt(bytes, at);
      if (actual === F.DW_FORM_indirect) throw new FormatError('.debug_info', 'an indirect form is indirect again', at);
      return skipForm(bytes, at + lebLength(bytes, at), actual, encoding);
    }
    default:
      throw new FormatError('.debug_info', `unknown form 0x${form.toString(16)}`, at);
  }
}

/** An offset of the unit's width. */
export function offsetAt(bytes: Uint8Array, at: number, encoding: Encoding): number {
  return encoding.offsetSize === 4 ? u32At(bytes, at) : u53At(bytes, at);
}

/** A constant, flag, index or offset as a number; undefined where the form holds none. */
export function numberOfForm(
  bytes: Uint8Array,
  at: number,
  form: number,
  implicit: number,
  encoding: Encoding,
): number | undefined {
  switch (form) {
    case F.DW_FORM_implicit_const:
      return implicit;
    case F.DW_FORM_flag_present:
      return 1;
    case F.DW_FORM_data1:
    case F.DW_FORM_flag:
    case F.DW_FORM_strx1:
    case F.DW_FORM_addrx1:
    case F.DW_FORM_ref1:
      return byteAt(bytes, at);
    case F.DW_FORM_data2:
    case F.DW_FORM_strx2:
    case F.DW_FORM_addrx2:
    case F.DW_FORM_ref2:
      return u16At(bytes, at);
    case F.DW_FORM_strx3:
    case F.DW_FORM_addrx3:
      return u16At(bytes, at) | (byteAt(bytes, at + 2) << 16);
    case F.DW_FORM_data4:
    case F.DW_FORM_strx4:
    case F.DW_FORM_addrx4:
    case F.DW_FORM_ref4:
    case F.DW_FORM_ref_sup4:
      return u32At(bytes, at);
    case F.DW_FORM_data8:
    case F.DW_FORM_ref8:
    case F.DW_FORM_ref_sup8:
      return u53At(bytes, at);
    case F.DW_FORM_sdata:
      return slebAt(bytes, at);
    case F.DW_FORM_udata:
    case F.DW_FORM_ref_udata:
    case F.DW_FORM_strx:
    case F.DW_FORM_addrx:
    case F.DW_FORM_loclistx:
    case F.DW_FORM_rnglistx:
      return ulebAt(bytes, at);
    case F.DW_FORM_strp:
    case F.DW_FORM_line_strp:
    case F.DW_FORM_sec_offset:
    case F.DW_FORM_ref_addr:
      return offsetAt(bytes, at, encoding);
    default:
      return undefined;
  }
}

/** A block's or expression's bytes; undefined where the form holds none. */
export function blockOfForm(bytes: Uint8Array, at: number, form: number): Uint8Array | undefined {
  switch (form) {
    case F.DW_FORM_block1:
      return bytes.subarray(at + 1, at + 1 + byteAt(bytes, at));
    case F.DW_FORM_block2:
      return bytes.subarray(at + 2, at + 2 + u16At(bytes, at));
    case F.DW_FORM_block4:
      return bytes.subarray(at + 4, at + 4 + u32At(bytes, at));
    case F.DW_FORM_block:
    case F.DW_FORM_exprloc: {
      const start = at + lebLength(bytes, at);
      return bytes.subarray(start, start + ulebAt(bytes, at));
    }
    default:
      return undefined;
  }
}
