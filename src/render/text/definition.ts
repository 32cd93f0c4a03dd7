/** Definitions of types in crash's layouts: `struct`, `struct -o`, `whatis`. */

import { addVirt, hex } from '../../base/addr.ts';
import { escapeLine } from './escape.ts';
import type { TypeList } from '../../query/type-search.ts';
import type { Declaration, DefinedMember, EnumDefinition, TypeDefinition } from '../../query/type-definition.ts';

export function* renderDefinition(definition: TypeDefinition): Generator<string> {
  const { kind, name, typedef, members, size } = definition;
  const tag = name === undefined ? kind : `${kind} ${name}`;
  yield escapeLine(`${typedef === undefined ? '' : 'typedef '}${tag} {`);
  const margin = marginOf(definition);
  for (const member of members) yield* memberLines(member, margin, 0);
  yield escapeLine(`}${typedef === undefined ? '' : ` ${typedef};`}`);
  if (!definition.partial) yield sizeLine(size, definition.radix);
}

/** What stands before a member: its offset, its address, or nothing but space. */
interface Margin {
  readonly width: number;
  of(member: DefinedMember): string;
}

function marginOf({ offsets, address, size, radix }: TypeDefinition): Margin {
  if (!offsets) return { width: 4, of: () => '    ' };
  const number = (value: number): string => (radix === 16 ? `0x${hex(value)}` : String(value));
  const width = number(size).length + 4;
  // crash leaves the room of an offset before what has none, even where addresses stand.
  if (address !== undefined)
    return { width: width + 1, of: (member) => `  [${hex(addVirt(address, member.offset), 16)}] ` };
  return { width: width + 1, of: (member) => `${`[${number(member.offset)}]`.padStart(width)} ` };
}

function* memberLines(member: DefinedMember, margin: Margin, depth: number): Generator<string> {
  const indent = '    '.repeat(depth);
  if (member.expanded === undefined) {
    const bits = member.bitField === undefined ? '' : ` : ${member.bitField.bitSize}`;
    yield escapeLine(`${margin.of(member)}${indent}${member.declaration}${bits};`);
    return;
  }
  const blank = ' '.repeat(margin.width);
  const head = member.name === undefined ? blank : margin.of(member);
  yield escapeLine(`${head}${indent}${member.expanded.head} {`);
  if (member.expanded.members.length === 0) yield `${blank}${indent}    <no data fields>`;
  for (const inner of member.expanded.members) yield* memberLines(inner, margin, depth + 1);
  yield escapeLine(`${blank}${indent}}${member.declaration === '' ? '' : ` ${member.declaration}`};`);
}

export function* renderEnum({ name, typedef, enumerators }: EnumDefinition): Generator<string> {
  yield escapeLine(`${typedef === undefined ? '' : 'typedef '}enum ${name === undefined ? '' : `${name} `}{`);
  for (const { name: enumerator, value } of enumerators) yield escapeLine(`  ${enumerator} = ${value}`);
  yield escapeLine(`}${typedef === undefined ? '' : ` ${typedef}`};`);
}

export function* renderDeclaration({ text, size, radix }: Declaration): Generator<string> {
  yield escapeLine(size === undefined && text.includes(' = ') ? text : `${text};`);
  if (size !== undefined) yield sizeLine(size, radix);
}

function sizeLine(size: number, radix: 10 | 16): string {
  return `SIZE: ${radix === 16 ? `0x${hex(size)}` : size}`;
}

export function* renderTypeList({ types }: TypeList): Generator<string> {
  if (types.length === 0) {
    yield '(none found)';
    return;
  }
  const width = types.reduce((most, { size }) => Math.max(most, String(size).length), 4);
  yield `${'SIZE'.padStart(width)}  TYPE`;
  for (const { size, name } of types) yield escapeLine(`${String(size).padStart(width)}  ${name}`);
}
