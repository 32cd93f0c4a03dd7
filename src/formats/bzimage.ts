/**
 * A kernel as it is booted (`vmlinuz`, `bzImage`): code that unpacks, and the vmlinux without its symbols, packed.
 * Kernel Documentation/arch/x86/boot.rst, from protocol 2.08 on, which says where the packed part is.
 */

import type { ByteSource } from '../bytes/byte-source.ts';
import { readUpTo } from '../bytes/byte-source.ts';
import { LZ4_LEGACY_MAGIC } from '../bytes/lz4.ts';
import { LZOP_MAGIC } from '../bytes/lzop.ts';
import { decodeText, u16At, u32At } from '../bytes/read.ts';
import { FormatError } from '../base/errors.ts';

export type KernelPacking = 'gzip' | 'xz' | 'zstd' | 'lz4' | 'lzo' | 'bzip2' | 'lzma' | 'none';

export interface KernelPayload {
  readonly packing: KernelPacking;
  /** Of the packed part, in bytes from the start of the file. */
  readonly offset: number;
  readonly size: number;
  /** Of what is packed. */
  readonly unpackedSize: number;
}

const SECTOR = 512;
const SETUP_SECTORS = 0x1f1;
const BOOT_FLAG = 0x1fe;
const HEADER_MAGIC = 0x202;
const PROTOCOL = 0x206;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_SIZE = 0x24c;
/** How many bytes `looksLikeBzImage` wants to see. */
export const BZIMAGE_HEAD = 0x250;
const FIRST_WITH_PAYLOAD = 0x208;
/** A kernel with everything built in has some hundred megabytes. */
const LARGEST = 1 << 30;

const magics: readonly (readonly [KernelPacking, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['lz4', [0, 8, 16, 24].map((shift) => (LZ4_LEGACY_MAGIC >>> shift) & 0xff)],
  ['lzo', LZOP_MAGIC],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['lzma', [0x5d, 0x00, 0x00]],
  ['none', [0x7f, 0x45, 0x4c, 0x46]],
];

export function looksLikeBzImage(head: Uint8Array): boolean {
  return (
    head.length >= BZIMAGE_HEAD &&
    u16At(head, BOOT_FLAG) === 0xaa55 &&
    decodeText(head.subarray(HEADER_MAGIC, HEADER_MAGIC + 4)) === 'HdrS'
  );
}

/** @throws FormatError where it is of another format, or cut off */
export function kernelPayload(source: ByteSource): KernelPayload {
  const head = readUpTo(source, 0, BZIMAGE_HEAD);
  const { name } = source;
  if (!looksLikeBzImage(head)) throw new FormatError(name, 'is no x86 kernel image (bzImage)');
  if (u16At(head, PROTOCOL) < FIRST_WITH_PAYLOAD)
    throw new FormatError(name, 'its boot protocol is older than 2.08, and does not say where the kernel is', PROTOCOL);
  const setup = (head[SETUP_SECTORS] || 4) + 1;
  const offset = setup * SECTOR + u32At(head, PAYLOAD_OFFSET);
  const size = u32At(head, PAYLOAD_SIZE);
  if (size < 8 || offset + size > source.size)
    throw new FormatError(name, `is cut off: its kernel ends at ${offset + size} bytes, the file at ${source.size}`);
  const first = readUpTo(source, offset, LZOP_MAGIC.length);
  const packing = magics.find(([, magic]) => magic.every((byte, at) => first[at] === byte))?.[0];
  if (packing === undefined) throw new FormatError(name, 'its kernel is packed in an unknown way', offset);
  if (packing === 'none') return { packing, offset, size, unpackedSize: size };
  // The build appends the size, as gzip has it itself (kernel scripts/Makefile.lib, size_append).
  const unpackedSize = u32At(readUpTo(source, offset + size - 4, 4), 0);
  if (unpackedSize === 0 || unpackedSize > LARGEST)
    throw new FormatError(name, `says that its kernel has ${unpackedSize} bytes`, offset + size - 4);
  return { packing, offset, size: packing === 'gzip' ? size : size - 4, unpackedSize };
}
