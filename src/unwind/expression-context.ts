/** What a DWARF expression is given, and what it gives: its surroundings, and a location in pieces (DWARF 5 section 2.6). */

import type { VirtAddr } from '../base/addr.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { StackType } from './typed-stack.ts';

/** A part of a value, in the order of its bits: `bits` of it, from the lowest on; undefined where it is the whole. */
export type Piece =
  | {
      readonly kind: 'memory';
      readonly address: VirtAddr;
      readonly bits: number | undefined;
      readonly bitOffset: number;
    }
  | {
      readonly kind: 'register';
      readonly register: number;
      readonly bits: number | undefined;
      readonly bitOffset: number;
    }
  /** The bytes themselves, little-endian. */
  | {
      readonly kind: 'value';
      readonly bytes: Uint8Array;
      readonly bits: number | undefined;
      readonly bitOffset: number;
    }
  /** A pointer that the compiler did without: what it would point at is the value of another entry. */
  | {
      readonly kind: 'implicit-pointer';
      readonly entry: number;
      readonly offset: number;
      readonly bits: number | undefined;
    }
  | { readonly kind: 'optimized-out'; readonly bits: number | undefined };

/** What surrounds an expression. What is absent is not known there. */
export interface ExpressionContext {
  readonly memory: AddressSpace;
  /** Undefined where the register's value in this frame is not known. */
  register(number: number): bigint | undefined;
  /** The name of a register, for people. */
  registerName(number: number): string;
  readonly cfa?: (() => bigint | undefined) | undefined;
  /** What DW_OP_fbreg counts from. */
  readonly frameBase?: (() => bigint | undefined) | undefined;
  /** The value of an expression when the function was entered. Throws where the caller does not tell. */
  readonly entryValue?: ((expression: Uint8Array) => bigint) | undefined;
  /** What the caller passed for a parameter, by the offset of its entry in the unit. */
  readonly parameter?: ((unitOffset: number) => bigint) | undefined;
  /** The base type at an offset of the unit. */
  readonly baseType?: ((unitOffset: number) => StackType) | undefined;
  /** The location of the entry at an offset: of the unit, or of .debug_info. */
  readonly called?: ((offset: number, of: 'unit' | 'section') => Uint8Array | undefined) | undefined;
  /** The value of the variable whose entry is at an offset of .debug_info. */
  readonly variableValue?: ((offset: number) => bigint) | undefined;
  /** A code or data address as the file has it, at run time. */
  readonly relocated?: ((address: bigint) => VirtAddr) | undefined;
  /** From .debug_addr. */
  readonly indexedAddress?: ((index: number) => bigint) | undefined;
  readonly offsetSize?: 4 | 8;
  /** Told when memory is read. */
  readonly onRead?: (() => void) | undefined;
}
