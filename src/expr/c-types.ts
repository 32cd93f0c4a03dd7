/** The arithmetic types of C on a 64-bit Linux kernel (LP64), and its conversions: C17 section 6.3.1. */

import { strip, type BitField, type IntType, type PointerType, type Type } from '../debuginfo/types/type.ts';

function integer(name: string, size: number, signed: boolean, encoding: IntType['encoding'] = 'integer'): IntType {
  return { kind: 'int', name, size, signed, encoding };
}

export const intType = integer('int', 4, true);
export const unsignedIntType = integer('unsigned int', 4, false);
export const longType = integer('long', 8, true);
export const unsignedLongType = integer('unsigned long', 8, false);
export const charType = integer('char', 1, true, 'char');

const plainTypes: readonly IntType[] = [
  intType,
  unsignedIntType,
  longType,
  unsignedLongType,
  charType,
  integer('signed char', 1, true, 'char'),
  integer('unsigned char', 1, false, 'char'),
  integer('short', 2, true),
  integer('unsigned short', 2, false),
  integer('long long', 8, true),
  integer('unsigned long long', 8, false),
  integer('bool', 1, false, 'bool'),
];

/** The type of plain C words in any order (`long unsigned int`); undefined where they make none. */
export function plainType(words: readonly string[]): Type | undefined {
  const count = (word: string): number => words.filter((other) => other === word).length;
  if (words.length === 1 && words[0] === 'void') return { kind: 'void' };
  if (words.length === 1 && words[0] === 'float') return { kind: 'float', name: 'float', size: 4 };
  if (words.length === 1 && words[0] === 'double') return { kind: 'float', name: 'double', size: 8 };
  const sign = words.find((word) => word === 'signed' || word === 'unsigned');
  const narrow = words.filter((word) => ['char', 'short', 'bool', '_Bool'].includes(word));
  const longs = count('long');
  const known = narrow.length + longs + count('int') + count('signed') + count('unsigned');
  if (known !== words.length || narrow.length > 1 || (narrow.length > 0 && longs > 0) || longs > 2) return undefined;
  const width = narrow[0] === '_Bool' ? 'bool' : (narrow[0] ?? 'long '.repeat(longs).trim());
  const base = width === '' ? 'int' : width;
  const name = sign === 'unsigned' || (sign === 'signed' && base === 'char') ? `${sign} ${base}` : base;
  return plainTypes.find((type) => type.name === name);
}

export function pointerTo(target: Type): PointerType {
  return { kind: 'pointer', size: 8, target };
}

/** What has a type, a value or not. */
export interface Typed {
  readonly type: Type;
  readonly bitField: BitField | undefined;
}

/**
 * Integer promotion: what arithmetic is done in. Undefined where the type takes part in none. A bit-field is an int
 * where an int holds all of its values.
 */
export function promoted({ type, bitField }: Typed): IntType | undefined {
  const bare = strip(type);
  if (bitField !== undefined && (bare.kind === 'int' || bare.kind === 'enum') && bitField.bitSize < 32) return intType;
  switch (bare.kind) {
    case 'int':
      return bare.size < 4 ? intType : ofSize(bare.size, bare.signed);
    case 'enum':
      return bare.size < 4 ? intType : ofSize(bare.size, bare.signed);
    case 'pointer':
      return unsignedLongType;
    case 'void':
    case 'float':
    case 'array':
    case 'struct':
    case 'union':
    case 'function':
      return undefined;
  }
}

/** The usual arithmetic conversions: the wider one, of equal ones the unsigned. */
export function commonType(left: IntType, right: IntType): IntType {
  if (left.size !== right.size) return left.size > right.size ? left : right;
  return left.signed ? right : left;
}

function ofSize(size: number, signed: boolean): IntType {
  if (size <= 4) return signed ? intType : unsignedIntType;
  if (size > 8) return integer(signed ? '__int128' : 'unsigned __int128', size, signed);
  return signed ? longType : unsignedLongType;
}

/** The type of an integer constant: C17 section 6.4.4.1. */
export function constantType(value: bigint, decimal: boolean, suffix: string): IntType {
  const unsigned = /u/i.test(suffix);
  const long = /l/i.test(suffix);
  if (!long && !unsigned && value < 1n << 31n) return intType;
  if (!long && (unsigned || !decimal) && value < 1n << 32n) return unsignedIntType;
  return !unsigned && value < 1n << 63n ? longType : unsignedLongType;
}
