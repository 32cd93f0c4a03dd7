/** The tokens of C expressions: C17 section 6.4, with GDB's `@`, `$1`, `$rdi` and `name:cpu`. */

import { UsageError } from '../base/errors.ts';

export interface Token {
  readonly kind: 'number' | 'character' | 'name' | 'history' | 'operator' | 'end';
  readonly text: string;
  /** From 0. */
  readonly at: number;
}

/** Longest first, so that the first that fits is meant. */
const operators = [
  '<<=', '>>=', '...',
  '->', '++', '--', '<<', '>>', '<=', '>=', '==', '!=', '&&', '||', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=',
  '+', '-', '*', '/', '%', '&', '|', '^', '~', '!', '<', '>', '=', '?', ':', ',', '.', '(', ')', '[', ']', '{', '}', '@',
]; // prettier-ignore

const patterns: readonly (readonly [Token['kind'], RegExp])[] = [
  ['number', /(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*(?![\w.])/y],
  ['character', /'(?:[^'\\]|\\.)+'/y],
  // GCC's clones have a number, or are cold: `disk.part0` is a member.
  ['name', /[A-Za-z_][A-Za-z0-9_]*(?:\.(?:isra|constprop|part|llvm)\.\d+(?!\w)|\.cold(?!\w))*/y],
  ['name', /\$[a-z][a-z0-9]*/y],
  ['history', /\$\$?\d*(?!\w)/y],
];

/** In characters: what bounds the recursion of everything that reads an expression. */
const LONGEST_EXPRESSION = 4096;

/** @throws UsageError where a character begins no token */
export function tokenize(text: string): Token[] {
  if (text.length > LONGEST_EXPRESSION) throw new UsageError('the expression is too long');
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at] ?? '')) {
      at++;
      continue;
    }
    const token = tokenAt(text, at);
    tokens.push(token);
    at += token.text.length;
  }
  tokens.push({ kind: 'end', text: '', at });
  return tokens;
}

function tokenAt(text: string, at: number): Token {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) return { kind, text: match[0], at };
  }
  const operator = operators.find((candidate) => text.startsWith(candidate, at));
  if (operator !== undefined) return { kind: 'operator', text: operator, at };
  const word = /^(?:"[^"]{1,20}"|\S{1,20})/.exec(text.slice(at))?.[0] ?? '';
  const hint = /^\d/.test(word)
    ? 'is no number (hexadecimal begins with 0x)'
    : word.startsWith('"')
      ? 'is a text, for which a dump has no place'
      : 'has no meaning in an expression';
  throw new UsageError(`${word.startsWith('"') ? word : `"${word}"`} ${hint}: column ${at + 1} of "${text}"`);
}
