/**
 * Names in a string table, found by hash: zero-terminated strings that stay where they are. Building it costs one pass
 * over the bytes of the names.
 */

import { HashChains } from './hash-chains.ts';

const encoder = new TextEncoder();

export class NameIndex {
  readonly #chains: HashChains;
  readonly #nameOffsets: Uint32Array;
  readonly #strings: Uint8Array;

  /** @param nameOffsets where each name begins in `strings`; a name at NO_NAME or beyond the strings is left out */
  constructor(nameOffsets: Uint32Array, strings: Uint8Array) {
    const chains = new HashChains(nameOffsets.length);
    const view = viewOf(strings);
    for (let index = 0; index < nameOffsets.length; index++) {
      const offset = nameOffsets[index] as number;
      if (offset < strings.length) chains.add(index, hashName(view, offset));
    }
    this.#chains = chains;
    this.#nameOffsets = nameOffsets;
    this.#strings = strings;
  }

  /** The indices that bear a name, in their order. */
  find(name: string): number[] {
    const wanted = encoder.encode(`${name}\0`);
    return this.#chains.find(hashName(viewOf(wanted), 0), (index) =>
      startsWith(this.#strings, this.#nameOffsets[index] as number, wanted),
    );
  }
}

/** An offset that names nothing. */
export const NO_NAME = 0xffff_ffff;

export function startsWith(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  for (let index = 0; index < prefix.length; index++) if (bytes[at + index] !== prefix[index]) return false;
  return true;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A hash of the bytes up to a zero, four at a time: the words that hold no zero byte, then what is left. */
function hashName(view: DataView, start: number): number {
  let hash = 0x811c9dc5;
  let at = start;
  for (; at + 4 <= view.byteLength; at += 4) {
    const word = view.getInt32(at, true);
    if (((word - 0x01010101) & ~word & 0x80808080) !== 0) break;
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < view.byteLength; at++) {
    const byte = view.getUint8(at);
    if (byte === 0) break;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash ^ (hash >>> 15);
}
