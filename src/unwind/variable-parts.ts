/** The parts that the value of a variable is made of: constants, pieces of registers and memory (DWARF 5 sections 2.6.1.2, 4.1). */

import { FaultError, FormatError, isExpected, LookupError } from '../base/errors.ts';
import type { Die } from '../debuginfo/dwarf/die.ts';
import {
  DW_ATE_float,
  DW_ATE_signed,
  DW_ATE_signed_char,
  DW_AT_byte_size,
  DW_AT_const_value,
  DW_AT_encoding,
} from '../debuginfo/dwarf/constants.ts';
import { sizeOf, type Type } from '../debuginfo/types/type.ts';
import { encodeInteger } from '../values/scalar.ts';
import type { Gap, Value } from '../values/value.ts';
import type { ExpressionContext, Piece } from './expression-context.ts';
import { genericType, type StackType } from './typed-stack.ts';

/**
 * Why a variable has no value. `optimized-out`: it is nowhere at this place in the code. `lost`: it was in a register
 * that a call may have changed since, or its caller does not tell. `unreadable`: memory. `failed`: ours, or damage.
 */
export type Absence = 'optimized-out' | 'lost' | 'unreadable' | 'failed';

/** The entry that has an attribute: the variable's own, or its abstract origin. */
export function attributeOf(die: Die, attribute: number): Die | undefined {
  for (const origin of die.origins()) if (origin.has(attribute)) return origin;
  return undefined;
}

export function constantOf(die: Die, type: Type): Value | undefined {
  const owner = attributeOf(die, DW_AT_const_value);
  if (owner === undefined) return undefined;
  const size = sizeOf(type);
  const block = owner.block(DW_AT_const_value);
  const number = block === undefined ? owner.bigNumber(DW_AT_const_value) : undefined;
  const bytes = block ?? (number === undefined ? undefined : encodeInteger(number, size));
  if (bytes === undefined || bytes.length < size) return undefined;
  return { type, bitField: undefined, place: { kind: 'computed', bytes } };
}

/** Whether a computed value is no wider than its type: what was passed for it is, extended by zeros or its sign. */
export function fits(piece: Piece, type: Type): boolean {
  const size = sizeOf(type);
  if (piece.kind !== 'value' || piece.bits !== undefined || size === 0 || size >= piece.bytes.length) return true;
  const rest = piece.bytes.subarray(size);
  const negative = ((piece.bytes[size - 1] as number) & 0x80) !== 0;
  return rest.every((byte) => byte === 0) || (negative && rest.every((byte) => byte === 0xff));
}

/** Bytes that are known of a value, and where there are none. */
export interface JoinedPieces {
  readonly bytes: Uint8Array;
  readonly gaps: readonly Gap[];
}

/** A value of so many bytes from its pieces. What one of them lacks is a gap; the others are as good as before. */
export function joinPieces(pieces: readonly Piece[], size: number, context: ExpressionContext): JoinedPieces {
  const bytes = new Uint8Array(size);
  const gaps: Gap[] = [];
  let at = 0;
  for (const piece of pieces) {
    const wanted = Math.min(piece.bits ?? size * 8 - at, size * 8 - at);
    const from = 'bitOffset' in piece ? piece.bitOffset : 0;
    const part = partBytes(piece, Math.ceil((from + wanted) / 8), context);
    const found = Math.max(0, Math.min(wanted, part.bytes.length * 8 - from));
    copyBits(bytes, at, part.bytes, from, found);
    if (found < wanted)
      gaps.push({
        start: (at + found) >> 3,
        end: Math.ceil((at + wanted) / 8),
        why: part.why ?? 'the rest is nowhere',
      });
    at += wanted;
  }
  if (at < size * 8) gaps.push({ start: at >> 3, end: size, why: 'optimized out' });
  return { bytes, gaps };
}

function copyBits(to: Uint8Array, at: number, from: Uint8Array, start: number, count: number): void {
  if ((at | start | count) % 8 === 0) {
    to.set(from.subarray(start / 8, (start + count) / 8), at / 8);
    return;
  }
  for (let index = 0; index < count; index++) {
    const bit = ((from[(start + index) >> 3] ?? 0) >> ((start + index) & 7)) & 1;
    to[(at + index) >> 3] = (to[(at + index) >> 3] ?? 0) | (bit << ((at + index) & 7));
  }
}

/** As many of the first bytes of what a piece is taken from as there are, and why there are no more. */
function partBytes(
  piece: Piece,
  length: number,
  context: ExpressionContext,
): { readonly bytes: Uint8Array; readonly why: string | undefined } {
  const none = new Uint8Array(0);
  switch (piece.kind) {
    case 'optimized-out':
      return { bytes: none, why: 'optimized out' };
    case 'implicit-pointer':
      return { bytes: none, why: 'the compiler did without the pointer' };
    case 'value':
      return { bytes: piece.bytes, why: undefined };
    case 'memory':
      try {
        return { bytes: context.memory.bytes(piece.address, length), why: undefined };
      } catch (error) {
        if (!isExpected(error)) throw error;
        return { bytes: none, why: error.message };
      }
    case 'register': {
      const value = context.register(piece.register);
      if (value !== undefined) return { bytes: encodeInteger(value, 8), why: undefined };
      return { bytes: none, why: `it was in ${context.registerName(piece.register)}, which a call may have changed` };
    }
  }
}

export function baseTypeOf(die: Die | undefined): StackType {
  const size = die?.number(DW_AT_byte_size);
  if (die === undefined || size === undefined || size > 16) return genericType;
  const encoding = die.number(DW_AT_encoding);
  const signed = encoding === DW_ATE_signed || encoding === DW_ATE_signed_char;
  return { size, signed, float: encoding === DW_ATE_float };
}

export function absenceOf(error: unknown): { readonly kind: Absence; readonly why: string } {
  if (error instanceof FaultError) return { kind: 'unreadable', why: error.message };
  if (error instanceof LookupError) return { kind: 'lost', why: error.wanted };
  if (error instanceof FormatError) return { kind: 'failed', why: error.message };
  throw error;
}
