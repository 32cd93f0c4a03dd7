/**
 * The stack of a DWARF expression: DWARF 5 section 2.5. An entry is of the generic type (an address-sized integer of no
 * sign) or of a base type, by which signs and widths go.
 */

import { FormatError } from '../base/errors.ts';

export interface StackType {
  /** In bytes. */
  readonly size: number;
  readonly signed: boolean;
  /** Floating point is carried, but not computed with. */
  readonly float: boolean;
}

export interface StackEntry {
  /** The bits, unsigned. */
  readonly bits: bigint;
  readonly type: StackType;
}

export const genericType: StackType = { size: 8, signed: false, float: false };

export function entryOf(value: bigint, type: StackType = genericType): StackEntry {
  return { bits: BigInt.asUintN(type.size * 8, value), type };
}

/** With its sign. Of the generic type none is known: operations that need one take it as signed. */
export function signedValue({ bits, type }: StackEntry): bigint {
  return BigInt.asIntN(type.size * 8, bits);
}

function valueOf(entry: StackEntry): bigint {
  return entry.type.signed ? signedValue(entry) : entry.bits;
}

export type BinaryOperation = 'and' | 'div' | 'minus' | 'mod' | 'mul' | 'or' | 'plus' | 'shl' | 'shr' | 'shra' | 'xor';
export type Comparison = 'eq' | 'ge' | 'gt' | 'le' | 'lt' | 'ne';

/** `a` stood below `b`. Throws FormatError where the types do not go together. */
export function binary(operation: BinaryOperation, a: StackEntry, b: StackEntry): StackEntry {
  const shift = operation === 'shl' || operation === 'shr' || operation === 'shra';
  if (!shift) checkSame(a, b);
  checkInteger(a);
  const x = valueOf(a);
  const y = valueOf(b);
  switch (operation) {
    case 'and':
      return entryOf(a.bits & b.bits, a.type);
    case 'or':
      return entryOf(a.bits | b.bits, a.type);
    case 'xor':
      return entryOf(a.bits ^ b.bits, a.type);
    case 'plus':
      return entryOf(x + y, a.type);
    case 'minus':
      return entryOf(x - y, a.type);
    case 'mul':
      return entryOf(x * y, a.type);
    case 'div':
      return entryOf(quotient(signedOf(a), signedOf(b)), a.type);
    case 'mod': {
      if (b.bits === 0n) throw new FormatError('DWARF expression', 'divides by zero');
      return entryOf(x % y, a.type);
    }
    case 'shl':
      return entryOf(b.bits >= BigInt(a.type.size * 8) ? 0n : a.bits << b.bits, a.type);
    case 'shr':
      return entryOf(b.bits >= BigInt(a.type.size * 8) ? 0n : a.bits >> b.bits, a.type);
    case 'shra': {
      const width = BigInt(a.type.size * 8);
      return entryOf(signedValue(a) >> (b.bits >= width ? width - 1n : b.bits), a.type);
    }
  }
}

/** 1 or 0 of the generic type. The generic type compares as signed. */
export function compare(comparison: Comparison, a: StackEntry, b: StackEntry): StackEntry {
  checkSame(a, b);
  checkInteger(a);
  const x = signedOf(a);
  const y = signedOf(b);
  return entryOf(holds(comparison, x, y) ? 1n : 0n);
}

function holds(comparison: Comparison, x: bigint, y: bigint): boolean {
  switch (comparison) {
    case 'eq':
      return x === y;
    case 'ne':
      return x !== y;
    case 'ge':
      return x >= y;
    case 'gt':
      return x > y;
    case 'le':
      return x <= y;
    case 'lt':
      return x < y;
  }
}

export function unary(operation: 'abs' | 'neg' | 'not', a: StackEntry): StackEntry {
  checkInteger(a);
  if (operation === 'not') return entryOf(~a.bits, a.type);
  const value = signedOf(a);
  return entryOf(operation === 'neg' || value < 0n ? -value : value, a.type);
}

/** DW_OP_convert: the value in another type. */
export function converted(a: StackEntry, type: StackType): StackEntry {
  if (a.type.float !== type.float) throw new FormatError('DWARF expression', 'converts floating point');
  return entryOf(valueOf(a), type);
}

/** DW_OP_reinterpret: the bits in another type of the same size. */
export function reinterpreted(a: StackEntry, type: StackType): StackEntry {
  return entryOf(a.bits, type);
}

/** A base type says whether it is signed; the generic type is taken as signed where that matters. */
function signedOf(entry: StackEntry): bigint {
  return entry.type === genericType || entry.type.signed ? signedValue(entry) : entry.bits;
}

function quotient(x: bigint, y: bigint): bigint {
  if (y === 0n) throw new FormatError('DWARF expression', 'divides by zero');
  return x / y;
}

function checkSame(a: StackEntry, b: StackEntry): void {
  if (a.type.size !== b.type.size || a.type.float !== b.type.float)
    throw new FormatError('DWARF expression', 'combines values of different types');
}

function checkInteger({ type }: StackEntry): void {
  if (type.float) throw new FormatError('DWARF expression', 'computes with floating point');
}
