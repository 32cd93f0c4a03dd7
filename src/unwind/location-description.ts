/** What a DWARF expression describes as a location: one place, or pieces of several. DWARF 5 section 2.6.1. */

import { virtAddr } from '../base/addr.ts';
import { FormatError } from '../base/errors.ts';
import type { Piece } from './expression-context.ts';
import { bytesOf } from './expression-operands.ts';
import type { StackEntry } from './typed-stack.ts';

const MOST_PIECES = 64;

/** What the operations since the last piece have said. `memory`: the address is on top of the stack, if anything is. */
export type CurrentLocation =
  | { readonly kind: 'memory' }
  | { readonly kind: 'value' }
  | { readonly kind: 'register'; readonly register: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'implicit-pointer'; readonly entry: number; readonly offset: number };

export class LocationDescription {
  current: CurrentLocation = { kind: 'memory' };
  readonly #pieces: Piece[] = [];

  /** @param top what lies on top of the stack */
  endPiece(top: StackEntry | undefined, bits: number, bitOffset: number): void {
    if (this.#pieces.length >= MOST_PIECES) throw new FormatError('DWARF expression', 'has too many pieces');
    this.#pieces.push(this.#piece(top, bits, bitOffset));
    this.current = { kind: 'memory' };
  }

  /** All pieces; a location without any is one of the whole object. */
  whole(top: StackEntry | undefined): readonly Piece[] {
    return this.#pieces.length === 0 ? [this.#piece(top, undefined, 0)] : this.#pieces;
  }

  #piece(top: StackEntry | undefined, bits: number | undefined, bitOffset: number): Piece {
    const { current } = this;
    switch (current.kind) {
      case 'memory':
        if (top === undefined) return { kind: 'optimized-out', bits };
        return { kind: 'memory', address: virtAddr(top.bits), bits, bitOffset };
      case 'value':
        if (top === undefined) throw new FormatError('DWARF expression', 'takes more from its stack than there is');
        return { kind: 'value', bytes: bytesOf(top.bits, top.type.size), bits, bitOffset };
      case 'register':
        return { kind: 'register', register: current.register, bits, bitOffset };
      case 'bytes':
        return { kind: 'value', bytes: current.bytes, bits, bitOffset };
      case 'implicit-pointer':
        return { kind: 'implicit-pointer', entry: current.entry, offset: current.offset, bits };
    }
  }
}
