/** One line number program: its header in versions 2 to 5, and every opcode as a method. DWARF 5 section 6.2. */

import {
  DW_FORM_data1,
  DW_FORM_data16,
  DW_FORM_line_strp,
  DW_FORM_string,
  DW_FORM_udata,
  DW_LNCT_directory_index,
  DW_LNCT_path,
} from '../../src/debuginfo/dwarf/constants.ts';
import { ByteWriter } from './byte-writer.ts';

export interface LineSpec {
  readonly version: 2 | 3 | 4 | 5;
  /** In version 5 the first is where the compiler ran. */
  readonly directories: readonly string[];
  readonly files: readonly { readonly name: string; readonly directory: number }[];
  readonly minimumInstruction?: number;
  readonly lineBase?: number;
  readonly lineRange?: number;
  /** Beyond 13 for opcodes that nobody knows; those have the operand counts given. */
  readonly unknownOpcodes?: readonly number[];
  readonly inlineNames?: boolean;
  readonly checksums?: boolean;
  readonly wide?: boolean;
}

const DW_LNCT_MD5 = 5;
const standardOperands = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];

export class LineAssembler {
  readonly #spec: LineSpec;
  readonly #program = new ByteWriter();

  constructor(spec: LineSpec) {
    this.#spec = spec;
  }

  get opcodeBase(): number {
    return 13 + (this.#spec.unknownOpcodes?.length ?? 0);
  }

  copy(): this {
    return this.#op(1);
  }

  advancePc(delta: number): this {
    this.#op(2).#program.uleb(delta);
    return this;
  }

  advanceLine(delta: number): this {
    this.#op(3).#program.sleb(delta);
    return this;
  }

  setFile(file: number): this {
    this.#op(4).#program.uleb(file);
    return this;
  }

  setColumn(column: number): this {
    this.#op(5).#program.uleb(column);
    return this;
  }

  negateStatement(): this {
    return this.#op(6);
  }

  basicBlock(): this {
    return this.#op(7);
  }

  constAddPc(): this {
    return this.#op(8);
  }

  fixedAdvancePc(delta: number): this {
    this.#op(9).#program.u16(delta);
    return this;
  }

  prologueEnd(): this {
    return this.#op(10);
  }

  epilogueBegin(): this {
    return this.#op(11);
  }

  setIsa(isa: number): this {
    this.#op(12).#program.uleb(isa);
    return this;
  }

  unknown(opcode: number, operands: readonly number[]): this {
    this.#op(opcode);
    for (const operand of operands) this.#program.uleb(operand);
    return this;
  }

  special(lineDelta: number, operationAdvance: number): this {
    const { lineBase = -5, lineRange = 14 } = this.#spec;
    const opcode = lineDelta - lineBase + lineRange * operationAdvance + this.opcodeBase;
    if (opcode > 255 || lineDelta < lineBase || lineDelta >= lineBase + lineRange)
      throw new Error('no special opcode for that');
    return this.#op(opcode);
  }

  endSequence(): this {
    return this.extended(1, []);
  }

  setAddress(address: bigint): this {
    return this.extended(2, new ByteWriter().u64(address).build());
  }

  discriminator(value: number): this {
    return this.extended(4, new ByteWriter().uleb(value).build());
  }

  extended(opcode: number, operands: Uint8Array | readonly number[]): this {
    this.#program
      .u8(0)
      .uleb(operands.length + 1)
      .u8(opcode)
      .bytes(operands);
    return this;
  }

  build(internLineString: (text: string) => number): Uint8Array {
    const {
      version,
      minimumInstruction = 1,
      lineBase = -5,
      lineRange = 14,
      unknownOpcodes = [],
      wide = false,
    } = this.#spec;
    const offsetSize = wide ? 8 : 4;
    const header = new ByteWriter().u8(minimumInstruction);
    if (version >= 4) header.u8(1);
    header
      .u8(1)
      .u8(lineBase & 0xff)
      .u8(lineRange)
      .u8(this.opcodeBase)
      .bytes([...standardOperands, ...unknownOpcodes]);
    if (version >= 5) this.#tablesV5(header, offsetSize, internLineString);
    else this.#tablesV4(header);
    const body = new ByteWriter().u16(version);
    if (version >= 5) body.u8(8).u8(0);
    body.unsigned(header.length, offsetSize).bytes(header.build()).bytes(this.#program.build());
    const out = new ByteWriter();
    if (wide) out.u32(0xffff_ffff);
    return out.unsigned(body.length, offsetSize).bytes(body.build()).build();
  }

  #tablesV4(header: ByteWriter): void {
    for (const directory of this.#spec.directories) header.string(directory);
    header.u8(0);
    for (const { name, directory } of this.#spec.files) header.string(name).uleb(directory).uleb(0).uleb(0);
    header.u8(0);
  }

  #tablesV5(header: ByteWriter, offsetSize: number, intern: (text: string) => number): void {
    const { directories, files, inlineNames = false, checksums = false } = this.#spec;
    const form = inlineNames ? DW_FORM_string : DW_FORM_line_strp;
    const name = (text: string): ByteWriter =>
      inlineNames ? header.string(text) : header.unsigned(intern(text), offsetSize);
    header.u8(1).uleb(DW_LNCT_path).uleb(form).uleb(directories.length);
    for (const directory of directories) name(directory);
    header
      .u8(checksums ? 3 : 2)
      .uleb(DW_LNCT_path)
      .uleb(form)
      .uleb(DW_LNCT_directory_index)
      .uleb(checksums ? DW_FORM_data1 : DW_FORM_udata);
    if (checksums) header.uleb(DW_LNCT_MD5).uleb(DW_FORM_data16);
    header.uleb(files.length);
    for (const file of files) {
      name(file.name);
      if (checksums) header.u8(file.directory).zeros(16);
      else header.uleb(file.directory);
    }
  }

  #op(opcode: number): this {
    this.#program.u8(opcode);
    return this;
  }
}
