/**
 * The file format of lzop, which kernels are packed in (kernel lib/decompress_unlzo.c): a header, then blocks of LZO1X.
 * Its numbers are big-endian. Checksums are passed over.
 */

import { FormatError } from '../base/errors.ts';
import { unpackLzo1x } from './lzo1x.ts';
import { byteAt } from './read.ts';

const NAME = 'lzop data';
export const LZOP_MAGIC: readonly number[] = [0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a];
/** From this version on the header has the version that is needed, the level, and 64 bits of time. */
const LONG_HEADER = 0x0940;
const HAS_FILTER = 0x800;
/** Adler-32 and CRC-32 of each block as it was, and as it is packed. */
const CHECKSUMS_UNPACKED = [0x1, 0x100] as const;
const CHECKSUMS_PACKED = [0x2, 0x200] as const;

/** Fills `target`, which must be as long as what is packed. Throws FormatError. */
export function unpackLzop(source: Uint8Array, target: Uint8Array): void {
  const { blocks, flags } = readHeader(source);
  const checksums = (kinds: readonly number[]): number => 4 * kinds.filter((kind) => (flags & kind) !== 0).length;
  let from = blocks;
  let to = 0;
  for (;;) {
    const size = u32BigAt(source, from);
    from += 4;
    if (size === 0) break;
    const packed = u32BigAt(source, from);
    from += 4 + checksums(CHECKSUMS_UNPACKED) + (packed < size ? checksums(CHECKSUMS_PACKED) : 0);
    if (to + size > target.length) throw new FormatError(NAME, 'holds more than is wanted', from);
    if (packed > size || from + packed > source.length) throw new FormatError(NAME, 'a block is too long', from);
    const block = source.subarray(from, from + packed);
    if (packed === size) target.set(block, to);
    else unpackLzo1x(block, target.subarray(to, to + size));
    from += packed;
    to += size;
  }
  if (to !== target.length) throw new FormatError(NAME, `holds ${to} bytes, and ${target.length} are wanted`);
}

function readHeader(source: Uint8Array): { blocks: number; flags: number } {
  if (LZOP_MAGIC.some((byte, at) => source[at] !== byte)) throw new FormatError(NAME, 'has no header of lzop', 0);
  let at = LZOP_MAGIC.length;
  const version = u16BigAt(source, at);
  const isLong = version >= LONG_HEADER;
  // Version, version of the library, version needed, method, level.
  at += 2 + 2 + (isLong ? 2 : 0) + 1 + (isLong ? 1 : 0);
  const flags = u32BigAt(source, at);
  // Flags, filter, mode, time.
  at += 4 + ((flags & HAS_FILTER) === 0 ? 0 : 4) + 4 + (isLong ? 8 : 4);
  const name = byteAt(source, at);
  // The name, with its length, and a checksum.
  return { blocks: at + 1 + name + 4, flags };
}

function u16BigAt(bytes: Uint8Array, at: number): number {
  return (byteAt(bytes, at) << 8) | byteAt(bytes, at + 1);
}

function u32BigAt(bytes: Uint8Array, at: number): number {
  return u16BigAt(bytes, at) * 0x1_0000 + u16BigAt(bytes, at + 2);
}
