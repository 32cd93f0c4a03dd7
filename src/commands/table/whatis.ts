/** whatis: what a name stands for in C, and which types are of a size or hold a type. */

import { LookupError, UnavailableError, UsageError } from '../../base/errors.ts';
import { nearestNames } from '../../base/suggest.ts';
import { declare, typeName } from '../../debuginfo/types/declaration.ts';
import { sizeOf, strip, type EnumType, type Type } from '../../debuginfo/types/type.ts';
import { GlobalScope } from '../../kernel/global-scope.ts';
import { functionTypeAt, typeOfVariable, whyNoType } from '../../kernel/symbol-types.ts';
import { parseTypeName } from '../../expr/parser.ts';
import type { Result } from '../../query/result.ts';
import { definitionOf, enumDefinition, partialDefinition } from '../../query/type-definition.ts';
import { typesLike } from '../../query/type-search.ts';
import type { Command } from '../command.ts';
import { expressionIn } from '../expression-words.ts';
import { radixOf, type Session } from '../session.ts';
import { compoundNames, subjectOf } from './struct.ts';

export const whatis: Command = {
  name: 'whatis',
  aliases: [],
  summary: 'what a name stands for in C: a type, a variable, a function',
  synopsis: ['whatis [-o] [-x | -d] type | symbol | expression', 'whatis [-r size | low-high] [-m type]'],
  options: [
    { flag: '-o', text: 'the offset of each member' },
    { flag: '-x', text: 'numbers in hexadecimal' },
    { flag: '-d', text: 'numbers in decimal' },
    { flag: '-r', value: 'bytes, or low-high', text: 'structs and unions of that size', mostWords: 0 },
    {
      flag: '-m',
      value: 'a type, or a part of its name',
      text: 'structs and unions that have a member of that type, or one that points at it',
      mostWords: 0,
    },
  ],
  exclusive: [
    ['-x', '-d'],
    ['-o', '-r'],
    ['-o', '-m'],
  ],
  description: [
    'Types are named as in C: list_head, struct list_head, enum pageflags, spinlock_t. Of a function its prototype is shown, of a variable its declaration, of an expression its type.',
  ],
  examples: [
    { line: 'whatis vfs_write', text: 'the prototype of a function' },
    { line: 'whatis jiffies', text: 'the declaration of a variable' },
    { line: 'whatis pid_t', text: 'a typedef' },
    { line: 'whatis -r 64 -m address_space', text: 'which types of 64 bytes know an address_space' },
  ],
  completes: 'type or expression',
  many: true,
  *run(session, args) {
    const size = args.value('-r');
    const member = args.value('-m');
    if (size !== undefined || member !== undefined) {
      yield typesLike(session.kernel, size === undefined ? undefined : sizeRange(size), member);
      return;
    }
    const { text } = expressionIn(args.words);
    if (text === '') throw new UsageError('whatis wants a type, a symbol or an expression ("help whatis")');
    yield describe(session, text, { offsets: args.has('-o'), radix: radixOf(session, args) });
  },
};

const LONGEST_TYPEDEF_CHAIN = 64;

interface Show {
  readonly offsets: boolean;
  readonly radix: 10 | 16;
}

function describe(session: Session, text: string, show: Show): Result {
  const name = /^(?:(struct|union|enum)\s+)?(\w+)((?:\.[\w.[\],]+)?)$/.exec(text);
  const [, tag, word = '', members = ''] = name ?? [];
  if (name !== null && tag !== 'enum') {
    const symbol = tag === undefined && members === '' ? ofSymbol(session, word, show) : undefined;
    if (symbol !== undefined) return symbol;
    const type = ofCompound(session, `${word}${members}`, tag === 'union' ? 'union' : 'struct', show);
    if (type !== undefined) return type;
  }
  const other = name !== null && members === '' ? ofOtherType(session, tag, word, show) : undefined;
  return other ?? ofExpression(session, text, show);
}

/** A variable or function. */
function ofSymbol(session: Session, word: string, { radix }: Show): Result | undefined {
  const { kernel } = session;
  const [symbol] = kernel.symbols.named(word);
  if (symbol === undefined) return undefined;
  const type = kernel.symbols.isText(symbol.address)
    ? functionTypeAt(kernel, symbol.address)
    : typeOfVariable(kernel, symbol);
  if (type === undefined) throw new UnavailableError(whyNoType(kernel, symbol));
  return { type: 'declaration', text: declare(type, word), size: undefined, radix };
}

function ofCompound(session: Session, word: string, kind: 'struct' | 'union', show: Show): Result | undefined {
  try {
    const { type, typedef, paths } = subjectOf(session, word, kind);
    return paths.length === 0 ? definitionOf(type, typedef, show) : partialDefinition(type, paths, show);
  } catch (error) {
    if (error instanceof LookupError && error.what === kind) return undefined;
    throw error;
  }
}

/** An enum, an enumerator, a typedef of what is no struct. */
function ofOtherType(session: Session, tag: string | undefined, word: string, { radix }: Show): Result | undefined {
  const { userTypes } = session.kernel;
  const enumeration = userTypes.enumeration(word);
  if (enumeration !== undefined) return enumDefinition(enumeration, undefined);
  if (tag !== undefined) return undefined;
  const enumerator = userTypes.enumerator(word);
  if (enumerator !== undefined) return constant(enumerator.type, enumerator.value, radix);
  const typedef = userTypes.typedef(word);
  if (typedef === undefined) return undefined;
  const target = strip(typedef);
  if (target.kind === 'enum') return enumDefinition(target, word);
  return {
    type: 'declaration',
    text: `typedef ${declare(behindTypedefs(typedef), word)}`,
    size: sizeOf(typedef),
    radix,
  };
}

/** What a typedef stands for, through all of them: `int` for pid_t. */
function behindTypedefs(type: Type): Type {
  let current = type;
  for (let step = 0; step < LONGEST_TYPEDEF_CHAIN && current.kind === 'typedef'; step++) current = current.target;
  return current;
}

function constant(type: EnumType, value: bigint, radix: 10 | 16): Result {
  return { type: 'declaration', text: `${typeName(type)} = ${value}`, size: undefined, radix };
}

function ofExpression(session: Session, text: string, { radix }: Show): Result {
  const type = typeNamed(session, text) ?? session.typeOf(text);
  return { type: 'declaration', text: typeName(type), size: sizeOf(type), radix };
}

const tagged = /^(struct|union|enum)\b/;

/** `unsigned long`, `struct page *`. */
function typeNamed(session: Session, text: string): Type | undefined {
  try {
    return parseTypeName(text, new GlobalScope(session.kernel));
  } catch (error) {
    if (error instanceof LookupError && /^(0x)?[0-9a-f]{16}$/i.test(text))
      throw new UsageError(`${text} is an address, no name: sym ${text} and kmem ${text} tell what is there`);
    if (error instanceof LookupError && /^\w+$/.test(text))
      throw new LookupError('type or symbol', text, nearestNames(text, namesIn(session)));
    if (error instanceof LookupError && tagged.test(text))
      throw new LookupError(error.what, error.wanted, nearestNames(error.wanted, compoundNames(session)));
    if (error instanceof UsageError || error instanceof LookupError) return undefined;
    throw error;
  }
}

function* namesIn(session: Session): Generator<string> {
  yield* compoundNames(session);
  for (const { name } of session.kernel.symbols.all()) yield name;
}

function sizeRange(text: string): { readonly low: number; readonly high: number } {
  const match = /^(\d+|0x[0-9a-f]+)(?:-(\d+|0x[0-9a-f]+))?$/i.exec(text);
  if (match === null) throw new UsageError(`${text} is no size: a number of bytes, or low-high`);
  const low = Number(match[1]);
  const high = Number(match[2] ?? match[1]);
  if (low > high) throw new UsageError(`${text} is no range of sizes: the lower one stands first`);
  return { low, high };
}
