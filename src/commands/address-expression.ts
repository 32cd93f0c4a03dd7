/**
 * Arithmetic on addresses, as crash takes it in parentheses: `(linux_banner+0x10)`, `(__per_cpu_load - 8 * 4)`.
 * C's operators + - * / % << >> & ^ | ~ on unsigned 64-bit values; names are symbols. As everywhere, the number an
 * expression begins with is an address, hex with or without 0x; every other is decimal unless it has 0x.
 */

import { UsageError } from '../base/errors.ts';

/** From loosest to tightest. */
const precedence: Readonly<Record<string, number>> = {
  '|': 1,
  '^': 2,
  '&': 3,
  '<<': 4,
  '>>': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
};
const DEEPEST = 64;

/**
 * @param symbolOf the address of a symbol; undefined where there is none
 * @throws UsageError where the text is no expression, or a name in it no symbol
 */
export function evaluateAddress(text: string, symbolOf: (name: string) => bigint | undefined): bigint {
  return new Evaluation(text, symbolOf).value();
}

class Evaluation {
  readonly #text: string;
  readonly #tokens: readonly string[];
  readonly #symbolOf: (name: string) => bigint | undefined;
  #next = 0;
  #depth = 0;
  #begun = false;

  constructor(text: string, symbolOf: (name: string) => bigint | undefined) {
    this.#text = text;
    this.#tokens = text.match(/<<|>>|[\w.$]+|\S/g) ?? [];
    this.#symbolOf = symbolOf;
  }

  value(): bigint {
    const value = this.#binary(1);
    const rest = this.#tokens[this.#next];
    if (rest !== undefined) throw this.#error(`"${rest}" is not understood there`);
    return value;
  }

  #binary(loosest: number): bigint {
    let left = this.#unary();
    for (;;) {
      const operator = this.#tokens[this.#next] ?? '';
      const strength = precedence[operator];
      if (strength === undefined || strength < loosest) return left;
      this.#next++;
      const right = this.#binary(strength + 1);
      left = BigInt.asUintN(64, this.#apply(operator, left, right));
    }
  }

  #unary(): bigint {
    if (++this.#depth > DEEPEST) throw this.#error('it is nested too deeply');
    const token = this.#tokens[this.#next++];
    let value: bigint;
    if (token === undefined) throw this.#error('it ends too early');
    if (token === '-') value = -this.#unary();
    else if (token === '~') value = ~this.#unary();
    else if (token === '(') {
      value = this.#binary(1);
      if (this.#tokens[this.#next++] !== ')') throw this.#error('a ")" is missing');
    } else value = this.#term(token);
    this.#depth--;
    return BigInt.asUintN(64, value);
  }

  #term(token: string): bigint {
    const first = !this.#begun;
    this.#begun = true;
    const symbol = /^[A-Za-z_.$]/.test(token) ? this.#symbolOf(token) : undefined;
    if (symbol !== undefined) return symbol;
    if (/^0x[0-9a-f]{1,16}$/i.test(token)) return BigInt(token.toLowerCase());
    if (first ? /^[0-9a-f]{1,16}$/i.test(token) : /^\d{1,20}$/.test(token)) return BigInt(first ? `0x${token}` : token);
    if (/^[0-9a-f]+$/i.test(token))
      throw this.#error(`${token} is no symbol; as a hexadecimal number it is 0x${token}`);
    throw this.#error(/^\w/.test(token) ? `${token} is no symbol and no number` : `"${token}" is not understood there`);
  }

  #apply(operator: string, left: bigint, right: bigint): bigint {
    switch (operator) {
      case '+':
        return left + right;
      case '-':
        return left - right;
      case '*':
        return left * right;
      case '&':
        return left & right;
      case '|':
        return left | right;
      case '^':
        return left ^ right;
      case '<<':
        return right > 63n ? 0n : left << right;
      case '>>':
        return right > 63n ? 0n : left >> right;
      default:
        if (right === 0n) throw this.#error('it divides by zero');
        return operator === '/' ? left / right : left % right;
    }
  }

  #error(what: string): UsageError {
    return new UsageError(`(${this.#text}): ${what}`);
  }
}
