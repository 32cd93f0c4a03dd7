/**
 * Where the outermost entries of a name are: one pass over .debug_info that looks at nothing but tags and names, and
 * jumps over what lies below an entry by DW_AT_sibling. Half a second for a kernel, so it is done only for what BTF
 * does not know.
 *
 * Every unit repeats the types it uses: of one name and kind the first few entries are kept.
 */

import { NameIndex } from '../../bytes/name-index.ts';
import { byteAt, lebLength, stringAt, u32At, ulebAt } from '../../bytes/read.ts';
import type { Abbrev } from './abbrev.ts';
import * as F from './constants.ts';
import { Die } from './die.ts';
import type { DwarfInfo } from './dwarf-info.ts';
import { skipForm } from './forms.ts';
import type { Unit } from './unit.ts';

/** Each has two bits of a counter. */
const indexedTags: readonly number[] = [
  F.DW_TAG_structure_type,
  F.DW_TAG_union_type,
  F.DW_TAG_enumeration_type,
  F.DW_TAG_typedef,
  F.DW_TAG_base_type,
  F.DW_TAG_variable,
];
const MOST_OF_ONE_KIND = 3;

export class NamedEntries {
  readonly #byString: NameIndex;
  readonly #entries: readonly number[];
  /** Names that stand in the entry itself: the shortest ones. */
  readonly #inline: ReadonlyMap<string, readonly number[]>;

  constructor(info: DwarfInfo) {
    const strings = info.sections.optional('.debug_str');
    const bytes = strings === undefined ? new Uint8Array(0) : strings.bytes(0, strings.size);
    const seen = new Uint16Array(bytes.length);
    const nameOffsets: number[] = [];
    const entries: number[] = [];
    const inline = new Map<string, number[]>();
    const keep = (unit: Unit, position: number, tag: number, name: EntryName): void => {
      const offset = unit.header.offset + position;
      if (name.kind === 'inline') {
        const known = inline.get(name.text) ?? [];
        if (known.length < indexedTags.length * MOST_OF_ONE_KIND) inline.set(name.text, [...known, offset]);
        return;
      }
      const shift = indexedTags.indexOf(tag) * 2;
      const counters = seen[name.offset] ?? 0;
      if (((counters >> shift) & MOST_OF_ONE_KIND) === MOST_OF_ONE_KIND) return;
      seen[name.offset] = counters + (1 << shift);
      nameOffsets.push(name.offset);
      entries.push(offset);
    };
    for (const unit of info.units()) scanUnit(unit, keep);
    this.#byString = new NameIndex(Uint32Array.from(nameOffsets), bytes);
    this.#entries = entries;
    this.#inline = inline;
  }

  /** Offsets in .debug_info of entries that bear a name. */
  find(name: string): number[] {
    return [
      ...this.#byString.find(name).map((index) => this.#entries[index] as number),
      ...(this.#inline.get(name) ?? []),
    ];
  }
}

type EntryName =
  | { readonly kind: 'shared'; readonly offset: number }
  | { readonly kind: 'inline'; readonly text: string };
type Keep = (unit: Unit, position: number, tag: number, name: EntryName) => void;

/** What is known of the entries of an abbreviation before one is read. */
interface Plan {
  /** Behind the code; -1 where a form before it has no fixed size. */
  readonly size: number;
  /** Of a DW_FORM_ref4 sibling; -1 where there is none at a fixed place. */
  readonly sibling: number;
  readonly named: boolean;
}

function scanUnit(unit: Unit, keep: Keep): void {
  const { bytes, header } = unit;
  const plans: (Plan | undefined)[] = [];
  const planOf = (abbrev: Abbrev): Plan => {
    let plan = plans[abbrev.code];
    if (plan === undefined) {
      plan = makePlan(unit, abbrev);
      plans[abbrev.code] = plan;
    }
    return plan;
  };
  const root = unit.root();
  if (!root.abbrev.hasChildren) return;
  let at = root.position + lebLength(bytes, root.position);
  for (const form of root.abbrev.forms) at = skipForm(bytes, at, form, header);
  let depth = 1;
  while (depth > 0 && at < bytes.length) {
    const position = at;
    let code = byteAt(bytes, at++);
    if (code >= 0x80) {
      code = ulebAt(bytes, position);
      at = position + lebLength(bytes, position);
    }
    if (code === 0) {
      depth--;
      continue;
    }
    const abbrev = unit.abbrev(code, position);
    const plan = planOf(abbrev);
    if (depth === 1 && plan.named) {
      const name = nameOf(unit, position, at, abbrev);
      if (name !== undefined) keep(unit, position, abbrev.tag, name);
    }
    const sibling = abbrev.hasChildren && plan.sibling >= 0 ? u32At(bytes, at + plan.sibling) : 0;
    if (sibling > at) at = sibling;
    else {
      if (plan.size >= 0) at += plan.size;
      else for (const form of abbrev.forms) at = skipForm(bytes, at, form, header);
      if (abbrev.hasChildren) depth++;
    }
  }
}

/** Forms whose values take the same number of bytes wherever they stand. */
const fixedForms = new Set([
  F.DW_FORM_addr,
  F.DW_FORM_data1,
  F.DW_FORM_data2,
  F.DW_FORM_data4,
  F.DW_FORM_data8,
  F.DW_FORM_flag,
  F.DW_FORM_flag_present,
  F.DW_FORM_implicit_const,
  F.DW_FORM_line_strp,
  F.DW_FORM_ref1,
  F.DW_FORM_ref2,
  F.DW_FORM_ref4,
  F.DW_FORM_ref8,
  F.DW_FORM_ref_addr,
  F.DW_FORM_sec_offset,
  F.DW_FORM_strp,
]);
const noBytes = new Uint8Array(0);

function makePlan(unit: Unit, abbrev: Abbrev): Plan {
  let size = 0;
  let sibling = -1;
  for (const [index, form] of abbrev.forms.entries()) {
    if (size >= 0 && abbrev.names[index] === F.DW_AT_sibling && form === F.DW_FORM_ref4) sibling = size;
    size = size < 0 || !fixedForms.has(form) ? -1 : skipForm(noBytes, size, form, unit.header);
  }
  // A variable's name and type stand in its declaration, to which the definition refers.
  const declared = abbrev.names.includes(F.DW_AT_declaration) && abbrev.tag !== F.DW_TAG_variable;
  const named = indexedTags.includes(abbrev.tag) && abbrev.names.includes(F.DW_AT_name) && !declared;
  return { size, sibling, named };
}

/** @param at the first attribute of the entry at `entry` */
function nameOf(unit: Unit, entry: number, at: number, abbrev: Abbrev): EntryName | undefined {
  let position = at;
  for (const [index, form] of abbrev.forms.entries()) {
    if (abbrev.names[index] !== F.DW_AT_name) {
      position = skipForm(unit.bytes, position, form, unit.header);
      continue;
    }
    if (form === F.DW_FORM_strp && unit.header.offsetSize === 4)
      return { kind: 'shared', offset: u32At(unit.bytes, position) };
    if (form === F.DW_FORM_string) return { kind: 'inline', text: stringAt(unit.bytes, position) };
    const text = new Die(unit, entry, abbrev).string(F.DW_AT_name);
    return text === undefined ? undefined : { kind: 'inline', text };
  }
  return undefined;
}
