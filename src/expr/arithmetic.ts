/** C's operators on integers and pointers: C17 sections 6.5.5 to 6.5.15. Results wrap as those of a 64-bit kernel do. */

import { UsageError } from '../base/errors.ts';
import { typeName } from '../debuginfo/types/declaration.ts';
import { sizeOf, strip, type IntType, type PointerType, type Type } from '../debuginfo/types/type.ts';
import { computedValue, scalarOf, type Value } from '../values/value.ts';
import { commonType, intType, longType, promoted, type Typed } from './c-types.ts';
import type { BinaryOperator } from './syntax.ts';

export type Arithmetic = Exclude<BinaryOperator, ',' | '@' | '&&' | '||'>;
type Sign = '-' | '+' | '~';

/** Both operands decayed: no arrays or functions are left. */
export function binary(operator: Arithmetic, left: Value, right: Value): Value {
  const type = binaryType(operator, left, right);
  const a = strip(left.type);
  const b = strip(right.type);
  if (operator === '-' && a.kind === 'pointer' && b.kind === 'pointer') return distance(left, right, a);
  const result = strip(type);
  if (result.kind === 'pointer') return moved(result, type, operator, left, right);
  const shift = operator === '<<' || operator === '>>';
  const common = shift ? arithmeticType(left, operator) : commonOf(operator, left, right);
  const x = inType(common, scalarOf(left));
  const y = shift ? scalarOf(right) : inType(common, scalarOf(right));
  return isComparison(operator) ? truth(compare(operator, x, y)) : computedValue(type, compute(operator, x, y, common));
}

/** The type of the result. Throws UsageError where C does not allow the operation. */
export function binaryType(operator: Arithmetic, left: Typed, right: Typed): Type {
  const a = strip(left.type).kind === 'pointer';
  const b = strip(right.type).kind === 'pointer';
  if ((a || b) && (operator === '+' || operator === '-')) {
    if (a && b && operator === '-') return longType;
    if (a && b) throw new UsageError(`${typeName(left.type)} and ${typeName(right.type)} cannot be added`);
    if (b && operator === '-') throw new UsageError(`${typeName(right.type)} cannot be taken from a number`);
    arithmeticType(a ? right : left, operator);
    return (a ? left : right).type;
  }
  const common = commonOf(operator, left, right);
  if (isComparison(operator)) return intType;
  return operator === '<<' || operator === '>>' ? arithmeticType(left, operator) : common;
}

export function unary(operator: Sign, operand: Value): Value {
  const value = scalarOf(operand);
  return computedValue(unaryType(operator, operand), operator === '-' ? -value : operator === '~' ? ~value : value);
}

export function unaryType(operator: Sign, operand: Typed): IntType {
  return arithmeticType(operand, operator);
}

/** What both branches of `?:` become; undefined where each stays what it is. */
export function conditionalType(one: Typed, other: Typed): Type | undefined {
  const a = promoted(one);
  const b = promoted(other);
  if (a === undefined || b === undefined) return undefined;
  const pointers = [one, other].filter(({ type }) => strip(type).kind === 'pointer');
  if (pointers.length > 0) return pointers.length === 1 ? pointers[0]?.type : undefined;
  return strip(one.type) === strip(other.type) && strip(one.type).kind === 'enum' ? undefined : commonType(a, b);
}

/** 1 or 0, an int. */
export function truth(value: boolean): Value {
  return computedValue(intType, value ? 1n : 0n);
}

/** How far apart two objects of a type are. As GCC and GDB do, a void and a function take one byte. */
export function stride(type: PointerType): bigint {
  const target = strip(type.target);
  if (target.kind === 'void' || target.kind === 'function') return 1n;
  if ((target.kind === 'struct' || target.kind === 'union') && !target.complete)
    throw new UsageError(`nothing tells how large ${typeName(target)} is`);
  return BigInt(sizeOf(target));
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

function moved(pointer: PointerType, type: Type, operator: Arithmetic, left: Value, right: Value): Value {
  const [base, count] = strip(left.type).kind === 'pointer' ? [left, right] : [right, left];
  const step = scalarOf(count) * stride(pointer);
  return computedValue(type, scalarOf(base) + (operator === '-' ? -step : step));
}

function distance(left: Value, right: Value, type: PointerType): Value {
  const size = stride(type);
  if (size === 0n) throw new UsageError(`${typeName(type.target)} takes no room: no number of them lies between`);
  return computedValue(longType, BigInt.asIntN(64, scalarOf(left) - scalarOf(right)) / size);
}

function commonOf(operator: Arithmetic, left: Typed, right: Typed): IntType {
  return commonType(arithmeticType(left, operator), arithmeticType(right, operator));
}

function arithmeticType(operand: Typed, operator: string): IntType {
  const found = promoted(operand);
  if (found === undefined) throw new UsageError(`${typeName(operand.type)} takes no ${operator}`);
  return found;
}

function inType(type: IntType, value: bigint): bigint {
  return type.signed ? BigInt.asIntN(type.size * 8, value) : BigInt.asUintN(type.size * 8, value);
}
