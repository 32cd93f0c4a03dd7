/**
 * A unit's line number program: DWARF 5 section 6.2 (versions 2 to 5). Run once; its rows are kept in parallel arrays,
 * a sequence after the other, sequences sorted by address.
 */

import { FormatError } from '../../base/errors.ts';
import { once, upperBound, upperBoundBy } from '../../base/search.ts';
import { Cursor } from '../../bytes/cursor.ts';
import { byteAt, lebLength, s64At, slebAt, u16At, ulebAt } from '../../bytes/read.ts';
import {
  DW_FORM_line_strp,
  DW_FORM_string,
  DW_FORM_strp,
  DW_LNCT_directory_index,
  DW_LNCT_path,
  DW_LNE_end_sequence,
  DW_LNE_set_address,
  DW_LNS_advance_line,
  DW_LNS_advance_pc,
  DW_LNS_const_add_pc,
  DW_LNS_copy,
  DW_LNS_fixed_advance_pc,
  DW_LNS_set_column,
  DW_LNS_set_file,
} from './constants.ts';
import { numberOfForm, offsetAt, skipForm, type Encoding } from './forms.ts';
import type { DwarfSections } from './sections.ts';
import { joinPath } from './source-path.ts';

export interface LineRow {
  /** As a file index of the program. */
  readonly file: number;
  /** Zero where the compiler names no line for the code. */
  readonly line: number;
  readonly column: number;
}

interface Sequence {
  readonly low: number;
  readonly high: number;
  readonly first: number;
  readonly last: number;
}

interface FileEntry {
  readonly name: () => string;
  readonly directory: number;
}

const LONGEST_HEADER = 1 << 26;

export class LineProgram {
  readonly #addresses: number[] = [];
  readonly #files: number[] = [];
  readonly #lines: number[] = [];
  readonly #columns: number[] = [];
  readonly #sequences: Sequence[] = [];
  readonly #directories: readonly (() => string)[];
  readonly #fileEntries: FileEntry[];
  readonly #firstFile: number;

  constructor(sections: DwarfSections, offset: number) {
    const section = sections.required('.debug_line');
    const lengthCursor = new Cursor(section.bytesUpTo(offset, 12), section.name);
    let length = lengthCursor.u32();
    const offsetSize = length === 0xffff_ffff ? 8 : 4;
    if (offsetSize === 8) length = lengthCursor.u53();
    if (length > LONGEST_HEADER) throw new FormatError(section.name, 'a line program is too long', offset);
    const bytes = section.bytes(offset + lengthCursor.position, length);
    const cursor = new Cursor(bytes, section.name);

    const version = cursor.u16();
    if (version < 2 || version > 5) throw new FormatError(section.name, `version ${version} is not supported`, offset);
    if (version >= 5) cursor.skip(2);
    const headerLength = offsetSize === 4 ? cursor.u32() : cursor.u53();
    const program = cursor.position + headerLength;
    const minimumInstruction = cursor.u8();
    if (version >= 4) cursor.skip(1);
    cursor.skip(1);
    const lineBase = (cursor.u8() << 24) >> 24;
    const lineRange = cursor.u8();
    const opcodeBase = cursor.u8();
    const operandCounts = cursor.take(Math.max(0, opcodeBase - 1));
    if (lineRange === 0) throw new FormatError(section.name, 'a line program has no line range', offset);

    const encoding: Encoding = { offsetSize, addressSize: 8, version };
    if (version >= 5) {
      this.#directories = readEntries(sections, cursor, encoding).map((entry) => entry.name);
      this.#fileEntries = readEntries(sections, cursor, encoding);
      this.#firstFile = 0;
    } else {
      this.#directories = ['', ...readOldDirectories(cursor)].map((directory) => () => directory);
      this.#fileEntries = readOldFiles(cursor);
      this.#firstFile = 1;
    }
    this.#run(bytes, program, { minimumInstruction, lineBase, lineRange, opcodeBase, operandCounts });
    this.#sequences.sort((a, b) => a.low - b.low);
  }

  /** The row that describes an address. */
  rowAt(address: number): LineRow | undefined {
    const sequence = this.#sequences[upperBoundBy(this.#sequences, address, (entry) => entry.low) - 1];
    if (sequence === undefined || address >= sequence.high) return undefined;
    const row = upperBound(this.#addresses, address, sequence.first, sequence.last) - 1;
    const file = this.#files[row];
    if (file === undefined) return undefined;
    return { file, line: this.#lines[row] ?? 0, column: this.#columns[row] ?? 0 };
  }

  /** The path of a file index, as DW_AT_decl_file and DW_AT_call_file of the same unit mean it. */
  path(index: number): string | undefined {
    const entry = this.#fileEntries[index - this.#firstFile];
    if (entry === undefined) return undefined;
    // Directory 0 is where the compiler ran: what stands in it is named relative to it.
    const directory = entry.directory === 0 ? undefined : this.#directories[entry.directory];
    return directory === undefined ? entry.name() : joinPath(directory(), entry.name());
  }

  #run(
    bytes: Uint8Array,
    start: number,
    header: {
      minimumInstruction: number;
      lineBase: number;
      lineRange: number;
      opcodeBase: number;
      operandCounts: Uint8Array;
    },
  ): void {
    const { minimumInstruction, lineBase, lineRange, opcodeBase, operandCounts } = header;
    const constAddPc = Math.floor((255 - opcodeBase) / lineRange) * minimumInstruction;
    let at = start;
    let address = 0;
    let file = 1;
    let line = 1;
    let column = 0;
    let first = this.#addresses.length;
    const emit = (): void => {
      this.#addresses.push(address);
      this.#files.push(file);
      this.#lines.push(line);
      this.#columns.push(column);
    };
    while (at < bytes.length) {
      const opcode = byteAt(bytes, at++);
      if (opcode >= opcodeBase) {
        const adjusted = opcode - opcodeBase;
        address += Math.floor(adjusted / lineRange) * minimumInstruction;
        line += lineBase + (adjusted % lineRange);
        emit();
        continue;
      }
      switch (opcode) {
        case 0: {
          const size = ulebAt(bytes, at);
          at += lebLength(bytes, at);
          const extended = byteAt(bytes, at);
          if (extended === DW_LNE_end_sequence) {
            this.#endSequence(first, address);
            address = 0;
            file = 1;
            line = 1;
            column = 0;
            first = this.#addresses.length;
          } else if (extended === DW_LNE_set_address) {
            address = s64At(bytes, at + 1);
          }
          at += size;
          break;
        }
        case DW_LNS_copy:
          emit();
          break;
        case DW_LNS_advance_pc:
          address += ulebAt(bytes, at) * minimumInstruction;
          at += lebLength(bytes, at);
          break;
        case DW_LNS_advance_line:
          line += slebAt(bytes, at);
          at += lebLength(bytes, at);
          break;
        case DW_LNS_set_file:
          file = ulebAt(bytes, at);
          at += lebLength(bytes, at);
          break;
        case DW_LNS_set_column:
          column = ulebAt(bytes, at);
          at += lebLength(bytes, at);
          break;
        case DW_LNS_const_add_pc:
          address += constAddPc;
          break;
        case DW_LNS_fixed_advance_pc:
          address += u16At(bytes, at);
          at += 2;
          break;
        default:
          for (let operand = operandCounts[opcode - 1] ?? 0; operand > 0; operand--) at += lebLength(bytes, at);
      }
    }
  }

  #endSequence(first: number, high: number): void {
    const low = this.#addresses[first];
    if (low === undefined || high <= low) return;
    this.#sequences.push({ low, high, first, last: this.#addresses.length });
  }
}

/** DWARF 5's self-describing directory and file tables (6.2.4.1). */
function readEntries(sections: DwarfSections, cursor: Cursor, encoding: Encoding): FileEntry[] {
  const formats = Array.from({ length: cursor.u8() }, () => ({ content: cursor.uleb(), form: cursor.uleb() }));
  const count = cursor.uleb();
  const entries: FileEntry[] = [];
  for (let index = 0; index < count; index++) {
    let name = (): string => '';
    let directory = 0;
    const start = cursor.position;
    for (const { content, form } of formats) {
      const at = cursor.position;
      cursor.position = skipForm(cursor.bytes, at, form, encoding);
      if (content === DW_LNCT_path) name = once(() => pathOfForm(sections, cursor, at, form, encoding));
      else if (content === DW_LNCT_directory_index) {
        directory = numberOfForm(cursor.bytes, at, form, 0, encoding) ?? 0;
      }
    }
    // Or a damaged count would make entries of nothing without end.
    if (cursor.position === start) throw new FormatError(cursor.section, 'a table has entries of no length', start);
    entries.push({ name, directory });
  }
  return entries;
}

function pathOfForm(sections: DwarfSections, cursor: Cursor, at: number, form: number, encoding: Encoding): string {
  switch (form) {
    case DW_FORM_string: {
      const reader = new Cursor(cursor.bytes, cursor.section, at);
      return reader.string();
    }
    case DW_FORM_line_strp:
      return sections.string('.debug_line_str', offsetAt(cursor.bytes, at, encoding));
    case DW_FORM_strp:
      return sections.string('.debug_str', offsetAt(cursor.bytes, at, encoding));
    default:
      throw new FormatError('.debug_line', `a path has form 0x${form.toString(16)}`, at);
  }
}

function readOldDirectories(cursor: Cursor): string[] {
  const directories: string[] = [];
  for (let name = cursor.string(); name !== ''; name = cursor.string()) directories.push(name);
  return directories;
}

function readOldFiles(cursor: Cursor): FileEntry[] {
  const files: FileEntry[] = [];
  for (let name = cursor.string(); name !== ''; name = cursor.string()) {
    const path = name;
    files.push({ name: () => path, directory: cursor.uleb() });
    cursor.uleb();
    cursor.uleb();
  }
  return files;
}
