/**
 * Arithmetic on addresses, as crash takes it in parentheses: `(linux_banner+0x10)`, `(__per_cpu_load - 8 * 4)`.
 * C's operators + - * / % << >> & ^ | ~ on unsigned 64-bit values; names are symbols. As everywhere, the number an
 * expression begins with is an address, hex with or without 0x; every other is decimal unless it has 0x.
 */

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
 * Undefined where the text is no such arithmetic: then it may be a C expression.
 * @param symbolOf the address of a symbol; undefined where there is none
 */
export function evaluateAddress(text: string, symbolOf: (name: string) => bigint | undefined): bigint | undefined {
  return new Evaluation(text, symbolOf).value();
}

class Evaluation {
  readonly #tokens: readonly string[];
  readonly #symbolOf: (name: string) => bigint | undefined;
  #next = 0;
  #depth = 0;
  #begun = false;

  constructor(text: string, symbolOf: (name: string) => bigint | undefined) {
    this.#tokens = text.match(/<<|>>|[\w.$]+|\S/g) ?? [];
    this.#symbolOf = symbolOf;
  }

  value(): bigint | undefined {
    const value = this.#binary(1);
    return this.#next === this.#tokens.length ? value : undefined;
  }

  #binary(loosest: number): bigint | undefined {
    let left = this.#unary();
    for (;;) {
      const operator = this.#tokens[this.#next] ?? '';
      const strength = precedence[operator];
      if (left === undefined || strength === undefined || strength < loosest) return left;
      this.#next++;
      const right = this.#binary(strength + 1);
      left = right === undefined ? undefined : wrapped(apply(operator, left, right));
    }
  }

  #unary(): bigint | undefined {
    if (++this.#depth > DEEPEST) return undefined;
    const token = this.#tokens[this.#next++] ?? '';
    const value = this.#operand(token);
    this.#depth--;
    return wrapped(value);
  }

  #operand(token: string): bigint | undefined {
    if (token === '-' || token === '~') {
      const operand = this.#unary();
      if (operand === undefined) return undefined;
      return token === '-' ? -operand : ~operand;
    }
    if (token !== '(') return this.#term(token);
    const inner = this.#binary(1);
    return this.#tokens[this.#next++] === ')' ? inner : undefined;
  }

  #term(token: string): bigint | undefined {
    const first = !this.#begun;
    this.#begun = true;
    const symbol = /^[A-Za-z_.$]/.test(token) ? this.#symbolOf(token) : undefined;
    if (symbol !== undefined) return symbol;
    if (/^0x[0-9a-f]{1,16}$/i.test(token)) return BigInt(token.toLowerCase());
    if (first) return /^[0-9a-f]{1,16}$/i.test(token) ? BigInt(`0x${token}`) : undefined;
    return /^\d{1,20}$/.test(token) ? BigInt(token) : undefined;
  }
}

function wrapped(value: bigint | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt.asUintN(64, value);
}

function apply(operator: string, left: bigint, right: bigint): bigint | undefined {
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
      if (right === 0n) return undefined;
      return operator === '/' ? left / right : left % right;
  }
}
