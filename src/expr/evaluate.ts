/**
 * Evaluates C expressions on values of the dump. Nothing is called and nothing is written. A value stays a place in
 * memory as long as C would have it one, so that only what is printed is read.
 */

import { virtAddr } from '../base/addr.ts';
import { LookupError, UsageError } from '../base/errors.ts';
import { typeName } from '../debuginfo/types/declaration.ts';
import { findMember } from '../debuginfo/types/members.ts';
import { LARGEST_SIZE, sizeOf, strip, voidType, type Type } from '../debuginfo/types/type.ts';
import { addressOfValue, computedValue, partOf, scalarOf, valueAt, type Value } from '../values/value.ts';
import { binary, conditionalType, stride, truth, unary } from './arithmetic.ts';
import { pointerTo, unsignedLongType } from './c-types.ts';
import { namedValue } from './names.ts';
import { parseExpression } from './parser.ts';
import type { Scope } from './scope.ts';
import type { Expression, UnaryOperator } from './syntax.ts';
import { decayedType, memberOfType, NO_POINTER, pointeeOf, typeOf } from './type-of.ts';

/**
 * @throws UsageError where the text is no expression or C does not allow it
 * @throws LookupError for names, types and members that are not there
 * @throws FaultError where memory that is needed on the way cannot be read
 */
export function evaluateText(text: string, scope: Scope): Value {
  return evaluate(parseExpression(text, scope), scope);
}

export function evaluate(expression: Expression, scope: Scope): Value {
  const at = (inner: Expression): Value => evaluate(inner, scope);
  switch (expression.kind) {
    case 'integer':
      return computedValue(expression.type, expression.value);
    case 'name':
    case 'per-cpu':
    case 'history':
      return namedValue(expression, scope);
    case 'unary':
      return addressOfUntyped(expression, scope) ?? applyUnary(expression.operator, at(expression.operand), scope);
    case 'binary':
      return applyBinary(expression, scope);
    case 'conditional':
      return conditional(expression, scope);
    case 'member':
      return memberOf(at(expression.operand), expression.name, scope);
    case 'index':
      return indexed(at(expression.operand), at(expression.index), scope);
    case 'cast':
      return cast(at(expression.operand), expression.type, scope);
    case 'object':
      return valueAt(scope.memory, expression.type, virtAddr(scalarOf(decayed(at(expression.address), scope))));
    case 'size-of-type':
      return sizeValue(scope.types.definition(expression.type));
    case 'size-of':
      return sizeValue(scope.types.definition(typeOf(expression.operand, scope).type));
    case 'offset-of':
      return computedValue(unsignedLongType, BigInt(offsetIn(expression.type, expression.path, scope)));
    case 'container-of': {
      const address =
        scalarOf(decayed(at(expression.pointer), scope)) - BigInt(offsetIn(expression.type, expression.path, scope));
      return computedValue(pointerTo(expression.type), address);
    }
  }
}

/** The branch that is not taken has its say in the type, as in C: `1 ? -1 : 0U` is an unsigned int. */
function conditional(
  { condition, whenTrue, whenFalse }: Extract<Expression, { kind: 'conditional' }>,
  scope: Scope,
): Value {
  const holds = isTrue(evaluate(condition, scope), scope);
  const value = evaluate(holds ? whenTrue : whenFalse, scope);
  const other = decayedType(typeOf(holds ? whenFalse : whenTrue, scope), scope);
  const type = conditionalType(decayedType(value, scope), other);
  return type === undefined ? value : computedValue(type, scalarOf(decayed(value, scope)));
}

/** `&name` of what has no type, as GDB takes it: a void *. */
function addressOfUntyped(
  { operator, operand }: Extract<Expression, { kind: 'unary' }>,
  scope: Scope,
): Value | undefined {
  const address = operator === '&' && operand.kind === 'name' ? scope.untyped(operand.name) : undefined;
  return address === undefined ? undefined : computedValue(pointerTo(voidType), address);
}

function applyUnary(operator: UnaryOperator, operand: Value, scope: Scope): Value {
  switch (operator) {
    case '*':
      return pointedAt(operand, scope);
    case '&': {
      const address = addressOfValue(operand);
      if (address === undefined) throw new UsageError(`a value of type ${typeName(operand.type)} has no address here`);
      return computedValue(pointerTo(operand.type), address);
    }
    case '!':
      return truth(!isTrue(operand, scope));
    case '-':
    case '+':
    case '~':
      return unary(operator, decayed(operand, scope));
  }
}

function applyBinary(expression: Extract<Expression, { kind: 'binary' }>, scope: Scope): Value {
  const { operator } = expression;
  const left = evaluate(expression.left, scope);
  if (operator === '&&') return truth(isTrue(left, scope) && isTrue(evaluate(expression.right, scope), scope));
  if (operator === '||') return truth(isTrue(left, scope) || isTrue(evaluate(expression.right, scope), scope));
  const right = evaluate(expression.right, scope);
  if (operator === ',') return right;
  if (operator === '@') return repeated(left, right, scope);
  return binary(operator, decayed(left, scope), decayed(right, scope));
}

const MOST_REPEATED = 1 << 20;

/** `object@count`: as many as that one after another. */
function repeated(first: Value, count: Value, scope: Scope): Value {
  const wanted = scalarOf(decayed(count, scope));
  if (addressOfValue(first) === undefined) throw new UsageError('what stands before @ must be in memory');
  if (wanted < 1n || wanted > MOST_REPEATED) throw new UsageError(`@ takes a count from 1 to ${MOST_REPEATED}`);
  return { ...first, type: { kind: 'array', element: first.type, count: Number(wanted) } };
}

/** What `*` makes of a value. */
function pointedAt(value: Value, scope: Scope, otherwise: string = NO_POINTER): Value {
  const type = pointeeOf(value, scope, otherwise);
  return valueAt(scope.memory, type, virtAddr(scalarOf(decayed(value, scope))));
}

function memberOf(operand: Value, name: string, scope: Scope): Value {
  const { kind } = strip(operand.type);
  const member = memberOfType(operand, name, scope);
  const value = kind === 'pointer' || kind === 'array' ? pointedAt(operand, scope) : operand;
  return partOf(value, member.type, member.offset, member.bitField);
}

/** C does not check the index, and kernel arrays of one element are often longer. */
function indexed(operand: Value, index: Value, scope: Scope): Value {
  const element = pointeeOf(operand, scope, 'has no elements');
  const pointer = decayed(operand, scope);
  const position = binary('+', computedValue(unsignedLongType, 0n), decayed(index, scope));
  const address = scalarOf(pointer) + scalarOf(position) * stride({ kind: 'pointer', size: 8, target: element });
  const space = operand.place.kind === 'memory' && strip(operand.type).kind === 'array' ? operand.place.space : scope.memory; // prettier-ignore
  return valueAt(space, element, virtAddr(address));
}

function cast(value: Value, type: Type, scope: Scope): Value {
  const target = strip(type);
  const source = decayed(value, scope);
  switch (target.kind) {
    case 'void':
      return source;
    case 'int':
      return computedValue(type, target.encoding === 'bool' ? (isTrue(source, scope) ? 1n : 0n) : scalarOf(source));
    case 'enum':
    case 'pointer':
      return computedValue(type, scalarOf(source));
    case 'struct':
    case 'union':
    case 'array':
      if (strip(value.type).kind === target.kind && addressOfValue(value) !== undefined) return { ...value, type };
      throw new UsageError(
        `${typeName(value.type)} cannot be cast to ${typeName(type)}; a pointer can: *(${typeName(type)} *)…`,
      );
    case 'float':
    case 'function':
      throw new UsageError(`nothing can be cast to ${typeName(type)}`);
  }
}

/** Arrays and functions as pointers to where they are. */
function decayed(value: Value, scope: Scope): Value {
  const { kind } = strip(value.type);
  const { type } = decayedType(value, scope);
  if (type === value.type) return value;
  if (kind === 'pointer') return { ...value, type };
  const address = addressOfValue(value);
  if (address === undefined) throw new UsageError(`${typeName(value.type)} is nowhere in memory`);
  return computedValue(type, address);
}

function isTrue(value: Value, scope: Scope): boolean {
  const scalar = decayed(value, scope);
  const { kind } = strip(scalar.type);
  if (kind === 'struct' || kind === 'union') throw new UsageError(`${typeName(value.type)} is neither true nor false`);
  return scalarOf(scalar) !== 0n;
}

function sizeValue(type: Type): Value {
  const bare = strip(type);
  if ((bare.kind === 'struct' || bare.kind === 'union') && !bare.complete)
    throw new LookupError('definition', typeName(bare));
  const size = bare.kind === 'void' || bare.kind === 'function' ? 1 : sizeOf(bare);
  if (size >= LARGEST_SIZE) throw new UsageError(`${typeName(type)} is larger than any memory`);
  return computedValue(unsignedLongType, BigInt(size));
}

function offsetIn(type: Type, path: string, scope: Scope): number {
  const compound = strip(scope.types.definition(type));
  const member = compound.kind === 'struct' || compound.kind === 'union' ? findMember(compound, path) : undefined;
  if (member === undefined) throw new LookupError('member', `${typeName(type)}.${path}`);
  return member.offset;
}
