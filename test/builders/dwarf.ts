/**
 * An assembler of DWARF 4 and 5. Entries are given as trees with labels; abbreviations, strings and indices are made
 * from what the forms ask for. Every unit has an abbreviation table of its own.
 */

import { ET_EXEC } from '../../src/formats/elf/constants.ts';
import * as F from '../../src/debuginfo/dwarf/constants.ts';
import { ByteWriter } from './byte-writer.ts';
import { LineAssembler, type LineSpec } from './dwarf-line.ts';
import { ElfBuilder } from './elf.ts';

/** A label of an entry, anywhere in the file. */
export interface Ref {
  readonly ref: string;
}

export type Value = number | bigint | string | Uint8Array | Ref | { readonly form: number; readonly value: Value };
export type Attribute = readonly [name: number, form: number, value?: Value];

export interface DieSpec {
  readonly tag: number;
  readonly attributes?: readonly Attribute[];
  readonly children?: readonly DieSpec[];
  readonly label?: string;
  /** Writes DW_AT_sibling (as ref4) before the other attributes. */
  readonly sibling?: boolean;
}

export interface UnitSpec {
  readonly version: 2 | 3 | 4 | 5;
  readonly root: DieSpec;
  readonly wide?: boolean;
  readonly label?: string;
}

/** [kind, operands…] of a version 5 list. */
export type RangeEntry = readonly [kind: number, ...operands: (bigint | number)[]];

interface Fixup {
  readonly at: number;
  readonly size: number;
  readonly label: string;
  readonly unit: number;
}

export class DwarfBuilder {
  readonly info = new ByteWriter();
  readonly abbrev = new ByteWriter();
  readonly line = new ByteWriter();
  readonly str = new ByteWriter().u8(0);
  readonly lineStr = new ByteWriter().u8(0);
  readonly rnglists = new ByteWriter();
  readonly ranges = new ByteWriter();
  readonly aranges = new ByteWriter();
  readonly addr = new ByteWriter().u32(0).u16(5).u8(8).u8(0);
  readonly strOffsets = new ByteWriter().u32(0).u16(5).u16(0);
  readonly labels = new Map<string, number>();
  readonly #fixups: Fixup[] = [];
  readonly #interned = new Map<ByteWriter, Map<string, number>>();
  #addresses = 0;
  #strings = 0;

  /** Returns its offset in .debug_info. */
  unit({ version, root, wide = false, label }: UnitSpec): number {
    const { info } = this;
    const start = info.length;
    if (label !== undefined) this.labels.set(label, start);
    const offsetSize = wide ? 8 : 4;
    if (wide) info.u32(0xffff_ffff);
    const lengthAt = info.length;
    info.zeros(offsetSize).u16(version);
    if (version >= 5) info.u8(F.DW_UT_compile).u8(8).unsigned(this.abbrev.length, offsetSize);
    else info.unsigned(this.abbrev.length, offsetSize).u8(8);
    const abbrevs = new Map<string, number>();
    this.#die(root, { start, offsetSize, version, abbrevs });
    info.patch(lengthAt, info.length - lengthAt - offsetSize, offsetSize);
    this.abbrev.u8(0);
    return start;
  }

  /** A line number program; returns its offset in .debug_line. */
  lineProgram(spec: LineSpec, write: (program: LineAssembler) => void): number {
    const at = this.line.length;
    const program = new LineAssembler(spec);
    write(program);
    this.line.bytes(program.build((text) => this.intern(this.lineStr, text)));
    return at;
  }

  /** A version 5 range list; returns its offset in .debug_rnglists. */
  rangeList(entries: readonly RangeEntry[]): number {
    const at = this.rnglists.length;
    for (const [kind, ...operands] of entries) {
      this.rnglists.u8(kind);
      const address = kind >= F.DW_RLE_base_address;
      for (const [index, operand] of operands.entries()) {
        const isAddress = address && (index === 0 || kind === F.DW_RLE_start_end);
        if (isAddress) this.rnglists.u64(operand);
        else this.rnglists.uleb(operand);
      }
    }
    this.rnglists.u8(F.DW_RLE_end_of_list);
    return at;
  }

  /** A version 4 range list of pairs; returns its offset in .debug_ranges. */
  rangePairs(pairs: readonly (readonly [bigint, bigint])[]): number {
    const at = this.ranges.length;
    for (const [low, high] of [...pairs, [0n, 0n] as const]) this.ranges.u64(low).u64(high);
    return at;
  }

  /** One set of .debug_aranges. */
  arangeSet(unit: number, ranges: readonly (readonly [low: bigint, size: number])[]): this {
    const start = this.aranges.length;
    this.aranges.u32(0).u16(2).u32(unit).u8(8).u8(0);
    while ((this.aranges.length - start) % 16 !== 0) this.aranges.u8(0);
    for (const [low, size] of ranges) this.aranges.u64(low).u64(size);
    this.aranges.u64(0).u64(0);
    this.aranges.patch(start, this.aranges.length - start - 4, 4);
    return this;
  }

  intern(section: ByteWriter, text: string): number {
    let known = this.#interned.get(section);
    if (known === undefined) {
      known = new Map();
      this.#interned.set(section, known);
    }
    let at = known.get(text);
    if (at === undefined) {
      at = section.length;
      section.string(text);
      known.set(text, at);
    }
    return at;
  }

  /** The bytes of every section that is not empty, by name. */
  sections(): Map<string, Uint8Array> {
    for (const { at, size, label, unit } of this.#fixups) {
      const target = this.labels.get(label);
      if (target === undefined) throw new Error(`no label ${label}`);
      this.info.patch(at, target - unit, size);
    }
    const all: [string, ByteWriter][] = [
      ['.debug_info', this.info],
      ['.debug_abbrev', this.abbrev],
      ['.debug_line', this.line],
      ['.debug_str', this.str],
      ['.debug_line_str', this.lineStr],
      ['.debug_rnglists', this.rnglists],
      ['.debug_ranges', this.ranges],
      ['.debug_aranges', this.aranges],
      ['.debug_addr', this.addr],
      ['.debug_str_offsets', this.strOffsets],
    ];
    return new Map(all.filter(([, writer]) => writer.length > 0).map(([name, writer]) => [name, writer.build()]));
  }

  /** An ELF file with these sections. */
  build(options: { readonly compressed?: boolean } = {}): Uint8Array {
    const elf = new ElfBuilder({ type: ET_EXEC });
    for (const [name, data] of this.sections()) elf.section({ name, data, compressed: options.compressed === true });
    return elf.build();
  }

  #die(die: DieSpec, unit: { start: number; offsetSize: 4 | 8; version: number; abbrevs: Map<string, number> }): void {
    const { info } = this;
    const { attributes = [], children } = die;
    if (die.label !== undefined) this.labels.set(die.label, info.length);
    const forms: Attribute[] =
      die.sibling === true ? [[F.DW_AT_sibling, F.DW_FORM_ref4, 0], ...attributes] : [...attributes];
    info.uleb(this.#abbrevCode(die.tag, children !== undefined, forms, unit.abbrevs));
    const siblingAt = info.length;
    for (const [, form, value] of forms) this.#value(form, value ?? 0, unit);
    if (children !== undefined) {
      for (const child of children) this.#die(child, unit);
      info.u8(0);
    }
    if (die.sibling === true) info.patch(siblingAt, info.length - unit.start, 4);
  }

  #abbrevCode(
    tag: number,
    hasChildren: boolean,
    attributes: readonly Attribute[],
    abbrevs: Map<string, number>,
  ): number {
    const key = JSON.stringify([
      tag,
      hasChildren,
      attributes.map(([name, form, value]) => [
        name,
        form,
        form === F.DW_FORM_implicit_const ? numeric(value).toString() : '',
      ]),
    ]);
    let code = abbrevs.get(key);
    if (code === undefined) {
      code = abbrevs.size + 1;
      abbrevs.set(key, code);
      this.abbrev
        .uleb(code)
        .uleb(tag)
        .u8(hasChildren ? 1 : 0);
      for (const [name, form, value] of attributes) {
        this.abbrev.uleb(name).uleb(form);
        if (form === F.DW_FORM_implicit_const) this.abbrev.sleb(numeric(value));
      }
      this.abbrev.u8(0).u8(0);
    }
    return code;
  }

  #value(form: number, value: Value, unit: { start: number; offsetSize: 4 | 8; version: number }): void {
    const { info } = this;
    switch (form) {
      case F.DW_FORM_flag_present:
      case F.DW_FORM_implicit_const:
        return;
      case F.DW_FORM_data1:
      case F.DW_FORM_flag:
        info.unsigned(numeric(value), 1);
        return;
      case F.DW_FORM_data2:
        info.unsigned(numeric(value), 2);
        return;
      case F.DW_FORM_data4:
        info.unsigned(numeric(value), 4);
        return;
      case F.DW_FORM_data8:
      case F.DW_FORM_ref_sig8:
      case F.DW_FORM_addr:
        info.u64(numeric(value));
        return;
      case F.DW_FORM_udata:
      case F.DW_FORM_rnglistx:
      case F.DW_FORM_loclistx:
        info.uleb(numeric(value));
        return;
      case F.DW_FORM_sdata:
        info.sleb(numeric(value));
        return;
      case F.DW_FORM_sec_offset:
        info.unsigned(numeric(value), unit.offsetSize);
        return;
      case F.DW_FORM_data16:
        info.bytes(binary(value));
        return;
      case F.DW_FORM_string:
        info.string(textual(value));
        return;
      case F.DW_FORM_strp:
        info.unsigned(this.intern(this.str, textual(value)), unit.offsetSize);
        return;
      case F.DW_FORM_line_strp:
        info.unsigned(this.intern(this.lineStr, textual(value)), unit.offsetSize);
        return;
      case F.DW_FORM_strx:
        info.uleb(this.#stringIndex(textual(value)));
        return;
      case F.DW_FORM_strx1:
      case F.DW_FORM_strx2:
      case F.DW_FORM_strx3:
      case F.DW_FORM_strx4:
        info.unsigned(this.#stringIndex(textual(value)), form - F.DW_FORM_strx1 + 1);
        return;
      case F.DW_FORM_addrx:
        info.uleb(this.#addressIndex(numeric(value)));
        return;
      case F.DW_FORM_addrx1:
      case F.DW_FORM_addrx2:
      case F.DW_FORM_addrx3:
      case F.DW_FORM_addrx4:
        info.unsigned(this.#addressIndex(numeric(value)), form - F.DW_FORM_addrx1 + 1);
        return;
      case F.DW_FORM_block1:
      case F.DW_FORM_block2:
      case F.DW_FORM_block4: {
        const size = form === F.DW_FORM_block1 ? 1 : form === F.DW_FORM_block2 ? 2 : 4;
        info.unsigned(binary(value).length, size).bytes(binary(value));
        return;
      }
      case F.DW_FORM_block:
      case F.DW_FORM_exprloc:
        info.uleb(binary(value).length).bytes(binary(value));
        return;
      case F.DW_FORM_ref_addr:
        this.#reference(value, unit.version === 2 ? 8 : unit.offsetSize, 0);
        return;
      case F.DW_FORM_ref1:
        this.#reference(value, 1, unit.start);
        return;
      case F.DW_FORM_ref2:
        this.#reference(value, 2, unit.start);
        return;
      case F.DW_FORM_ref4:
        this.#reference(value, 4, unit.start);
        return;
      case F.DW_FORM_ref8:
        this.#reference(value, 8, unit.start);
        return;
      case F.DW_FORM_ref_udata: {
        // Of a label that is already known: its width must be.
        const target =
          typeof value === 'object' && 'ref' in value ? (this.labels.get(value.ref) ?? 0) : Number(numeric(value));
        info.uleb(target - unit.start);
        return;
      }
      case F.DW_FORM_indirect: {
        if (typeof value !== 'object' || !('form' in value))
          throw new Error('an indirect form wants a form and a value');
        info.uleb(value.form);
        this.#value(value.form, value.value, unit);
        return;
      }
      default:
        throw new Error(`form 0x${form.toString(16)} is not built`);
    }
  }

  #reference(value: Value, size: number, unit: number): void {
    if (typeof value === 'object' && 'ref' in value) {
      this.#fixups.push({ at: this.info.length, size, label: value.ref, unit });
      this.info.zeros(size);
    } else this.info.unsigned(numeric(value), size);
  }

  #stringIndex(text: string): number {
    this.strOffsets.u32(this.intern(this.str, text));
    return this.#strings++;
  }

  #addressIndex(address: bigint | number): number {
    this.addr.u64(address);
    return this.#addresses++;
  }
}

function numeric(value: Value | undefined): bigint | number {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  throw new Error(`a number is wanted, not ${JSON.stringify(value)}`);
}

function textual(value: Value): string {
  if (typeof value === 'string') return value;
  throw new Error('a text is wanted');
}

function binary(value: Value): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new Error('bytes are wanted');
}
