/**
 * The code an entry covers: DWARF 5 section 2.17; range lists of version 5 (7.25, .debug_rnglists) and of version 4
 * (.debug_ranges). Both may stand in one file.
 */

import { lebLength, s64At, u32At, u53At, byteAt, ulebAt } from '../../bytes/read.ts';
import { FormatError } from '../../base/errors.ts';
import {
  DW_AT_high_pc,
  DW_AT_low_pc,
  DW_AT_ranges,
  DW_FORM_addr,
  DW_FORM_rnglistx,
  DW_RLE_base_address,
  DW_RLE_base_addressx,
  DW_RLE_end_of_list,
  DW_RLE_offset_pair,
  DW_RLE_start_end,
  DW_RLE_start_length,
  DW_RLE_startx_endx,
  DW_RLE_startx_length,
} from './constants.ts';
import type { Die } from './die.ts';
import { withGrowingWindow } from './list-window.ts';
import type { Unit } from './unit.ts';

/** Calls `visit` with each [low, high) of an entry, until it returns true. */
export function forEachRange(die: Die, visit: (low: number, high: number) => boolean): void {
  const low = die.address(DW_AT_low_pc);
  const lists = die.number(DW_AT_ranges);
  if (lists !== undefined) {
    const indexed = die.abbrev.forms[die.abbrev.names.indexOf(DW_AT_ranges)] === DW_FORM_rnglistx;
    const base = die.unit.root().address(DW_AT_low_pc) ?? 0;
    if (die.unit.header.version >= 5) rangeListV5(die.unit, indexed ? listOffset(die.unit, lists) : lists, base, visit);
    else rangeListV4(die.unit, lists, base, visit);
    return;
  }
  if (low === undefined) return;
  const isAddress = die.abbrev.forms[die.abbrev.names.indexOf(DW_AT_high_pc)] === DW_FORM_addr;
  const high = isAddress ? die.address(DW_AT_high_pc) : die.number(DW_AT_high_pc);
  if (high !== undefined) visit(low, isAddress ? high : low + high);
}

/** Whether an entry's code includes an address. */
export function coversAddress(die: Die, address: number): boolean {
  let covered = false;
  forEachRange(die, (low, high) => {
    covered = address >= low && address < high;
    return covered;
  });
  return covered;
}

function listOffset(unit: Unit, index: number): number {
  const { offsetSize } = unit.header;
  const base = unit.rangeListsBase;
  const bytes = unit.sections.required('.debug_rnglists').bytes(base + index * offsetSize, offsetSize);
  return base + (offsetSize === 4 ? u32At(bytes, 0) : u53At(bytes, 0));
}

function visitPairs(pairs: readonly number[], visit: (low: number, high: number) => boolean): void {
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    if (visit(pairs[index] as number, pairs[index + 1] as number)) return;
  }
}

function rangeListV5(
  unit: Unit,
  offset: number,
  unitBase: number,
  visit: (low: number, high: number) => boolean,
): void {
  const indexed = (index: number): number => unit.sections.indexedAddress(unit.addressBase, index);
  const pairs = withGrowingWindow(unit, '.debug_rnglists', offset, (bytes) => {
    const found: number[] = [];
    let base = unitBase;
    let at = 0;
    const uleb = (): number => {
      const value = ulebAt(bytes, at);
      at += lebLength(bytes, at);
      return value;
    };
    const address = (): number => {
      const value = s64At(bytes, at);
      at += 8;
      return value;
    };
    for (;;) {
      const kind = byteAt(bytes, at++);
      switch (kind) {
        case DW_RLE_end_of_list:
          return found;
        case DW_RLE_base_addressx:
          base = indexed(uleb());
          break;
        case DW_RLE_base_address:
          base = address();
          break;
        case DW_RLE_offset_pair:
          found.push(base + uleb(), base + uleb());
          break;
        case DW_RLE_start_end:
          found.push(address(), address());
          break;
        case DW_RLE_startx_endx:
          found.push(indexed(uleb()), indexed(uleb()));
          break;
        case DW_RLE_start_length:
        case DW_RLE_startx_length: {
          const start = kind === DW_RLE_start_length ? address() : indexed(uleb());
          found.push(start, start + uleb());
          break;
        }
        default:
          throw new FormatError('.debug_rnglists', `unknown entry kind ${kind}`, offset + at);
      }
    }
  });
  visitPairs(pairs, visit);
}

function rangeListV4(
  unit: Unit,
  offset: number,
  unitBase: number,
  visit: (low: number, high: number) => boolean,
): void {
  const pairs = withGrowingWindow(unit, '.debug_ranges', offset, (bytes) => {
    const found: number[] = [];
    let base = unitBase;
    for (let at = 0; ; at += 16) {
      const low = s64At(bytes, at);
      const high = s64At(bytes, at + 8);
      if (low === 0 && high === 0) return found;
      if (low === -1) base = high;
      else found.push(base + low, base + high);
    }
  });
  visitPairs(pairs, visit);
}
