/** C's operators on integers and pointers: C17 sections 6.5.5 to 6.5.14. Results wrap as those of a 64-bit kernel do. */

import { UsageError } from '../base/errors.ts';
import { typeName } from '../debuginfo/types/declaration.ts';
import { sizeOf, strip, type IntType, type PointerType, type Type } from '../debuginfo/types/type.ts';
import { computedValue, scalarOf, type Value } from '../values/value.ts';
import { commonType, intType, longType, promoted } from './c-types.ts';
import type { BinaryOperator } from './syntax.ts';

type Arithmetic = Exclude<BinaryOperator, ',' | '@' | '&&' | '||'>;

/** Both operands decayed: no arrays or functions are left. */
export function binary(operator: Arithmetic, left: Value, right: Value): Value {
  const a = strip(left.type);
  const b = strip(right.type);
  if (operator === '+' && a.kind === 'pointer') return moved(left, a, scalarOf(right));
  if (operator === '+' && b.kind === 'pointer') return moved(right, b, scalarOf(left));
  if (operator === '-' && a.kind === 'pointer' && b.kind === 'pointer')
    return computedValue(longType, BigInt.asIntN(64, scalarOf(left) - scalarOf(right)) / stride(a));
  if (operator === '-' && a.kind === 'pointer') return moved(left, a, -scalarOf(right));
  const type = commonType(arithmeticType(left.type, operator), arithmeticType(right.type, operator));
  const shift = operator === '<<' || operator === '>>';
  const resultType = shift ? arithmeticType(left.type, operator) : type;
  const x = inType(resultType, scalarOf(left));
  const y = shift ? scalarOf(right) : inType(type, scalarOf(right));
  return isComparison(operator)
    ? truth(compare(operator, x, y))
    : computedValue(resultType, compute(operator, x, y, resultType));
}

export function unary(operator: '-' | '+' | '~', operand: Value): Value {
  const type = arithmeticType(operand.type, operator);
  const value = scalarOf(operand);
  return computedValue(type, operator === '-' ? -value : operator === '~' ? ~value : value);
}

/** 1 or 0, an int. */
export function truth(value: boolean): Value {
  return computedValue(intType, value ? 1n : 0n);
}

function compute(operator: Arithmetic, x: bigint, y: bigint, type: IntType): bigint {
  switch (operator) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '/':
    case '%':
      if (y === 0n) throw new UsageError('division by zero');
      return operator === '/' ? x / y : x % y;
    case '&':
      return x & y;
    case '|':
      return x | y;
    case '^':
      return x ^ y;
    case '<<':
    case '>>': {
      if (y < 0n || y >= BigInt(type.size * 8)) throw new UsageError(`a shift by ${y} of ${type.size * 8} bits`);
      return operator === '<<' ? x << y : x >> y;
    }
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '==':
    case '!=':
      return compare(operator, x, y) ? 1n : 0n;
  }
}

type Comparison = '<' | '<=' | '>' | '>=' | '==' | '!=';

function isComparison(operator: Arithmetic): operator is Comparison {
  return ['<', '<=', '>', '>=', '==', '!='].includes(operator);
}

function compare(operator: Comparison, x: bigint, y: bigint): boolean {
  switch (operator) {
    case '<':
      return x < y;
    case '<=':
      return x <= y;
    case '>':
      return x > y;
    case '>=':
      return x >= y;
    case '==':
      return x === y;
    case '!=':
      return x !== y;
  }
}

function moved(pointer: Value, type: PointerType, count: bigint): Value {
  return computedValue(pointer.type, scalarOf(pointer) + count * stride(type));
}

/** As GCC and GDB do, a void and a function take one byte. */
function stride(type: PointerType): bigint {
  return BigInt(sizeOf(type.target) || 1);
}

function arithmeticType(type: Type, operator: string): IntType {
  const found = promoted(type);
  if (found === undefined) throw new UsageError(`${typeName(type)} takes no ${operator}`);
  return found;
}

function inType(type: IntType, value: bigint): bigint {
  return type.signed ? BigInt.asIntN(type.size * 8, value) : BigInt.asUintN(type.size * 8, value);
}
