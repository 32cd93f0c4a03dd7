/**
 * Type names as casts and sizeof have them: C17 section 6.7.7. `struct page *`, `const char *[4]`, `u64`,
 * `int (*)(void *)`; parameters of a function are passed over, since nothing is ever called.
 */

import { LookupError, UsageError } from '../base/errors.ts';
import type { QualifiedType, Type } from '../debuginfo/types/type.ts';
import { plainType, pointerTo } from './c-types.ts';
import type { Parser } from './parser.ts';
import type { Scope } from './scope.ts';

const tags = new Set(['struct', 'union', 'enum']);
type Qualifier = QualifiedType['qualifier'];
const plainWords = new Set([
  'void', 'char', 'short', 'int', 'long', 'signed', 'unsigned', 'bool', '_Bool', 'float', 'double',
]); // prettier-ignore

/** Whether the token `ahead` of the next one begins a type and no value. */
export function beginsType(parser: Parser, ahead: number): boolean {
  const { kind, text } = parser.peek(ahead);
  if (kind !== 'name') return false;
  if (tags.has(text) || isQualifier(text) || plainWords.has(text)) return true;
  return parser.scope.types.typedef(text) !== undefined && !parser.scope.isVariable(text);
}

/** @throws LookupError where the type is not known, UsageError where none begins */
export function parseType(parser: Parser): Type {
  return abstractDeclarator(parser, specifiers(parser));
}

function specifiers(parser: Parser): Type {
  const words: string[] = [];
  const found = new Set<Qualifier>();
  let type: Type | undefined;
  for (;;) {
    takeQualifiers(parser, found);
    const { kind, text } = parser.peek();
    if (kind !== 'name') break;
    if (type === undefined && words.length === 0 && tags.has(text)) {
      parser.take();
      type = tagged(parser.scope, text, parser.expectName(`the name of a ${text}`));
    } else if (type === undefined && plainWords.has(text)) words.push(parser.take().text);
    else if (type === undefined && words.length === 0) type = named(parser.scope, parser.take().text);
    else break;
  }
  if (words.length > 0) type = plainType(words) ?? parser.fail(`"${words.join(' ')}" is no type`);
  return qualified(type ?? parser.fail('a type is wanted'), found);
}

function takeQualifiers(parser: Parser, into: Set<Qualifier>): void {
  for (let { text } = parser.peek(); isQualifier(text); { text } = parser.peek()) {
    into.add(text);
    parser.take();
  }
}

function isQualifier(word: string): word is Qualifier {
  return word === 'const' || word === 'volatile' || word === 'restrict';
}

function qualified(type: Type, by: ReadonlySet<Qualifier>): Type {
  return Array.from(by).reduceRight<Type>((target, qualifier) => ({ kind: 'qualified', qualifier, target }), type);
}

function tagged(scope: Scope, tag: string, name: string): Type {
  const found =
    tag === 'enum' ? scope.types.enumeration(name) : scope.types.compound(tag === 'union' ? tag : 'struct', name);
  if (found === undefined) throw new LookupError(tag, name);
  return found;
}

/** A typedef; or a struct or union by its bare name, as GDB users write it. */
function named(scope: Scope, name: string): Type {
  const found =
    scope.types.typedef(name) ?? scope.types.compound('struct', name) ?? scope.types.compound('union', name);
  if (found === undefined) throw new LookupError('type', name);
  return found;
}

const DEEPEST_DECLARATOR = 32;

/** `*`, `[4]`, `(*)(…)` behind a type. */
function abstractDeclarator(parser: Parser, base: Type, depth = 0): Type {
  let type = base;
  for (let stars = depth; parser.accept('*'); stars++) {
    checkDepth(stars);
    const found = new Set<Qualifier>();
    type = pointerTo(type);
    takeQualifiers(parser, found);
    type = qualified(type, found);
  }
  if (parser.peek().text === '(' && parser.peek(1).text === '*') {
    parser.expect('(');
    const position = parser.position;
    skipBalanced(parser);
    const outer = suffixes(parser, type, depth + 1);
    const end = parser.position;
    parser.position = position;
    const inner = abstractDeclarator(parser, outer, depth + 1);
    parser.expect(')');
    parser.position = end;
    return inner;
  }
  return suffixes(parser, type, depth + 1);
}

function checkDepth(depth: number): void {
  if (depth > DEEPEST_DECLARATOR) throw new UsageError('the type is nested too deep');
}

/** Up to the parenthesis that closes one which is open already. */
function skipBalanced(parser: Parser): void {
  for (let depth = 1; depth > 0;) {
    const { kind, text } = parser.take();
    if (kind === 'end') parser.fail('")" is wanted');
    if (text === '(') depth++;
    if (text === ')') depth--;
  }
}

function suffixes(parser: Parser, base: Type, depth: number): Type {
  checkDepth(depth);
  if (parser.accept('(')) {
    skipBalanced(parser);
    return { kind: 'function', returns: suffixes(parser, base, depth + 1), parameters: [], variadic: true };
  }
  if (!parser.accept('[')) return base;
  const count = parser.peek().text === ']' ? undefined : parser.expectCount('a count');
  parser.expect(']');
  return { kind: 'array', count, element: suffixes(parser, base, depth + 1) };
}
