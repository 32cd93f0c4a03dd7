/**
 * Where the outermost entries of a name are: one pass over .debug_info that looks at nothing but tags and names, and
 * jumps over what lies below an entry by DW_AT_sibling. Half a second for a kernel, so it is done only for what BTF
 * does not know.
 *
 * Every unit repeats the types it uses, and declares the variables of others: of one name and kind the first few
 * entries are kept. Of variables that are defined every one is: statics of many units may share a name. A definition
 * that bears no name itself has that of the declaration it completes (DW_AT_specification). Enumerations, many of which
 * have no name, are told apart by their first enumerator, too.
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
/** Beside those counters: whether an enumeration begins with that name. */
const FIRST_ENUMERATOR = 1 << 15;

export class NamedEntries {
  readonly #byString: NameIndex;
  readonly #entries: readonly number[];
  /** Names that stand in the entry itself: the shortest ones. */
  readonly #inline: ReadonlyMap<string, readonly number[]>;
  /** Those of the file that holds what several files share. */
  readonly #alternate: NamedEntries | undefined;
  /** Offsets of enumerations, one of each kind. */
  readonly enumerations: readonly number[];

  constructor(info: DwarfInfo) {
    const strings = info.sections.optional('.debug_str');
    const bytes = strings === undefined ? new Uint8Array(0) : strings.bytes(0, strings.size);
    const seen = new Uint16Array(bytes.length);
    const nameOffsets: number[] = [];
    const entries: number[] = [];
    const inline = new Map<string, number[]>();
    const keep: Keep = (unit, position, abbrev, name) => {
      const offset = unit.offsetOf(position);
      if (name.kind === 'inline') {
        const known = inline.get(name.text) ?? [];
        if (isDefinedVariable(abbrev) || known.length < indexedTags.length * MOST_OF_ONE_KIND) known.push(offset);
        inline.set(name.text, known);
        return;
      }
      if (!isDefinedVariable(abbrev)) {
        const shift = indexedTags.indexOf(abbrev.tag) * 2;
        const counters = seen[name.offset] ?? 0;
        if (((counters >> shift) & MOST_OF_ONE_KIND) === MOST_OF_ONE_KIND) return;
        seen[name.offset] = counters + (1 << shift);
      }
      nameOffsets.push(name.offset);
      entries.push(offset);
    };
    const enumerations: number[] = [];
    const inlineEnumerators = new Set<string>();
    const keepEnumeration: KeepEnumeration = (unit, position, first) => {
      if (first.kind === 'shared') {
        if (((seen[first.offset] ?? FIRST_ENUMERATOR) & FIRST_ENUMERATOR) !== 0) return;
        seen[first.offset] = (seen[first.offset] ?? 0) | FIRST_ENUMERATOR;
      } else if (inlineEnumerators.has(first.text)) return;
      else inlineEnumerators.add(first.text);
      enumerations.push(unit.offsetOf(position));
    };
    for (const unit of info.units()) scanUnit(unit, keep, keepEnumeration);
    const alternate = info.alternate();
    this.#alternate = alternate && new NamedEntries(alternate);
    this.enumerations = [...enumerations, ...(this.#alternate?.enumerations ?? [])];
    this.#byString = new NameIndex(Uint32Array.from(nameOffsets), bytes);
    this.#entries = entries;
    this.#inline = inline;
  }

  /** Offsets in .debug_info of every entry that was kept, whatever its name. */
  *all(): Generator<number> {
    yield* this.#entries;
    for (const offsets of this.#inline.values()) yield* offsets;
    if (this.#alternate !== undefined) yield* this.#alternate.all();
  }

  /** Offsets in .debug_info of entries that bear a name. */
  find(name: string): number[] {
    return [
      ...this.#byString.find(name).map((index) => this.#entries[index] as number),
      ...(this.#inline.get(name) ?? []),
      ...(this.#alternate?.find(name) ?? []),
    ];
  }
}

type EntryName =
  | { readonly kind: 'shared'; readonly offset: number }
  | { readonly kind: 'inline'; readonly text: string };
type Keep = (unit: Unit, position: number, abbrev: Abbrev, name: EntryName) => void;

/** @param first the name of its first enumerator */
type KeepEnumeration = (unit: Unit, position: number, first: EntryName) => void;

function isDefinedVariable({ tag, names }: Abbrev): boolean {
  return tag === F.DW_TAG_variable && !names.includes(F.DW_AT_declaration);
}

/** What is known of the entries of an abbreviation before one is read. */
interface Plan {
  /** Behind the code; -1 where a form before it has no fixed size. */
  readonly size: number;
  /** Of a DW_FORM_ref4 sibling; -1 where there is none at a fixed place. */
  readonly sibling: number;
  readonly named: boolean;
}

function scanUnit(unit: Unit, keep: Keep, keepEnumeration: KeepEnumeration): void {
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
      if (name !== undefined) keep(unit, position, abbrev, name);
    }
    if (depth === 1 && abbrev.tag === F.DW_TAG_enumeration_type && abbrev.hasChildren) {
      const first = nameOfFirstChild(unit, position);
      if (first !== undefined) keepEnumeration(unit, position, first);
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
  F.DW_FORM_GNU_ref_alt,
  F.DW_FORM_GNU_strp_alt,
  F.DW_FORM_implicit_const,
  F.DW_FORM_line_strp,
  F.DW_FORM_ref1,
  F.DW_FORM_ref2,
  F.DW_FORM_ref4,
  F.DW_FORM_ref8,
  F.DW_FORM_ref_addr,
  F.DW_FORM_ref_sup4,
  F.DW_FORM_ref_sup8,
  F.DW_FORM_sec_offset,
  F.DW_FORM_strp,
  F.DW_FORM_strp_sup,
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
  const variable = abbrev.tag === F.DW_TAG_variable;
  const declared = abbrev.names.includes(F.DW_AT_declaration) && !variable;
  const hasName = abbrev.names.includes(F.DW_AT_name) || (variable && abbrev.names.includes(F.DW_AT_specification));
  return { size, sibling, named: indexedTags.includes(abbrev.tag) && hasName && !declared };
}

function nameOfFirstChild(unit: Unit, parent: number): EntryName | undefined {
  let name: EntryName | undefined;
  unit.forEachChild(parent, (position, abbrev) => {
    name = nameOf(unit, position, position + lebLength(unit.bytes, position), abbrev);
    return true;
  });
  return name;
}

/** @param at the first attribute of the entry at `entry` */
function nameOf(unit: Unit, entry: number, at: number, abbrev: Abbrev): EntryName | undefined {
  if (!abbrev.names.includes(F.DW_AT_name)) {
    const declaration = new Die(unit, entry, abbrev).referenced(F.DW_AT_specification);
    if (declaration?.unit !== unit || !declaration.has(F.DW_AT_name)) return undefined;
    const start = declaration.position;
    return nameOf(unit, start, start + lebLength(unit.bytes, start), declaration.abbrev);
  }
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
