/**
 * The type of an expression, without its value: what `sizeof`, `whatis` and the branch of `?:` that is not taken ask
 * for. As in C nothing is evaluated, so no memory is read: `sizeof(((struct page *)0)->mapping->i_pages)` has an answer.
 */

import { LookupError, UsageError } from '../base/errors.ts';
import { nearestNames } from '../base/suggest.ts';
import { typeName } from '../debuginfo/types/declaration.ts';
import { findMember, memberNames, type FoundMember } from '../debuginfo/types/members.ts';
import { strip, voidType, type Type } from '../debuginfo/types/type.ts';
import { binaryType, conditionalType, unaryType } from './arithmetic.ts';
import { intType, pointerTo, unsignedLongType, type Typed } from './c-types.ts';
import { namedValue } from './names.ts';
import { parseExpression } from './parser.ts';
import type { Scope } from './scope.ts';
import type { Expression } from './syntax.ts';

/** @throws UsageError, LookupError as the evaluation would */
export function typeOfText(text: string, scope: Scope): Type {
  return typeOf(parseExpression(text, scope), scope).type;
}

export function typeOf(expression: Expression, scope: Scope): Typed {
  const of = (inner: Expression): Typed => typeOf(inner, scope);
  switch (expression.kind) {
    case 'name':
    case 'per-cpu':
    case 'history':
      return namedValue(expression, scope);
    case 'integer':
    case 'cast':
    case 'object':
      return plain(expression.type);
    case 'unary':
      return typeOfUnary(expression, scope);
    case 'binary':
      return typeOfBinary(expression, scope);
    case 'conditional':
      return typeOfConditional(of(expression.whenTrue), of(expression.whenFalse), scope);
    case 'member':
      return memberOfType(of(expression.operand), expression.name, scope);
    case 'index':
      return plain(pointeeOf(of(expression.operand), scope, 'has no elements'));
    case 'size-of-type':
    case 'size-of':
    case 'offset-of':
      return plain(unsignedLongType);
    case 'container-of':
      return plain(pointerTo(expression.type));
  }
}

function typeOfUnary(expression: Extract<Expression, { kind: 'unary' }>, scope: Scope): Typed {
  const { operator } = expression;
  if (operator === '&' && expression.operand.kind === 'name' && scope.untyped(expression.operand.name) !== undefined)
    return plain(pointerTo(voidType));
  const operand = typeOf(expression.operand, scope);
  switch (operator) {
    case '*':
      return plain(pointeeOf(operand, scope, NO_POINTER));
    case '&':
      return plain(pointerTo(operand.type));
    case '!':
      return plain(intType);
    case '-':
    case '+':
    case '~':
      return plain(unaryType(operator, decayedType(operand, scope)));
  }
}

function typeOfBinary({ operator, left, right }: Extract<Expression, { kind: 'binary' }>, scope: Scope): Typed {
  const other = typeOf(right, scope);
  if (operator === ',') return other;
  if (operator === '&&' || operator === '||') return plain(intType);
  const one = typeOf(left, scope);
  if (operator === '@') {
    if (right.kind !== 'integer') throw new UsageError('behind @ only a constant tells the type');
    return plain({ kind: 'array', element: one.type, count: Number(right.value) });
  }
  return plain(binaryType(operator, decayedType(one, scope), decayedType(other, scope)));
}

/** Of `?:`: C17 section 6.5.15. */
export function typeOfConditional(whenTrue: Typed, whenFalse: Typed, scope: Scope): Typed {
  const one = decayedType(whenTrue, scope);
  return plain(conditionalType(one, decayedType(whenFalse, scope)) ?? one.type);
}

export const NO_POINTER = 'is no pointer; a cast makes it one: *(struct page *)0x…';

/** The type of what a pointer points at, or of an array's elements. GDB takes an integer for an address of a long; C does not. */
export function pointeeOf(operand: Typed, scope: Scope, otherwise: string): Type {
  const type = strip(decayedType(operand, scope).type);
  if (type.kind !== 'pointer') throw new UsageError(`${typeName(operand.type)} ${otherwise}`);
  if (strip(type.target).kind === 'void')
    throw new UsageError('a void * points at nothing known; a cast says at what: *(struct page *)…');
  return type.target;
}

/** A member of an object, or of what a pointer points at: `.` and `->` alike, as GDB takes them. */
export function memberOfType(operand: Typed, name: string, scope: Scope): FoundMember {
  const { kind } = strip(operand.type);
  const type = kind === 'pointer' || kind === 'array' ? pointeeOf(operand, scope, NO_POINTER) : operand.type;
  const compound = strip(scope.types.definition(type));
  if (compound.kind !== 'struct' && compound.kind !== 'union')
    throw new UsageError(`${typeName(type)} has no members, so it has no ${name}`);
  const member = findMember(compound, name);
  if (member !== undefined) return member;
  throw new LookupError(`member of ${typeName(compound)}`, name, nearestNames(name, memberNames(compound)));
}

/** Arrays and functions as pointers: C17 section 6.3.2.1. Pointers know the definition of what they point at. */
export function decayedType(operand: Typed, scope: Scope): Typed {
  const type = strip(operand.type);
  if (type.kind === 'array') return plain(pointerTo(scope.types.definition(type.element)));
  if (type.kind === 'function') return plain(pointerTo(operand.type));
  if (type.kind !== 'pointer') return operand;
  const target = scope.types.definition(type.target);
  return target === type.target ? operand : plain(pointerTo(target));
}

function plain(type: Type): Typed {
  return { type, bitField: undefined };
}
