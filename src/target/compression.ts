/** Compressed files of kernels and modules: what packed them is told by their first bytes, whatever their names end in. */

import type { Codec } from '../base/host.ts';

const magics: readonly (readonly [Codec, readonly number[]])[] = [
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['zst', [0x28, 0xb5, 0x2f, 0xfd]],
  ['gz', [0x1f, 0x8b]],
];

/** What is behind the names of packed files. */
export const packedSuffixes: readonly string[] = magics.map(([codec]) => `.${codec}`);

/** How many bytes `codecOf` wants to see. */
export const LONGEST_MAGIC = 6;

/** Undefined where the bytes are not the beginning of a compressed file. */
export function codecOf(head: Uint8Array): Codec | undefined {
  return magics.find(([, magic]) => magic.every((byte, index) => head[index] === byte))?.[0];
}
