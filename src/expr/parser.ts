/**
 * C expressions, by precedence (a Pratt parser): C17 section 6.5, without assignment and calls. GDB's additions: `@`
 * makes an array of what lies behind a value, `{type} address`, `$1`. The kernel's own sizeof-like macros, too:
 * `offsetof`, `container_of`, `per_cpu`.
 *
 * Invariant: recursion is bounded, so no text can exhaust the stack.
 */

import { UsageError } from '../base/errors.ts';
import { charType, constantType } from './c-types.ts';
import type { Type } from '../debuginfo/types/type.ts';
import type { Scope } from './scope.ts';
import type { BinaryOperator, Expression, UnaryOperator } from './syntax.ts';
import { tokenize, type Token } from './token.ts';
import { beginsType, parseType } from './type-parser.ts';

const DEEPEST_NESTING = 200;

/** How tight a binary operator binds; `@` between the shifts and the sums, as in GDB. */
const precedence: Readonly<Record<BinaryOperator, number>> = {
  ',': 1, '||': 3, '&&': 4, '|': 5, '^': 6, '&': 7, '==': 8, '!=': 8, '<': 9, '<=': 9, '>': 9, '>=': 9,
  '<<': 10, '>>': 10, '@': 11, '+': 12, '-': 12, '*': 13, '/': 13, '%': 13,
}; // prettier-ignore
const CONDITIONAL = 2;
const assignments = new Set(['=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>=', '++', '--']);

/** @throws UsageError where the text is no expression, with the column; LookupError for types that are not there */
export function parseExpression(text: string, scope: Scope): Expression {
  const parser = new Parser(text, scope);
  const expression = parser.expression(0);
  parser.expectEnd();
  return expression;
}

/** A type name alone. Throws UsageError where the text is none, LookupError where the type is not known. */
export function parseTypeName(text: string, scope: Scope): Type {
  const parser = new Parser(text, scope);
  const type = parseType(parser);
  parser.expectEnd();
  return type;
}

/** The tokens of one text, taken one after another. */
export class Parser {
  readonly text: string;
  readonly scope: Scope;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(text: string, scope: Scope) {
    this.text = text;
    this.scope = scope;
    this.#tokens = tokenize(text);
  }

  /** Of the next token; set to go back or on. */
  get position(): number {
    return this.#next;
  }

  set position(next: number) {
    this.#next = next;
  }

  peek(ahead = 0): Token {
    const last = this.#tokens.at(-1);
    const token = this.#tokens[this.#next + ahead] ?? last;
    if (token === undefined) throw new UsageError('an expression is wanted');
    return token;
  }

  take(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.#next++;
    return token;
  }

  /** Takes an operator where it comes next. */
  accept(operator: string): boolean {
    const token = this.peek();
    if (token.kind !== 'operator' || token.text !== operator) return false;
    this.#next++;
    return true;
  }

  expect(operator: string): void {
    if (!this.accept(operator)) this.fail(`"${operator}" is wanted`);
  }

  expectName(what: string): string {
    const token = this.peek();
    if (token.kind !== 'name') this.fail(`${what} is wanted`);
    this.#next++;
    return token.text;
  }

  expectEnd(): void {
    const token = this.peek();
    if (token.kind === 'end') return;
    if (token.text === '(') this.fail('functions of a dead kernel cannot be called');
    this.fail('the expression should end');
  }

  /** A constant that counts or numbers something. */
  expectCount(what: string): number {
    const token = this.peek();
    if (token.kind !== 'number') this.fail(`${what} is wanted`);
    const count = Number(constantValue(token.text));
    if (!Number.isSafeInteger(count)) this.fail('no such large number is possible');
    this.#next++;
    return count;
  }

  fail(message: string): never {
    const token = this.peek();
    const found = token.kind === 'end' ? 'at the end' : `at "${token.text}", column ${token.at + 1}`;
    throw new UsageError(`${message} ${found} of "${this.text}"`);
  }

  expression(least: number): Expression {
    if (++this.#depth > DEEPEST_NESTING) throw new UsageError('the expression is nested too deep');
    let left = this.#prefix();
    for (;;) {
      const { kind, text } = this.peek();
      if (kind !== 'operator') break;
      if (assignments.has(text)) this.fail('a dump is only read: there is no assignment');
      if (text === '?' && CONDITIONAL >= least) {
        left = this.#conditional(left);
        continue;
      }
      if (!isBinary(text) || precedence[text] < least) break;
      this.#next++;
      left = { kind: 'binary', operator: text, left, right: this.expression(precedence[text] + 1) };
    }
    this.#depth--;
    return left;
  }

  #conditional(condition: Expression): Expression {
    this.expect('?');
    const whenTrue = this.expression(0);
    this.expect(':');
    return { kind: 'conditional', condition, whenTrue, whenFalse: this.expression(CONDITIONAL) };
  }

  #prefix(): Expression {
    const token = this.peek();
    if (token.kind === 'operator') {
      if (assignments.has(token.text)) this.fail('a dump is only read: there is no assignment');
      if (isUnary(token.text)) {
        this.#next++;
        return { kind: 'unary', operator: token.text, operand: this.#operand() };
      }
      if (token.text === '{') return this.#object();
      if (token.text === '(' && beginsType(this, 1)) return this.#cast();
    }
    if (token.kind === 'name' && token.text === 'sizeof') return this.#sizeOf();
    return this.#postfix(this.#primary());
  }

  /** What a unary operator or cast stands before. */
  #operand(): Expression {
    if (++this.#depth > DEEPEST_NESTING) throw new UsageError('the expression is nested too deep');
    const operand = this.#prefix();
    this.#depth--;
    return operand;
  }

  #cast(): Expression {
    this.expect('(');
    const type = parseType(this);
    this.expect(')');
    return { kind: 'cast', type, operand: this.#operand() };
  }

  #object(): Expression {
    this.expect('{');
    const type = parseType(this);
    this.expect('}');
    return { kind: 'object', type, address: this.#operand() };
  }

  #sizeOf(): Expression {
    this.take();
    if (this.peek().text === '(' && beginsType(this, 1)) {
      this.expect('(');
      const type = parseType(this);
      this.expect(')');
      return { kind: 'size-of-type', type };
    }
    return { kind: 'size-of', operand: this.#operand() };
  }

  #primary(): Expression {
    const token = this.peek();
    switch (token.kind) {
      case 'number':
        this.#next++;
        return constant(token.text);
      case 'character':
        this.#next++;
        return { kind: 'integer', value: this.#character(token.text), type: charType };
      case 'history':
        this.#next++;
        return { kind: 'history', number: historyNumber(token.text) };
      case 'name':
        return this.#name();
      case 'operator': {
        if (!this.accept('(')) this.fail('a value is wanted');
        const inner = this.expression(0);
        this.expect(')');
        return inner;
      }
      case 'end':
        return this.fail('a value is wanted');
    }
  }

  #name(): Expression {
    const { text: name, at } = this.take();
    if (this.peek().text === '(' && name in macros) return macros[name as keyof typeof macros](this);
    const colon = this.peek();
    if (
      colon.text === ':' &&
      colon.at === at + name.length &&
      this.peek(1).kind === 'number' &&
      this.scope.isPerCpu(name)
    ) {
      this.#next++;
      return { kind: 'per-cpu', name, cpu: this.expectCount('the number of a CPU') };
    }
    return { kind: 'name', name };
  }

  #postfix(operand: Expression): Expression {
    let left = operand;
    for (;;) {
      if (this.accept('.') || this.accept('->'))
        left = { kind: 'member', operand: left, name: this.expectName('a member') };
      else if (this.accept('[')) {
        left = { kind: 'index', operand: left, index: this.expression(0) };
        this.expect(']');
      } else return left;
    }
  }

  #character(quoted: string): bigint {
    const inner = quoted.slice(1, -1);
    const escaped = /^\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))$/.exec(inner);
    if (escaped !== null) {
      const [, hexadecimal, octal, letter = ''] = escaped;
      if (hexadecimal !== undefined) return BigInt(`0x${hexadecimal}`);
      if (octal !== undefined) return BigInt(`0o${octal}`);
      const code = escapes[letter] ?? (/[\\'"?]/.test(letter) ? letter.charCodeAt(0) : undefined);
      if (code === undefined) throw new UsageError(`${quoted} is no character that C knows`);
      return BigInt(code);
    }
    if (inner.length !== 1 || inner.charCodeAt(0) > 0x7f) throw new UsageError(`${quoted} is no character of one byte`);
    return BigInt(inner.charCodeAt(0));
  }
}

/** C17 section 6.4.4.4, and GNU's `\\e`. */
const escapes: Readonly<Record<string, number>> = { a: 7, b: 8, e: 27, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** What looks like a call and is none. */
const macros = {
  offsetof(parser: Parser): Expression {
    parser.expect('(');
    const type = parseType(parser);
    parser.expect(',');
    const path = memberPath(parser);
    parser.expect(')');
    return { kind: 'offset-of', type, path };
  },
  container_of(parser: Parser): Expression {
    parser.expect('(');
    const pointer = parser.expression(precedence[','] + 1);
    parser.expect(',');
    const type = parseType(parser);
    parser.expect(',');
    const path = memberPath(parser);
    parser.expect(')');
    return { kind: 'container-of', pointer, type, path };
  },
  per_cpu(parser: Parser): Expression {
    parser.expect('(');
    const name = parser.expectName('a per-CPU variable');
    parser.expect(',');
    const cpu = parser.expectCount('the number of a CPU');
    parser.expect(')');
    return { kind: 'per-cpu', name, cpu };
  },
};

/** `se.run_node`, `pids[2].node`. */
function memberPath(parser: Parser): string {
  let path = parser.expectName('a member');
  for (;;) {
    if (parser.accept('.')) path += `.${parser.expectName('a member')}`;
    else if (parser.accept('[')) {
      path += `[${parser.expectCount('an index')}]`;
      parser.expect(']');
    } else return path;
  }
}

function historyNumber(text: string): number {
  if (text === '$$') return -1;
  return text.startsWith('$$') ? -Number(text.slice(2)) : Number(text.slice(1));
}

function constant(text: string): Expression {
  const value = constantValue(text);
  const suffix = /[ul]*$/i.exec(text)?.[0] ?? '';
  return { kind: 'integer', value, type: constantType(value, !text.startsWith('0'), suffix) };
}

function constantValue(text: string): bigint {
  const digits = text.replace(/[ul]*$/i, '');
  const octal = /^0\d+$/.test(digits);
  if (octal && /[89]/.test(digits)) throw new UsageError(`${text} is no octal number`);
  const value = BigInt(octal ? `0o${digits.slice(1)}` : digits);
  if (value >= 1n << 64n) throw new UsageError(`${text} does not fit 64 bits`);
  return value;
}

function isBinary(text: string): text is BinaryOperator {
  return Object.hasOwn(precedence, text);
}

function isUnary(text: string): text is UnaryOperator {
  return ['*', '&', '-', '+', '!', '~'].includes(text);
}
