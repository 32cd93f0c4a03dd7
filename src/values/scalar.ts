/** Integers, enums, pointers and bit-fields out of the bytes they are stored in. Little-endian. */

import { FormatError } from '../base/errors.ts';
import { strip, type BitField, type Type } from '../debuginfo/types/type.ts';

/** The value that `bytes` hold, signed where its type is. A bit-field's bytes begin at the byte of its first bit. */
export function decodeScalar(bytes: Uint8Array, type: Type, bitField: BitField | undefined): bigint {
  const bits = bitField?.bitSize ?? bytes.length * 8;
  const value = BigInt.asUintN(bits, littleEndian(bytes) >> BigInt(bitField?.bitOffset ?? 0));
  return isSigned(type) ? BigInt.asIntN(bits, value) : value;
}

/** __int128. */
const LARGEST_SCALAR = 16;

/**
 * How many bytes a scalar of that type takes: of a bit-field, those its bits are in. Throws FormatError where it is no
 * scalar, or its size, in damaged types, none that a scalar has.
 */
export function scalarSize(type: Type, bitField: BitField | undefined): number {
  const size = bitField === undefined ? sizeOfScalar(type) : bytesOf(bitField);
  if (size >= 0 && size <= (bitField === undefined ? LARGEST_SCALAR : LARGEST_SCALAR + 1)) return size;
  throw new FormatError('value', `an integer of ${size} bytes: the debug information is damaged`);
}

function bytesOf({ bitOffset, bitSize }: BitField): number {
  return bitSize < 0 ? -1 : Math.ceil((bitOffset + bitSize) / 8);
}

function sizeOfScalar(type: Type): number {
  const bare = strip(type);
  switch (bare.kind) {
    case 'int':
    case 'enum':
    case 'pointer':
      return bare.size;
    case 'void':
    case 'float':
    case 'array':
    case 'struct':
    case 'union':
    case 'function':
      throw new FormatError('value', `a ${bare.kind} is no integer`);
  }
}

export function isSigned(type: Type): boolean {
  const bare = strip(type);
  return (bare.kind === 'int' || bare.kind === 'enum') && bare.signed;
}

/** An integer as the bytes of a value of that size. */
export function encodeInteger(value: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let rest = BigInt.asUintN(size * 8, value);
  for (let index = 0; index < size; index++) {
    bytes[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index] as number);
  return value;
}
