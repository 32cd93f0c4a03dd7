/** A growing little-endian buffer, the common ground of all builders. Values may be patched in later. */

const text = new TextEncoder();

export class ByteWriter {
  #bytes = new Uint8Array(256);
  length = 0;

  u8(value: number): this {
    this.#room(1)[this.length++] = value;
    return this;
  }

  u16(value: number): this {
    return this.u8(value & 0xff).u8((value >>> 8) & 0xff);
  }

  u32(value: number): this {
    return this.u16(value & 0xffff).u16(value >>> 16);
  }

  u64(value: bigint | number): this {
    const bits = BigInt.asUintN(64, BigInt(value));
    return this.u32(Number(bits & 0xffff_ffffn)).u32(Number(bits >> 32n));
  }

  /** An unsigned integer of `size` bytes. */
  unsigned(value: bigint | number, size: number): this {
    const bits = BigInt.asUintN(size * 8, BigInt(value));
    for (let index = 0; index < size; index++) this.u8(Number((bits >> BigInt(index * 8)) & 0xffn));
    return this;
  }

  uleb(value: bigint | number): this {
    let left = BigInt(value);
    do {
      const low = Number(left & 0x7fn);
      left >>= 7n;
      this.u8(left === 0n ? low : low | 0x80);
    } while (left !== 0n);
    return this;
  }

  sleb(value: bigint | number): this {
    let left = BigInt(value);
    for (;;) {
      const low = Number(BigInt.asUintN(7, left));
      left >>= 7n;
      const last = (left === 0n && (low & 0x40) === 0) || (left === -1n && (low & 0x40) !== 0);
      this.u8(last ? low : low | 0x80);
      if (last) return this;
    }
  }

  bytes(value: Uint8Array | readonly number[]): this {
    this.#room(value.length).set(value, this.length);
    this.length += value.length;
    return this;
  }

  /** Zero-terminated. */
  string(value: string): this {
    return this.bytes(text.encode(value)).u8(0);
  }

  zeros(count: number): this {
    return this.bytes(new Uint8Array(count));
  }

  align(size: number): this {
    while (this.length % size !== 0) this.u8(0);
    return this;
  }

  /** Overwrites an unsigned integer written before. */
  patch(at: number, value: bigint | number, size: number): this {
    const end = this.length;
    this.length = at;
    this.unsigned(value, size);
    this.length = end;
    return this;
  }

  build(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }

  #room(count: number): Uint8Array {
    if (this.length + count > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.length + count, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    return this.#bytes;
  }
}

/** The UTF-8 bytes of a text, without a terminating zero. */
export function encode(value: string): Uint8Array {
  return text.encode(value);
}
