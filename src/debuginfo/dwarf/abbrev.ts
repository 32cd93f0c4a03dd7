/**
 * Abbreviation tables: DWARF 5 section 7.5.3. A table is read from its offset up to its terminating zero; its size is
 * not written anywhere, so the window grows until it is whole.
 */

import { FormatError } from '../../base/errors.ts';
import { lebLength, slebAt, ulebAt, byteAt } from '../../bytes/read.ts';
import { DW_FORM_implicit_const } from './constants.ts';
import type { DebugSection } from './section.ts';

export interface Abbrev {
  readonly code: number;
  readonly tag: number;
  readonly hasChildren: boolean;
  /** Parallel: attribute names, forms, and the values of implicit constants (0 elsewhere). */
  readonly names: readonly number[];
  readonly forms: readonly number[];
  readonly constants: readonly number[];
}

/** By code; codes are small and dense. */
export type AbbrevTable = readonly (Abbrev | undefined)[];

const LARGEST_CODE = 1 << 16;

export function readAbbrevTable(section: DebugSection, offset: number): AbbrevTable {
  for (let length = 8 << 10; ; length *= 4) {
    const bytes = section.bytesUpTo(offset, length);
    const table = parse(bytes, section.name);
    if (table !== undefined) return table;
    if (bytes.length < length) throw new FormatError(section.name, 'an abbreviation table does not end', offset);
  }
}

/** Undefined where the table goes on behind the window. */
function parse(bytes: Uint8Array, section: string): AbbrevTable | undefined {
  const table: (Abbrev | undefined)[] = [];
  let at = 0;
  try {
    for (;;) {
      const code = ulebAt(bytes, at);
      at += lebLength(bytes, at);
      if (code === 0) return table;
      if (code > LARGEST_CODE) throw new FormatError(section, `abbreviation code ${code} is too large`, at);
      const tag = ulebAt(bytes, at);
      at += lebLength(bytes, at);
      const hasChildren = byteAt(bytes, at++) === 1;
      const names: number[] = [];
      const forms: number[] = [];
      const constants: number[] = [];
      for (;;) {
        const name = ulebAt(bytes, at);
        at += lebLength(bytes, at);
        const form = ulebAt(bytes, at);
        at += lebLength(bytes, at);
        if (name === 0 && form === 0) break;
        names.push(name);
        forms.push(form);
        constants.push(form === DW_FORM_implicit_const ? slebAt(bytes, at) : 0);
        if (form === DW_FORM_implicit_const) at += lebLength(bytes, at);
      }
      table[code] = { code, tag, hasChildren, names, forms, constants };
    }
  } catch (error) {
    if (error instanceof FormatError && error.section === 'data') return undefined;
    throw error;
  }
}
