/**
 * DWARF entries as types of the one model, and types by name.
 *
 * By name means a pass over every unit (name-scan.ts): it is asked for only what
 * BTF does not know. Types by entry cost what they hold.
 */

import { attempt } from '../../base/errors.ts';
import { once } from '../../base/search.ts';
import type { NamedKind, TypeSource } from '../types/catalog.ts';
import {
  voidType,
  type CompoundType,
  type EnumConstant,
  type EnumType,
  type FunctionType,
  type Member,
  type Type,
  type TypedefType,
} from '../types/type.ts';
import {
  DW_AT_abstract_origin,
  DW_AT_bit_offset,
  DW_AT_bit_size,
  DW_AT_byte_size,
  DW_AT_const_value,
  DW_AT_count,
  DW_AT_data_bit_offset,
  DW_AT_data_member_location,
  DW_AT_declaration,
  DW_AT_encoding,
  DW_AT_location,
  DW_AT_name,
  DW_AT_type,
  DW_AT_upper_bound,
  DW_ATE_boolean,
  DW_ATE_float,
  DW_ATE_signed,
  DW_ATE_signed_char,
  DW_ATE_unsigned_char,
  DW_TAG_array_type,
  DW_TAG_atomic_type,
  DW_TAG_base_type,
  DW_TAG_const_type,
  DW_TAG_enumeration_type,
  DW_TAG_enumerator,
  DW_TAG_formal_parameter,
  DW_TAG_member,
  DW_TAG_pointer_type,
  DW_TAG_reference_type,
  DW_TAG_restrict_type,
  DW_TAG_structure_type,
  DW_TAG_subrange_type,
  DW_TAG_subroutine_type,
  DW_TAG_typedef,
  DW_TAG_union_type,
  DW_TAG_unspecified_parameters,
  DW_TAG_variable,
  DW_TAG_volatile_type,
} from './constants.ts';
import type { Die } from './die.ts';
import type { DwarfInfo } from './dwarf-info.ts';
import { NamedEntries } from './name-scan.ts';
import { s64At, ulebAt } from '../../bytes/read.ts';
import { DW_OP_addr, DW_OP_plus_uconst } from './operation-constants.ts';

const POINTER_SIZE = 8;

const tagOf: Readonly<Record<NamedKind, number>> = {
  struct: DW_TAG_structure_type,
  union: DW_TAG_union_type,
  enum: DW_TAG_enumeration_type,
  typedef: DW_TAG_typedef,
};

export class DwarfTypes implements TypeSource {
  readonly name = 'DWARF';
  readonly #info: DwarfInfo;
  readonly #types = new Map<number, Type>();
  readonly #names: () => NamedEntries;
  readonly #enumerators: () => Map<string, EnumConstant>;

  constructor(info: DwarfInfo) {
    this.#info = info;
    this.#names = once(() => new NamedEntries(info));
    this.#enumerators = once(() => this.#indexEnumerators());
  }

  /** The type an entry describes. */
  typeOf(die: Die | undefined): Type {
    if (die === undefined) return voidType;
    let type = this.#types.get(die.offset);
    if (type === undefined) {
      type = this.#decode(die);
      this.#types.set(die.offset, type);
    }
    return type;
  }

  compound(kind: 'struct' | 'union', name: string): CompoundType | undefined {
    const found = this.#typeNamed(name, kind === 'struct' ? DW_TAG_structure_type : DW_TAG_union_type);
    return found?.kind === kind ? found : undefined;
  }

  enumeration(name: string): EnumType | undefined {
    const found = this.#typeNamed(name, DW_TAG_enumeration_type);
    return found?.kind === 'enum' ? found : undefined;
  }

  typedef(name: string): TypedefType | undefined {
    const found = this.#typeNamed(name, DW_TAG_typedef);
    return found?.kind === 'typedef' ? found : undefined;
  }

  base(name: string): Type | undefined {
    return this.#typeNamed(name, DW_TAG_base_type);
  }

  enumerator(name: string): EnumConstant | undefined {
    return this.#enumerators().get(name);
  }

  /** The type of a global variable. */
  variable(name: string): Type | undefined {
    return this.#typeNamed(name, DW_TAG_variable);
  }

  /** The type of the variable of that name that lies at an address of the file: statics may share a name. */
  variableAt(name: string, address: number): Type | undefined {
    const die = this.#variablesNamed(name).find((variable) => placeOfVariable(variable) === address);
    return die && this.#typeOfVariable(die);
  }

  /** What a declaration (`extern`) of that name says. */
  declaredVariable(name: string): Type | undefined {
    const die = this.#variablesNamed(name).find((variable) => variable.flag(DW_AT_declaration));
    return die && this.#typeOfVariable(die);
  }

  /** The prototype of a function, from any entry of it: an out-of-line copy of an inline function, too. */
  functionType(die: Die): FunctionType {
    let whole = die;
    for (const origin of die.origins()) if (whole.has(DW_AT_abstract_origin)) whole = origin;
    return this.#functionType(whole, () => this.#typeOfVariable(whole));
  }

  *compounds(): Generator<CompoundType> {
    const seen = new Set<string>();
    for (const offset of this.#names().all()) {
      const die = attempt(() => this.#info.dieAt(offset));
      if (die?.tag !== DW_TAG_structure_type && die?.tag !== DW_TAG_union_type) continue;
      const type = this.typeOf(die);
      if (type.kind !== 'struct' && type.kind !== 'union') continue;
      const key = `${type.kind} ${type.name ?? ''}`;
      if (!type.complete || seen.has(key)) continue;
      seen.add(key);
      yield type;
    }
  }

  *names(kind: NamedKind): Generator<string> {
    for (const offset of this.#names().all()) {
      const die = attempt(() => this.#info.dieAt(offset));
      const name = die?.tag === tagOf[kind] ? die.name : undefined;
      if (name !== undefined) yield name;
    }
  }

  #variablesNamed(name: string): Die[] {
    return this.#names()
      .find(name)
      .flatMap((offset) => this.#info.dieAt(offset) ?? [])
      .filter((die) => die.tag === DW_TAG_variable);
  }

  /** Also of a function: what it returns. */
  #typeOfVariable(die: Die): Type {
    for (const origin of die.origins()) if (origin.has(DW_AT_type)) return this.typeOf(origin.referenced(DW_AT_type));
    return voidType;
  }

  #typeNamed(name: string, tag: number): Type | undefined {
    for (const offset of this.#names().find(name)) {
      const die = this.#info.dieAt(offset);
      if (die?.tag !== tag) continue;
      return tag === DW_TAG_variable ? this.#typeOfVariable(die) : this.typeOf(die);
    }
    return undefined;
  }

  #decode(die: Die): Type {
    const target = (): Type => this.typeOf(die.referenced(DW_AT_type));
    switch (die.tag) {
      case DW_TAG_base_type:
        return baseType(die);
      case DW_TAG_pointer_type:
      case DW_TAG_reference_type:
        return { kind: 'pointer', size: die.number(DW_AT_byte_size) ?? POINTER_SIZE, get target() { return target(); } }; // prettier-ignore
      case DW_TAG_typedef:
        return { kind: 'typedef', name: die.string(DW_AT_name) ?? '', get target() { return target(); } }; // prettier-ignore
      case DW_TAG_const_type:
        return { kind: 'qualified', qualifier: 'const', get target() { return target(); } }; // prettier-ignore
      case DW_TAG_volatile_type:
        return { kind: 'qualified', qualifier: 'volatile', get target() { return target(); } }; // prettier-ignore
      case DW_TAG_restrict_type:
        return { kind: 'qualified', qualifier: 'restrict', get target() { return target(); } }; // prettier-ignore
      case DW_TAG_atomic_type:
        return { kind: 'qualified', qualifier: 'atomic', get target() { return target(); } }; // prettier-ignore
      case DW_TAG_array_type:
        return arrayType(die, target);
      case DW_TAG_structure_type:
      case DW_TAG_union_type:
        return new DwarfCompound(this, die);
      case DW_TAG_enumeration_type:
        return enumType(die);
      case DW_TAG_subroutine_type:
        return this.#functionType(die, target);
      default:
        return voidType;
    }
  }

  #functionType(die: Die, returns: () => Type): FunctionType {
    const children = die.children();
    return {
      kind: 'function',
      variadic: children.some((child) => child.tag === DW_TAG_unspecified_parameters),
      parameters: children
        .filter((child) => child.tag === DW_TAG_formal_parameter)
        .map((child) => {
          const parameter = once(() => this.#typeOfVariable(child));
          return { name: child.name, get type() { return parameter(); } }; // prettier-ignore
        }),
      get returns() {
        return returns();
      },
    };
  }

  #indexEnumerators(): Map<string, EnumConstant> {
    const values = new Map<string, EnumConstant>();
    for (const offset of this.#names().enumerations) {
      const type = attempt(() => {
        const die = this.#info.dieAt(offset);
        return die && enumType(die);
      });
      for (const { name, value } of type?.enumerators ?? [])
        if (type !== undefined && !values.has(name)) values.set(name, { type, value });
    }
    return values;
  }
}

/** Where a variable lies, if at one place for good: DW_OP_addr alone. */
function placeOfVariable(die: Die): number | undefined {
  const location = die.block(DW_AT_location);
  return location?.length === 9 && location[0] === DW_OP_addr ? s64At(location, 1) : undefined;
}

function baseType(die: Die): Type {
  const name = die.string(DW_AT_name) ?? '';
  const size = die.number(DW_AT_byte_size) ?? 0;
  const encoding = die.number(DW_AT_encoding);
  if (encoding === DW_ATE_float) return { kind: 'float', name, size };
  const signed = encoding === DW_ATE_signed || encoding === DW_ATE_signed_char;
  const isChar = encoding === DW_ATE_signed_char || encoding === DW_ATE_unsigned_char;
  return {
    kind: 'int',
    name,
    size,
    signed,
    encoding: encoding === DW_ATE_boolean ? 'bool' : isChar ? 'char' : 'integer',
  };
}

/** A dimension for each subrange, the first the outermost. */
function arrayType(die: Die, element: () => Type): Type {
  const counts = die
    .children()
    .filter((child) => child.tag === DW_TAG_subrange_type)
    .map((child) => {
      const upper = child.number(DW_AT_upper_bound);
      return child.number(DW_AT_count) ?? (upper === undefined ? undefined : upper + 1);
    });
  const build = (dimension: number): Type => ({
    kind: 'array',
    count: counts[dimension],
    get element() {
      return dimension + 1 < counts.length ? build(dimension + 1) : element();
    },
  });
  return build(0);
}

function enumType(die: Die): EnumType {
  const size = die.number(DW_AT_byte_size) ?? 4;
  const enumerators = die
    .children()
    .filter((child) => child.tag === DW_TAG_enumerator)
    .map((child) => ({ name: child.string(DW_AT_name) ?? '', value: child.bigNumber(DW_AT_const_value) ?? 0n }));
  const signed = enumerators.some((enumerator) => enumerator.value < 0n);
  return { kind: 'enum', name: die.string(DW_AT_name), size, signed, enumerators };
}

class DwarfCompound implements CompoundType {
  readonly kind: 'struct' | 'union';
  readonly name: string | undefined;
  readonly size: number;
  readonly complete: boolean;
  readonly #types: DwarfTypes;
  readonly #die: Die;
  #members: readonly Member[] | undefined;

  constructor(types: DwarfTypes, die: Die) {
    this.kind = die.tag === DW_TAG_union_type ? 'union' : 'struct';
    this.name = die.string(DW_AT_name);
    this.size = die.number(DW_AT_byte_size) ?? 0;
    this.complete = !die.flag(DW_AT_declaration);
    this.#types = types;
    this.#die = die;
  }

  get members(): readonly Member[] {
    this.#members ??= this.#die
      .children()
      .filter((child) => child.tag === DW_TAG_member)
      .map((child) => this.#member(child));
    return this.#members;
  }

  #member(die: Die): Member {
    const types = this.#types;
    return {
      name: die.string(DW_AT_name),
      ...placeOf(die),
      get type() {
        return types.typeOf(die.referenced(DW_AT_type));
      },
    };
  }
}

/** DWARF 5 section 5.7.6; the big-endian bit offset of DWARF 2 and 3, which GCC wrote up to version 10, too. */
function placeOf(die: Die): Pick<Member, 'offset' | 'bitField'> {
  const block = die.block(DW_AT_data_member_location);
  const location = die.number(DW_AT_data_member_location) ?? (block?.[0] === DW_OP_plus_uconst ? ulebAt(block, 1) : 0);
  const bitSize = die.number(DW_AT_bit_size);
  if (bitSize === undefined) return { offset: location, bitField: undefined };
  const oldOffset = die.number(DW_AT_bit_offset);
  const storage = die.number(DW_AT_byte_size) ?? die.referenced(DW_AT_type)?.number(DW_AT_byte_size) ?? 4;
  const bits =
    oldOffset === undefined
      ? location * 8 + (die.number(DW_AT_data_bit_offset) ?? 0)
      : location * 8 + storage * 8 - oldOffset - bitSize;
  return { offset: bits >>> 3, bitField: { bitOffset: bits & 7, bitSize } };
}
