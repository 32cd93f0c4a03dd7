/**
 * Where a variable is at an address: DWARF 5 section 2.6, location lists of version 5 (7.29, .debug_loclists) and of
 * version 4 (.debug_loc), with GNU's location views (DW_LLE_GNU_view_pair), which are passed over.
 */

import { byteAt, lebLength, s64At, u16At, u32At, u53At, ulebAt } from '../../bytes/read.ts';
import { FormatError } from '../../base/errors.ts';
import {
  DW_AT_location,
  DW_AT_low_pc,
  DW_FORM_block,
  DW_FORM_block1,
  DW_FORM_block2,
  DW_FORM_block4,
  DW_FORM_exprloc,
  DW_FORM_loclistx,
  DW_LLE_GNU_view_pair,
  DW_LLE_base_address,
  DW_LLE_base_addressx,
  DW_LLE_default_location,
  DW_LLE_end_of_list,
  DW_LLE_offset_pair,
  DW_LLE_start_end,
  DW_LLE_start_length,
  DW_LLE_startx_endx,
  DW_LLE_startx_length,
} from './constants.ts';
import type { Die } from './die.ts';
import { withGrowingWindow } from './list-window.ts';
import type { Unit } from './unit.ts';

/**
 * The expression that holds at an address; undefined where the attribute is absent or no entry of its list covers the
 * address: there the variable is nowhere.
 */
export function expressionAt(die: Die, address: number, attribute = DW_AT_location): Uint8Array | undefined {
  const index = die.abbrev.names.indexOf(attribute);
  if (index < 0) return undefined;
  const form = die.abbrev.forms[index] as number;
  if (blockForms.has(form)) return die.block(attribute);
  const offset = die.number(attribute);
  if (offset === undefined) return undefined;
  const { unit } = die;
  const base = unit.root().address(DW_AT_low_pc) ?? 0;
  return unit.header.version >= 5
    ? listV5(unit, form === DW_FORM_loclistx ? indexedList(unit, offset) : offset, base, address)
    : listV4(unit, offset, base, address);
}

const blockForms = new Set([DW_FORM_exprloc, DW_FORM_block, DW_FORM_block1, DW_FORM_block2, DW_FORM_block4]);

function indexedList(unit: Unit, index: number): number {
  const { offsetSize } = unit.header;
  const base = unit.locationListsBase;
  const bytes = unit.sections.required('.debug_loclists').bytes(base + index * offsetSize, offsetSize);
  return base + (offsetSize === 4 ? u32At(bytes, 0) : u53At(bytes, 0));
}

function listV5(unit: Unit, offset: number, unitBase: number, address: number): Uint8Array | undefined {
  const indexed = (index: number): number => unit.sections.indexedAddress(unit.addressBase, index);
  return withGrowingWindow(unit, '.debug_loclists', offset, (bytes) => {
    let base = unitBase;
    let at = 0;
    let otherwise: Uint8Array | undefined;
    const uleb = (): number => {
      const value = ulebAt(bytes, at);
      at += lebLength(bytes, at);
      return value;
    };
    const word = (): number => {
      const value = s64At(bytes, at);
      at += 8;
      return value;
    };
    const expression = (): Uint8Array => {
      const length = uleb();
      if (length > 0) byteAt(bytes, at + length - 1);
      at += length;
      return bytes.slice(at - length, at);
    };
    for (;;) {
      const kind = byteAt(bytes, at++);
      let low: number;
      let high: number;
      switch (kind) {
        case DW_LLE_end_of_list:
          return otherwise;
        case DW_LLE_base_addressx:
          base = indexed(uleb());
          continue;
        case DW_LLE_base_address:
          base = word();
          continue;
        case DW_LLE_GNU_view_pair:
          uleb();
          uleb();
          continue;
        case DW_LLE_default_location:
          otherwise = expression();
          continue;
        case DW_LLE_offset_pair:
          low = base + uleb();
          high = base + uleb();
          break;
        case DW_LLE_start_end:
          low = word();
          high = word();
          break;
        case DW_LLE_startx_endx:
          low = indexed(uleb());
          high = indexed(uleb());
          break;
        case DW_LLE_start_length:
        case DW_LLE_startx_length:
          low = kind === DW_LLE_start_length ? word() : indexed(uleb());
          high = low + uleb();
          break;
        default:
          throw new FormatError('.debug_loclists', `unknown entry kind ${kind}`, offset + at);
      }
      const found = expression();
      if (address >= low && address < high) return found;
    }
  });
}

function listV4(unit: Unit, offset: number, unitBase: number, address: number): Uint8Array | undefined {
  return withGrowingWindow(unit, '.debug_loc', offset, (bytes) => {
    let base = unitBase;
    for (let at = 0; ;) {
      const low = s64At(bytes, at);
      const high = s64At(bytes, at + 8);
      at += 16;
      if (low === 0 && high === 0) return undefined;
      if (low === -1) {
        base = high;
        continue;
      }
      const length = u16At(bytes, at);
      at += 2;
      if (length > 0) byteAt(bytes, at + length - 1);
      if (address >= base + low && address < base + high) return bytes.slice(at, at + length);
      at += length;
    }
  });
}
