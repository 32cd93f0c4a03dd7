/** BTF type data, split BTF too. Kernel Documentation/bpf/btf.rst. */

import { ByteWriter } from './byte-writer.ts';

export interface BtfMember {
  readonly name: string;
  readonly type: number;
  /** In bytes. */
  readonly offset: number;
  /** In bits from the byte offset. */
  readonly bitOffset?: number;
  readonly bitSize?: number;
}

const KIND = {
  int: 1,
  pointer: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  forward: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  function: 12,
  prototype: 13,
  variable: 14,
  section: 15,
  float: 16,
  declTag: 17,
  typeTag: 18,
  enum64: 19,
};

export class BtfBuilder {
  readonly #types = new ByteWriter();
  readonly #strings = new ByteWriter();
  readonly #known = new Map<string, number>();
  readonly #stringStart: number;
  #nextId: number;

  /** @param base what this one continues; it must be complete */
  constructor(base?: BtfBuilder) {
    this.#stringStart = base === undefined ? 0 : base.#stringStart + base.#strings.length;
    this.#nextId = base === undefined ? 1 : base.#nextId;
    if (base === undefined) this.#strings.u8(0);
  }

  int(
    name: string,
    size: number,
    more: { signed?: boolean; bool?: boolean; char?: boolean; bits?: number } = {},
  ): number {
    const encoding = (more.signed === true ? 1 : 0) | (more.char === true ? 2 : 0) | (more.bool === true ? 4 : 0);
    const id = this.#record(KIND.int, name, 0, size);
    this.#types.u32(((encoding << 24) | (more.bits ?? size * 8)) >>> 0);
    return id;
  }

  float(name: string, size: number): number {
    return this.#record(KIND.float, name, 0, size);
  }

  pointer(target: number): number {
    return this.#record(KIND.pointer, '', 0, target);
  }

  qualified(kind: 'const' | 'volatile' | 'restrict', target: number): number {
    return this.#record(KIND[kind], '', 0, target);
  }

  typedef(name: string, target: number): number {
    return this.#record(KIND.typedef, name, 0, target);
  }

  typeTag(name: string, target: number): number {
    return this.#record(KIND.typeTag, name, 0, target);
  }

  array(element: number, count: number, index = 0): number {
    const id = this.#record(KIND.array, '', 0, 0);
    this.#types.u32(element).u32(index).u32(count);
    return id;
  }

  /** With `kindFlag` bit-fields are in the members; without, in INT types of fewer bits. */
  compound(
    kind: 'struct' | 'union',
    name: string,
    size: number,
    members: readonly BtfMember[],
    kindFlag = members.some((m) => m.bitSize !== undefined),
  ): number {
    const id = this.#record(KIND[kind], name, members.length, size, kindFlag);
    for (const member of members) {
      const bits = member.offset * 8 + (member.bitOffset ?? 0);
      this.#types.u32(this.#string(member.name)).u32(member.type);
      this.#types.u32(kindFlag ? (((member.bitSize ?? 0) << 24) | bits) >>> 0 : bits);
    }
    return id;
  }

  struct(name: string, size: number, members: readonly BtfMember[]): number {
    return this.compound('struct', name, size, members);
  }

  forward(name: string, union = false): number {
    return this.#record(KIND.forward, name, 0, 0, union);
  }

  enum(name: string, values: Readonly<Record<string, number>>, more: { size?: number; signed?: boolean } = {}): number {
    const entries = Object.entries(values);
    const id = this.#record(KIND.enum, name, entries.length, more.size ?? 4, more.signed === true);
    for (const [key, value] of entries) this.#types.u32(this.#string(key)).u32(value >>> 0);
    return id;
  }

  enum64(name: string, values: Readonly<Record<string, bigint>>, signed = false): number {
    const entries = Object.entries(values);
    const id = this.#record(KIND.enum64, name, entries.length, 8, signed);
    for (const [key, value] of entries) this.#types.u32(this.#string(key)).u64(value);
    return id;
  }

  prototype(returns: number, parameters: readonly { readonly name: string; readonly type: number }[]): number {
    const id = this.#record(KIND.prototype, '', parameters.length, returns);
    for (const { name, type } of parameters) this.#types.u32(this.#string(name)).u32(type);
    return id;
  }

  function(name: string, prototype: number): number {
    return this.#record(KIND.function, name, 1, prototype);
  }

  variable(name: string, type: number): number {
    const id = this.#record(KIND.variable, name, 0, type);
    this.#types.u32(1);
    return id;
  }

  section(
    name: string,
    variables: readonly { readonly id: number; readonly offset: number; readonly size: number }[],
  ): number {
    const id = this.#record(KIND.section, name, variables.length, 0);
    for (const { id: variable, offset, size } of variables) this.#types.u32(variable).u32(offset).u32(size);
    return id;
  }

  declTag(name: string, target: number): number {
    const id = this.#record(KIND.declTag, name, 0, target);
    this.#types.u32(0xffff_ffff);
    return id;
  }

  /** The id the next type gets: for a type that refers to itself. */
  get nextId(): number {
    return this.#nextId;
  }

  build(): Uint8Array {
    return new ByteWriter()
      .u16(0xeb9f)
      .u8(1)
      .u8(0)
      .u32(24)
      .u32(0)
      .u32(this.#types.length)
      .u32(this.#types.length)
      .u32(this.#strings.length)
      .bytes(this.#types.build())
      .bytes(this.#strings.build())
      .build();
  }

  #record(kind: number, name: string, length: number, sizeOrType: number, flag = false): number {
    this.#types
      .u32(this.#string(name))
      .u32(((flag ? 0x8000_0000 : 0) | (kind << 24) | length) >>> 0)
      .u32(sizeOrType);
    return this.#nextId++;
  }

  #string(text: string): number {
    if (text === '') return 0;
    let at = this.#known.get(text);
    if (at === undefined) {
      at = this.#stringStart + this.#strings.length;
      this.#strings.string(text);
      this.#known.set(text, at);
    }
    return at;
  }
}
