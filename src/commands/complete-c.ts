/** What half-typed C may go on with: types, members of what stands before the dot, symbols. */

import type { TypeCatalog } from '../debuginfo/types/catalog.ts';
import { findMember, memberNames } from '../debuginfo/types/members.ts';
import { strip, type Type } from '../debuginfo/types/type.ts';
import { typeOfText } from '../expr/type-of.ts';
import { GlobalScope } from '../kernel/global-scope.ts';
import type { Session } from './session.ts';

export interface Names {
  /** More than fit: those count that begin with the word. */
  readonly names: Iterable<string>;
  readonly word: string;
  readonly open: boolean;
}

/** `NAME`, or `NAME.path,path` as `struct` takes it. */
export function typeNames({ kernel }: Session, text: string): Names {
  const types = kernel.indexedTypes();
  if (!text.includes('.')) return { names: structNames(types, text), word: text, open: true };
  const [, name = '', path, word = ''] = /^(\w+)\.(?:.*,)?(?:([^,]*)\.)?(\w*)$/.exec(text) ?? [];
  const outer = name === '' ? undefined : typeOfTag(types, name);
  const type = outer && (path === undefined ? outer : memberAt(types, outer, path));
  return { names: type === undefined ? [] : membersOf(types, type), word, open: true };
}

/**
 * The end of an expression.
 * @param typesToo whether the name of a type may stand there as well
 */
export function expressionNames(session: Session, text: string, typesToo: boolean): Names {
  const types = session.kernel.indexedTypes();
  const [, tag, tagged = ''] = /\b(struct|union|enum)\s+(\w*)$/.exec(text) ?? [];
  if (tag === 'struct' || tag === 'union' || tag === 'enum')
    return { names: types.names(tag), word: tagged, open: true };
  const last = /\S*$/.exec(text)?.[0] ?? '';
  const outer = /^(\w+)\./.exec(last)?.[1];
  if (typesToo && outer !== undefined && typeOfTag(types, outer) !== undefined) return typeNames(session, last);
  const [, before, , member = ''] = /^(.*)(\.|->)(\w*)$/.exec(text) ?? [];
  if (before !== undefined) return { names: membersOfValue(session, operandAtEnd(before)), word: member, open: true };
  const word = /\w*$/.exec(text)?.[0] ?? '';
  return { names: word === '' ? [] : plainNames(session, word, typesToo), word, open: false };
}

export function* symbolNames({ kernel }: Session): Generator<string> {
  for (const symbol of kernel.symbols.all()) yield symbol.name;
}

function* plainNames(session: Session, word: string, typesToo: boolean): Generator<string> {
  yield* symbolNames(session);
  if (!typesToo) return;
  const types = session.kernel.indexedTypes();
  yield* structNames(types, word);
  yield* types.names('enum');
  yield* types.names('typedef');
}

/** Those of structs and unions, and of typedefs of such. */
function* structNames(types: TypeCatalog, start: string): Generator<string> {
  yield* types.names('struct');
  yield* types.names('union');
  for (const name of types.names('typedef')) {
    const target = name.startsWith(start) ? types.typedef(name) : undefined;
    if (target !== undefined && isCompound(target)) yield name;
  }
}

function typeOfTag(types: TypeCatalog, name: string): Type | undefined {
  return types.compound('struct', name) ?? types.compound('union', name) ?? types.typedef(name);
}

function memberAt(types: TypeCatalog, outer: Type, path: string): Type | undefined {
  const compound = strip(types.definition(outer));
  return compound.kind === 'struct' || compound.kind === 'union' ? findMember(compound, path)?.type : undefined;
}

function membersOf(types: TypeCatalog, type: Type): string[] {
  const compound = strip(types.definition(type));
  return compound.kind === 'struct' || compound.kind === 'union' ? memberNames(compound) : [];
}

/** `.` and `->` alike, as expressions take them. */
function membersOfValue({ kernel }: Session, operand: string): string[] {
  const types = kernel.indexedTypes();
  const type = strip(typeOfText(operand, new GlobalScope(kernel, kernel.memory, undefined, types)));
  return membersOf(types, type.kind === 'pointer' ? type.target : type.kind === 'array' ? type.element : type);
}

function isCompound(type: Type): boolean {
  const { kind } = strip(type);
  return kind === 'struct' || kind === 'union';
}

/** The primary expression, with members and indices behind it, that a text ends with. */
function operandAtEnd(text: string): string {
  let start = text.length;
  for (;;) {
    start = beforeGroups(text, start, ']', '[');
    const name = /(?:\w+:)?\w+$/.exec(text.slice(0, start))?.[0];
    if (name !== undefined) start -= name.length;
    else {
      const group = beforeGroup(text, start, ')', '(');
      if (group === start) return text.slice(start);
      start = group - (/\w*$/.exec(text.slice(0, group))?.[0].length ?? 0);
    }
    const separator = /(?:\.|->)$/.exec(text.slice(0, start))?.[0];
    if (separator === undefined) return text.slice(start);
    start -= separator.length;
  }
}

function beforeGroups(text: string, end: number, close: string, open: string): number {
  let at = end;
  for (let next = beforeGroup(text, at, close, open); next < at; next = beforeGroup(text, at, close, open)) at = next;
  return at;
}

/** Where the bracketed text begins that ends there; `end` where there is none. */
function beforeGroup(text: string, end: number, close: string, open: string): number {
  if (text[end - 1] !== close) return end;
  let depth = 0;
  for (let at = end - 1; at >= 0; at--) {
    if (text[at] === close) depth++;
    else if (text[at] === open && --depth === 0) return at;
  }
  return end;
}
