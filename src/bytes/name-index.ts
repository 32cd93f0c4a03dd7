/**
 * Names in a string table, found by hash: an open-addressing table of indices over zero-terminated strings that stay
 * where they are. Equal names stand in several slots. Building it costs one pass over the bytes of the names.
 */

const encoder = new TextEncoder();

export class NameIndex {
  readonly #slots: Int32Array;
  readonly #nameOffsets: Uint32Array;
  readonly #strings: Uint8Array;

  /** @param nameOffsets where each name begins in `strings`; a name at NO_NAME or beyond the strings is left out */
  constructor(nameOffsets: Uint32Array, strings: Uint8Array) {
    const slots = new Int32Array(2 ** Math.ceil(Math.log2(nameOffsets.length * 2 + 2))).fill(-1);
    const mask = slots.length - 1;
    for (let index = 0; index < nameOffsets.length; index++) {
      const offset = nameOffsets[index] as number;
      if (offset >= strings.length) continue;
      let slot = hashName(strings, offset) & mask;
      while (slots[slot] !== -1) slot = (slot + 1) & mask;
      slots[slot] = index;
    }
    this.#slots = slots;
    this.#nameOffsets = nameOffsets;
    this.#strings = strings;
  }

  /** The indices that bear a name, in their order. */
  find(name: string): number[] {
    const wanted = encoder.encode(`${name}\0`);
    const slots = this.#slots;
    const mask = slots.length - 1;
    const found: number[] = [];
    for (let slot = hashName(wanted, 0) & mask; ; slot = (slot + 1) & mask) {
      const index = slots[slot] as number;
      if (index === -1) return found;
      if (startsWith(this.#strings, this.#nameOffsets[index] as number, wanted)) found.push(index);
    }
  }
}

/** An offset that names nothing. */
export const NO_NAME = 0xffff_ffff;

export function startsWith(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  for (let index = 0; index < prefix.length; index++) if (bytes[at + index] !== prefix[index]) return false;
  return true;
}

/** FNV-1a over the bytes up to a zero. */
function hashName(bytes: Uint8Array, start: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === 0) break;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash ^ (hash >>> 15);
}
