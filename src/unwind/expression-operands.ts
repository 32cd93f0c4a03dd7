/** The operands of DWARF expressions, read one after the other: DWARF 5 section 7.7.1. Little-endian. */

import { FormatError } from '../base/errors.ts';
import * as O from '../debuginfo/dwarf/operation-constants.ts';
import { byteAt, lebBigAt, lebLength, slebAt, u16At, u32At, u64At, ulebAt } from '../bytes/read.ts';

/** In bytes: a constant that is longer is damage. */
export const LARGEST_CONSTANT = 4096;

/** Throws FormatError behind the end. */
export class Operands {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get atEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  u8(): number {
    return byteAt(this.bytes, this.at++);
  }

  uleb(): number {
    const value = ulebAt(this.bytes, this.at);
    this.at += lebLength(this.bytes, this.at);
    return value;
  }

  sleb(): number {
    const value = slebAt(this.bytes, this.at);
    this.at += lebLength(this.bytes, this.at);
    return value;
  }

  /** A LEB128 number of any width. */
  big(signed: boolean): bigint {
    const value = lebBigAt(this.bytes, this.at, signed);
    this.at += lebLength(this.bytes, this.at);
    return value;
  }

  fixed(size: number, signed: boolean): bigint {
    const value = integerAt(this.bytes, this.at, size);
    this.at += size;
    return signed ? BigInt.asIntN(size * 8, value) : value;
  }

  block(length: number): Uint8Array {
    if (length > LARGEST_CONSTANT) throw new FormatError('DWARF expression', 'has a block that is too long');
    if (length > 0) byteAt(this.bytes, this.at + length - 1);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** Goes on where a 16-bit distance leads, or, where it is not taken, behind it. */
  jump(taken: boolean): void {
    const target = this.at + 2 + ((u16At(this.bytes, this.at) << 16) >> 16);
    this.at = taken ? target : this.at + 2;
    if (this.at < 0 || this.at > this.bytes.length) throw new FormatError('DWARF expression', 'jumps out of itself');
  }
}

/** An unsigned integer of any size. */
export function integerAt(bytes: Uint8Array, at: number, size: number): bigint {
  switch (size) {
    case 1:
      return BigInt(byteAt(bytes, at));
    case 2:
      return BigInt(u16At(bytes, at));
    case 4:
      return BigInt(u32At(bytes, at));
    case 8:
      return u64At(bytes, at);
    default: {
      let value = 0n;
      for (let index = size - 1; index >= 0; index--) value = (value << 8n) | BigInt(byteAt(bytes, at + index));
      return value;
    }
  }
}

export function bytesOf(bits: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let rest = bits;
  for (let index = 0; index < size; index++) {
    bytes[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** The constant that an operation pushes; undefined for any other operation, whose operands are not read. */
export function constantOf(operation: number, operands: Operands): bigint | undefined {
  if (operation >= O.DW_OP_lit0 && operation <= O.DW_OP_lit31) return BigInt(operation - O.DW_OP_lit0);
  switch (operation) {
    case O.DW_OP_const1u:
    case O.DW_OP_const1s:
      return operands.fixed(1, operation === O.DW_OP_const1s);
    case O.DW_OP_const2u:
    case O.DW_OP_const2s:
      return operands.fixed(2, operation === O.DW_OP_const2s);
    case O.DW_OP_const4u:
    case O.DW_OP_const4s:
      return operands.fixed(4, operation === O.DW_OP_const4s);
    case O.DW_OP_const8u:
    case O.DW_OP_const8s:
      return operands.fixed(8, false);
    case O.DW_OP_constu:
      return operands.big(false);
    case O.DW_OP_consts:
      return operands.big(true);
    default:
      return undefined;
  }
}
