/** How a type is defined, as plain data: the answers to `struct NAME`, `union NAME`, `whatis`. */

import type { VirtAddr } from '../base/addr.ts';
import { LookupError } from '../base/errors.ts';
import { nearestNames } from '../base/suggest.ts';
import { declare, typeName } from '../debuginfo/types/declaration.ts';
import { findMember, memberNames } from '../debuginfo/types/members.ts';
import {
  sizeOf,
  strip,
  type BitField,
  type CompoundType,
  type EnumType,
  type Member,
  type Type,
} from '../debuginfo/types/type.ts';

/** A member as C declares it. */
export interface DefinedMember {
  /** Undefined for an anonymous struct or union. */
  readonly name: string | undefined;
  readonly type: string;
  /** In bytes, from the start of the outermost structure. */
  readonly offset: number;
  readonly size: number;
  readonly bitField: BitField | undefined;
  /** `struct list_head *next`; of a compound without a name, what stands behind its closing brace. */
  readonly declaration: string;
  /** Of a compound without a name: what stands before its opening brace, and its members. */
  readonly expanded: { readonly head: string; readonly members: readonly DefinedMember[] } | undefined;
}

export interface TypeDefinition {
  readonly type: 'type-definition';
  readonly kind: 'struct' | 'union';
  /** Undefined for an anonymous one behind a typedef. */
  readonly name: string | undefined;
  /** The typedef it was asked for by. */
  readonly typedef: string | undefined;
  readonly size: number;
  readonly members: readonly DefinedMember[];
  /** Whether only some members were asked for. */
  readonly partial: boolean;
  readonly offsets: boolean;
  /** Where an object lies, each member of which is to be shown with its own address. */
  readonly address: VirtAddr | undefined;
  readonly radix: 10 | 16;
}

export interface EnumDefinition {
  readonly type: 'enum-definition';
  readonly name: string | undefined;
  readonly typedef: string | undefined;
  readonly size: number;
  readonly enumerators: readonly { readonly name: string; readonly value: bigint }[];
}

/** A variable, function or simple type in one line of C. */
export interface Declaration {
  readonly type: 'declaration';
  readonly text: string;
  /** Of a type, in bytes; undefined for a variable or function. */
  readonly size: number | undefined;
  readonly radix: 10 | 16;
}

export interface DefinitionOptions {
  readonly offsets: boolean;
  readonly address?: VirtAddr | undefined;
  readonly radix: 10 | 16;
}

const DEEPEST_EXPANSION = 16;
/** Of one definition; damaged types that hold themselves have no end of them. */
const MOST_MEMBERS = 20_000;
/** What `declare` writes for a compound without a name. */
const unnamed = /(struct|union) \{\.\.\.\}/;

/** @param typedef the name it was asked for by, where that is not its own */
export function definitionOf(
  type: CompoundType,
  typedef: string | undefined,
  options: DefinitionOptions,
): TypeDefinition {
  return {
    ...headOf(type, typedef, options),
    members: definedMembers(type, 0, 0, { members: MOST_MEMBERS }),
    partial: false,
  };
}

/** Some members alone, by their paths. Throws LookupError. */
export function partialDefinition(
  type: CompoundType,
  paths: readonly string[],
  options: DefinitionOptions,
): TypeDefinition {
  const members = paths.map((path): DefinedMember => {
    const found = findMember(type, path);
    if (found === undefined) throw noMember(type, path);
    return definedMember({ name: path, ...found }, 0, 0, { members: MOST_MEMBERS });
  });
  return { ...headOf(type, undefined, options), members, partial: true, offsets: true };
}

export function noMember(type: CompoundType, ...paths: readonly string[]): LookupError {
  const names = [...memberNames(type)];
  const suggestions = paths.flatMap((path) => nearestNames(path, names));
  return new LookupError(`member of ${typeName(type)}`, paths.join(', '), Array.from(new Set(suggestions)));
}

/** The paths that lead to a member; `missing` speaks of the others. Throws it where no path does. */
export function knownPaths(
  type: CompoundType,
  paths: readonly string[],
): { known: readonly string[]; missing: LookupError | undefined } {
  const known = paths.filter((path) => findMember(type, path) !== undefined);
  const unknown = paths.filter((path) => !known.includes(path));
  const missing = unknown.length === 0 ? undefined : noMember(type, ...unknown);
  if (missing !== undefined && known.length === 0) throw missing;
  return { known, missing };
}

export function enumDefinition(type: EnumType, typedef: string | undefined): EnumDefinition {
  const { name, size, enumerators } = type;
  return { type: 'enum-definition', name, typedef, size, enumerators };
}

function headOf(
  type: CompoundType,
  typedef: string | undefined,
  { offsets, address, radix }: DefinitionOptions,
): Omit<TypeDefinition, 'members' | 'partial'> {
  const { kind, name, size } = type;
  return { type: 'type-definition', kind, name, typedef, size, offsets, address, radix };
}

/** How many more are shown. */
interface Budget {
  members: number;
}

function definedMembers(type: CompoundType, base: number, depth: number, budget: Budget): DefinedMember[] {
  const members: DefinedMember[] = [];
  for (const member of type.members) {
    if (--budget.members < 0) {
      if (budget.members === -1) members.push(tooMany(base + member.offset));
      break;
    }
    members.push(definedMember(member, base, depth, budget));
  }
  return members;
}

/** What stands for the members that are left out. */
function tooMany(offset: number): DefinedMember {
  const declaration = '/* more members than can be: the debug information is damaged */';
  return { name: undefined, type: 'void', offset, size: 0, bitField: undefined, declaration, expanded: undefined };
}

function definedMember(member: Member, base: number, depth: number, budget: Budget): DefinedMember {
  const { name, type, bitField } = member;
  const offset = base + member.offset;
  const text = declare(type, name ?? '');
  const inner = depth < DEEPEST_EXPANSION ? unnamedCompound(type) : undefined;
  const cut = inner === undefined ? null : unnamed.exec(text);
  const expanded =
    inner === undefined || cut === null
      ? undefined
      : {
          head: `${text.slice(0, cut.index)}${inner.compound.kind}`,
          members: definedMembers(inner.compound, inner.behindPointer ? 0 : offset, depth + 1, budget),
        };
  const declared = cut === null ? text : text.slice(cut.index + cut[0].length).trim();
  return {
    name,
    type: typeName(type),
    offset,
    size: sizeOf(type),
    bitField,
    declaration: withEnumerators(declared, type),
    expanded,
  };
}

/** The compound without a name that a member is made of, behind arrays, pointers and qualifiers. */
function unnamedCompound(type: Type): { compound: CompoundType; behindPointer: boolean } | undefined {
  let current = type;
  let behindPointer = false;
  for (let step = 0; step < DEEPEST_EXPANSION; step++) {
    behindPointer ||= current.kind === 'pointer';
    if (current.kind === 'array') current = current.element;
    else if (current.kind === 'pointer' || current.kind === 'qualified') current = current.target;
    else break;
  }
  if (current.kind !== 'struct' && current.kind !== 'union') return undefined;
  return current.name === undefined ? { compound: current, behindPointer } : undefined;
}

/** An enum without a name is written out: nothing else tells what its values are. */
function withEnumerators(declaration: string, type: Type): string {
  const bare = strip(type);
  if (bare.kind !== 'enum' || bare.name !== undefined) return declaration;
  let next = 0n;
  const enumerators = bare.enumerators.map(({ name, value }) => {
    const text = value === next ? name : `${name} = ${value}`;
    next = value + 1n;
    return text;
  });
  return declaration.replace('enum {...}', () => `enum {${enumerators.join(', ')}}`);
}
