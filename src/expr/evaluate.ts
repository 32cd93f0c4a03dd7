/**
 * Evaluates C expressions on values of the dump. Nothing is called and nothing is written. A value stays a place in
 * memory as long as C would have it one, so that only what is printed is read.
 */

import { addVirt, virtAddr } from '../base/addr.ts';
import { LookupError, UsageError } from '../base/errors.ts';
import { nearestNames } from '../base/suggest.ts';
import { typeName } from '../debuginfo/types/declaration.ts';
import { findMember, memberNames } from '../debuginfo/types/members.ts';
import { sizeOf, strip, type Type } from '../debuginfo/types/type.ts';
import { addressOfValue, computedValue, elementValue, partOf, scalarOf, valueAt, type Value } from '../values/value.ts';
import { binary, truth, unary } from './arithmetic.ts';
import { pointerTo, unsignedLongType } from './c-types.ts';
import { parseExpression } from './parser.ts';
import type { Scope } from './scope.ts';
import type { Expression, UnaryOperator } from './syntax.ts';

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
      return named(expression.name, scope);
    case 'per-cpu': {
      const found = scope.perCpu(expression.name, expression.cpu);
      if (found === undefined) throw new LookupError('per-CPU variable', expression.name);
      return found;
    }
    case 'history': {
      const found = scope.history(expression.number);
      if (found === undefined) throw new LookupError('earlier value', `$${expression.number ?? ''}`);
      return found;
    }
    case 'unary':
      return applyUnary(expression.operator, at(expression.operand), scope);
    case 'binary':
      return applyBinary(expression, scope);
    case 'conditional':
      return at(isTrue(at(expression.condition), scope) ? expression.whenTrue : expression.whenFalse);
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
      return sizeValue(scope.types.definition(at(expression.operand).type));
    case 'offset-of':
      return computedValue(unsignedLongType, BigInt(offsetIn(expression.type, expression.path)));
    case 'container-of': {
      const address =
        scalarOf(decayed(at(expression.pointer), scope)) - BigInt(offsetIn(expression.type, expression.path));
      return computedValue(pointerTo(expression.type), address);
    }
  }
}

function named(name: string, scope: Scope): Value {
  const variable = scope.variable(name);
  if (variable !== undefined) return variable;
  const enumerator = scope.types.enumerator(name);
  if (enumerator !== undefined) return computedValue(enumerator.type, enumerator.value);
  throw new LookupError('symbol', name, scope.suggestions(name));
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

/** What `*` makes of a value. GDB takes an integer for an address of a long; C does not, and neither is it done here. */
function pointedAt(value: Value, scope: Scope): Value {
  const pointer = decayed(value, scope);
  const type = strip(pointer.type);
  if (type.kind !== 'pointer')
    throw new UsageError(`${typeName(value.type)} is no pointer; a cast makes it one: *(struct page *)0x…`);
  if (strip(type.target).kind === 'void')
    throw new UsageError('a void * points at nothing known; a cast says at what: *(struct page *)…');
  return valueAt(scope.memory, type.target, virtAddr(scalarOf(pointer)));
}

/** `.` and `->` alike, as GDB takes them. */
function memberOf(operand: Value, name: string, scope: Scope): Value {
  const bare = strip(operand.type);
  const value = bare.kind === 'pointer' || bare.kind === 'array' ? pointedAt(operand, scope) : operand;
  const compound = strip(scope.types.definition(value.type));
  if (compound.kind !== 'struct' && compound.kind !== 'union')
    throw new UsageError(`${typeName(value.type)} has no members, so it has no ${name}`);
  const member = findMember(compound, name);
  if (member === undefined) {
    const what = `member of ${compound.kind} ${compound.name ?? '{...}'}`;
    throw new LookupError(what, name, nearestNames(name, memberNames(compound)));
  }
  return partOf(value, member.type, member.offset, member.bitField);
}

function indexed(operand: Value, index: Value, scope: Scope): Value {
  const position = scalarOf(decayed(index, scope));
  const bare = strip(operand.type);
  if (bare.kind === 'array' && operand.place.kind === 'memory') return elementValue(operand, Number(position));
  const pointer = decayed(operand, scope);
  const type = strip(pointer.type);
  if (type.kind !== 'pointer') throw new UsageError(`${typeName(operand.type)} has no elements`);
  const address = addVirt(virtAddr(scalarOf(pointer)), position * BigInt(sizeOf(type.target) || 1));
  return pointedAt(computedValue(pointer.type, address), scope);
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

/** Arrays and functions as pointers: C17 section 6.3.2.1. Pointers know the definition of what they point at. */
function decayed(value: Value, scope: Scope): Value {
  const type = strip(value.type);
  if (type.kind === 'pointer') {
    const target = scope.types.definition(type.target);
    return target === type.target ? value : { ...value, type: pointerTo(target) };
  }
  if (type.kind !== 'array' && type.kind !== 'function') return value;
  const address = addressOfValue(value);
  if (address === undefined) throw new UsageError(`${typeName(value.type)} is nowhere in memory`);
  return computedValue(pointerTo(type.kind === 'array' ? type.element : value.type), address);
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
  return computedValue(unsignedLongType, BigInt(sizeOf(type)));
}

function offsetIn(type: Type, path: string): number {
  const compound = strip(type);
  const member = compound.kind === 'struct' || compound.kind === 'union' ? findMember(compound, path) : undefined;
  if (member === undefined) throw new LookupError('member', `${typeName(type)}.${path}`);
  return member.offset;
}
