/**
 * The one model of C types. DWARF and BTF both fill it; nothing above this folder knows which one did.
 *
 * Types refer to each other through getters that resolve when asked, so one struct costs what it holds and not what
 * it points at. Sizes and offsets are in bytes; bit-fields add a bit offset and size.
 */

export interface VoidType {
  readonly kind: 'void';
}

export interface IntType {
  readonly kind: 'int';
  readonly name: string;
  readonly size: number;
  readonly signed: boolean;
  readonly encoding: 'integer' | 'char' | 'bool';
}

export interface FloatType {
  readonly kind: 'float';
  readonly name: string;
  readonly size: number;
}

export interface PointerType {
  readonly kind: 'pointer';
  readonly size: number;
  readonly target: Type;
}

export interface ArrayType {
  readonly kind: 'array';
  readonly element: Type;
  /** Undefined for a flexible array. */
  readonly count: number | undefined;
}

export interface CompoundType {
  readonly kind: 'struct' | 'union';
  /** Undefined where anonymous. */
  readonly name: string | undefined;
  readonly size: number;
  /** False for a declaration without members. */
  readonly complete: boolean;
  readonly members: readonly Member[];
}

export interface Member {
  /** Undefined for an anonymous struct or union, whose members are reached through the outer one. */
  readonly name: string | undefined;
  readonly type: Type;
  /** In bytes from the start of the compound; for a bit-field, of the byte its first bit is in. */
  readonly offset: number;
  readonly bitField: BitField | undefined;
}

export interface BitField {
  /** From the least significant bit of the byte at the member's offset. */
  readonly bitOffset: number;
  readonly bitSize: number;
}

export interface EnumType {
  readonly kind: 'enum';
  readonly name: string | undefined;
  readonly size: number;
  readonly signed: boolean;
  readonly enumerators: readonly Enumerator[];
}

export interface Enumerator {
  readonly name: string;
  readonly value: bigint;
}

/** An enumerator with its enum. */
export interface EnumConstant {
  readonly type: EnumType;
  readonly value: bigint;
}

export interface TypedefType {
  readonly kind: 'typedef';
  readonly name: string;
  readonly target: Type;
}

export interface QualifiedType {
  readonly kind: 'qualified';
  readonly qualifier: 'const' | 'volatile' | 'restrict' | 'atomic';
  readonly target: Type;
}

export interface FunctionType {
  readonly kind: 'function';
  readonly returns: Type;
  readonly parameters: readonly { readonly name: string | undefined; readonly type: Type }[];
  readonly variadic: boolean;
}

export type Type =
  | VoidType
  | IntType
  | FloatType
  | PointerType
  | ArrayType
  | CompoundType
  | EnumType
  | TypedefType
  | QualifiedType
  | FunctionType;

export const voidType: VoidType = { kind: 'void' };

const LONGEST_CHAIN = 64;

/** The type behind typedefs and qualifiers. */
export function strip(type: Type): Exclude<Type, TypedefType | QualifiedType> {
  let current = type;
  for (let step = 0; step < LONGEST_CHAIN; step++) {
    if (current.kind !== 'typedef' && current.kind !== 'qualified') return current;
    current = current.target;
  }
  return voidType;
}

/** What is said to be larger, by damaged types, is taken for as large: sizes stay exact integers. */
export const LARGEST_SIZE = Number.MAX_SAFE_INTEGER;

/** In bytes; zero for void, functions and flexible arrays. */
export function sizeOf(type: Type, depth = 0): number {
  const bare = strip(type);
  switch (bare.kind) {
    case 'void':
    case 'function':
      return 0;
    case 'array':
      return depth > LONGEST_CHAIN ? 0 : possible((bare.count ?? 0) * sizeOf(bare.element, depth + 1));
    case 'int':
    case 'float':
    case 'pointer':
    case 'struct':
    case 'union':
    case 'enum':
      return possible(bare.size);
  }
}

function possible(size: number): number {
  return size >= 0 ? Math.min(size, LARGEST_SIZE) : 0;
}
