/**
 * What a value holds, as a tree of plain data: members by name, enumerators by name, pointers with the symbol or text
 * they lead to. A part that cannot be read is one node that says why.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { checkCancelled } from '../base/cancel.ts';
import { attempt, isExpected } from '../base/errors.ts';
import { typeName } from '../debuginfo/types/declaration.ts';
import {
  sizeOf,
  strip,
  type ArrayType,
  type BitField,
  type CompoundType,
  type EnumType,
  type PointerType,
  type Type,
} from '../debuginfo/types/type.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { decodeScalar, scalarSize } from '../values/scalar.ts';
import { addressOfValue, type Value } from '../values/value.ts';
import { windowOf, type ByteWindow } from '../values/window.ts';

export type ValueNode =
  | { readonly kind: 'integer' | 'character' | 'bool'; readonly value: bigint; readonly bits: number }
  | {
      readonly kind: 'enum';
      readonly value: bigint;
      /** "A", or "(A | B)" where the enum is one of flags; undefined where no enumerator fits. */
      readonly name: string | undefined;
    }
  | { readonly kind: 'float'; readonly value: number }
  | {
      readonly kind: 'pointer';
      readonly value: VirtAddr;
      /** "symbol+16": what it points at, by name. */
      readonly label: string | undefined;
      /** What a pointer to characters leads to, a character each byte. */
      readonly text: string | undefined;
      /** Whether the text goes on behind what is shown. */
      readonly cut: boolean;
    }
  | { readonly kind: 'function'; readonly type: string; readonly value: VirtAddr; readonly label: string | undefined }
  | {
      readonly kind: 'text';
      /** A character each byte, without the zeros at the end. */
      readonly text: string;
      /** How many bytes the array has. */
      readonly length: number;
      /** Whether the array goes on behind what is shown. */
      readonly cut: boolean;
    }
  | { readonly kind: 'structure'; readonly members: readonly MemberNode[] }
  | { readonly kind: 'array'; readonly elements: readonly ValueNode[]; readonly cut: boolean }
  /** A pointer that the compiler did without: what it would point at. */
  | { readonly kind: 'implicit-pointer'; readonly target: ValueNode }
  | { readonly kind: 'unavailable'; readonly unavailable: string };

export interface MemberNode {
  /** Undefined for an anonymous struct or union. */
  readonly name: string | undefined;
  readonly value: ValueNode;
}

/** Elements of an array and characters of a text that are shown, as crash has them. */
export const MOST_ELEMENTS = 256;
const MOST_TEXT = 256;
const DEEPEST_VALUE = 32;
/** A structure of the kernel has some thousand members at the most; damaged types may claim anything. */
const MOST_NODES = 100_000;

/** @param space where pointers lead: the kernel's memory, or a process's */
export function valueTree(kernel: Kernel, value: Value, space: AddressSpace = kernel.memory): ValueNode {
  return new TreeBuilder(kernel, space).node(value);
}

const tooMuch: ValueNode = { kind: 'unavailable', unavailable: 'too much to show; name the members that are wanted' };

/** An expected error as the node that stands for what it cost. */
export function unavailableNode(error: unknown): ValueNode {
  if (!isExpected(error)) throw error;
  return { kind: 'unavailable', unavailable: error.message };
}

class TreeBuilder {
  readonly #kernel: Kernel;
  readonly #space: AddressSpace;
  #nodes = 0;

  constructor(kernel: Kernel, space: AddressSpace) {
    this.#kernel = kernel;
    this.#space = space;
  }

  node(value: Value): ValueNode {
    try {
      const whole = this.#kernel.userTypes.definition(value.type);
      const type = strip(whole);
      if (type.kind === 'function') return this.#function(value);
      const size = value.bitField === undefined ? shownSize(type) : scalarSize(type, value.bitField);
      const window = windowOf(value, size);
      if (window.fault !== undefined) return unavailableNode(window.fault);
      return this.#at(window, 0, whole, value.bitField, addressOfValue(value), 0);
    } catch (error) {
      return unavailableNode(error);
    }
  }

  /** @param address of that place in memory, for what has no bytes of its own (a flexible array) */
  #at(
    window: ByteWindow,
    offset: number,
    type: Type,
    bitField: BitField | undefined,
    address: VirtAddr | undefined,
    depth: number,
  ): ValueNode {
    this.#nodes++;
    if (depth > DEEPEST_VALUE) return { kind: 'unavailable', unavailable: 'nested too deep to be shown' };
    if ((this.#nodes & 1023) === 0) checkCancelled();
    const bare = strip(type);
    try {
      switch (bare.kind) {
        case 'struct':
        case 'union':
          return this.#compound(window, offset, bare, address, depth);
        case 'array':
          return this.#array(window, offset, bare, address, depth);
        case 'float':
          if (bare.size !== 4 && bare.size !== 8)
            return { kind: 'unavailable', unavailable: `a floating-point number of ${bare.size} bytes is not decoded` };
          return { kind: 'float', value: floatOf(window.bytes(offset, bare.size)) };
        case 'void':
        case 'function':
          return { kind: 'unavailable', unavailable: `${typeName(type)} has no value` };
        case 'int':
        case 'enum':
        case 'pointer': {
          const bytes = window.bytes(offset, scalarSize(type, bitField));
          const value = decodeScalar(bytes, type, bitField);
          if (bare.kind === 'pointer') return this.#pointer(bare, virtAddr(value));
          if (bare.kind === 'enum') return { kind: 'enum', value, name: enumName(bare, value) };
          const bits = bitField?.bitSize ?? bare.size * 8;
          const kind = bare.encoding === 'bool' ? 'bool' : isCharacter(bare) ? 'character' : 'integer';
          return { kind: kind === 'character' && bitField !== undefined ? 'integer' : kind, value, bits };
        }
      }
    } catch (error) {
      return unavailableNode(error);
    }
  }

  #compound(
    window: ByteWindow,
    offset: number,
    type: CompoundType,
    address: VirtAddr | undefined,
    depth: number,
  ): ValueNode {
    if (!type.complete) return { kind: 'unavailable', unavailable: `nothing defines ${typeName(type)}` };
    const members: MemberNode[] = [];
    for (const { name, type: inner, offset: distance, bitField } of type.members) {
      if (this.#isFull()) {
        members.push({ name, value: tooMuch });
        break;
      }
      const at = address === undefined ? undefined : addVirt(address, distance);
      members.push({ name, value: this.#at(window, offset + distance, inner, bitField, at, depth + 1) });
    }
    return { kind: 'structure', members };
  }

  #array(window: ByteWindow, offset: number, type: ArrayType, address: VirtAddr | undefined, depth: number): ValueNode {
    const element = strip(type.element);
    if (type.count === undefined || type.count <= 0) return this.#flexible(element, address);
    const shown = Math.min(type.count, MOST_ELEMENTS);
    const cut = shown < type.count;
    if (isCharacter(element)) return textOf(window.bytes(offset, shown), type.count, cut);
    const size = sizeOf(element);
    const elements: ValueNode[] = [];
    for (let index = 0; index < shown; index++) {
      if (this.#isFull()) return { kind: 'array', elements: [...elements, tooMuch], cut: true };
      const at = address === undefined ? undefined : addVirt(address, index * size);
      elements.push(this.#at(window, offset + index * size, type.element, undefined, at, depth + 1));
    }
    return { kind: 'array', elements, cut };
  }

  #isFull(): boolean {
    return this.#nodes > MOST_NODES;
  }

  /** An array without a length is shown as where it begins. */
  #flexible(element: Type, address: VirtAddr | undefined): ValueNode {
    if (address === undefined) return { kind: 'array', elements: [], cut: false };
    return this.#pointer({ kind: 'pointer', size: 8, target: element }, address);
  }

  #pointer(type: PointerType, value: VirtAddr): ValueNode {
    const target = strip(type.target);
    const bytes =
      isCharacter(target) && value !== 0n ? attempt(() => this.#space.stringBytes(value, MOST_TEXT + 1)) : undefined;
    const label = this.#kernel.symbols.label(value);
    if (bytes === undefined) return { kind: 'pointer', value, label, text: undefined, cut: false };
    const text = latin1(bytes.subarray(0, MOST_TEXT));
    return { kind: 'pointer', value, label, text, cut: bytes.length > MOST_TEXT };
  }

  #function(value: Value): ValueNode {
    const address = addressOfValue(value);
    if (address === undefined) return { kind: 'unavailable', unavailable: 'a function is nowhere' };
    return { kind: 'function', type: typeName(value.type), value: address, label: this.#kernel.symbols.label(address) };
  }
}

/** In bytes: no more of a long array than is shown. */
function shownSize(type: Type): number {
  const bare = strip(type);
  return bare.kind === 'array' && bare.count !== undefined
    ? sizeOf(bare.element) * Math.min(bare.count, MOST_ELEMENTS)
    : sizeOf(bare);
}

function textOf(bytes: Uint8Array, length: number, cut: boolean): ValueNode {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return { kind: 'text', text: latin1(bytes.subarray(0, end)), length, cut };
}

/** A character each byte: what a kernel's text is encoded in nothing tells. */
function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Whether C prints it as a character: char, and the bytes that bear another name. */
function isCharacter(type: Type): boolean {
  return type.kind === 'int' && type.size === 1 && type.encoding !== 'bool';
}

function floatOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return bytes.length === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true);
}

/** The enumerator of a value; of an enum of flags, those it is made of. */
export function enumName(type: EnumType, value: bigint): string | undefined {
  const exact = type.enumerators.find((enumerator) => enumerator.value === value);
  if (exact !== undefined) return exact.name;
  if (value <= 0n || !isFlags(type)) return undefined;
  let rest = value;
  const names: string[] = [];
  for (const enumerator of type.enumerators) {
    if (enumerator.value === 0n || (value & enumerator.value) !== enumerator.value) continue;
    names.push(enumerator.name);
    rest &= ~enumerator.value;
  }
  if (names.length === 0) return undefined;
  return `(${[...names, ...(rest === 0n ? [] : [`unknown: 0x${rest.toString(16)}`])].join(' | ')})`;
}

/** No two enumerators share a bit. */
function isFlags(type: EnumType): boolean {
  let used = 0n;
  for (const { value } of type.enumerators) {
    if (value < 0n || (used & value) !== 0n) return false;
    used |= value;
  }
  return true;
}
