/** The dump formats there are, told apart by their first bytes. */

import { OpenError } from '../base/errors.ts';
import { readUpTo, type ByteSource } from '../bytes/byte-source.ts';
import type { DumpImage } from './dump-image.ts';
import { openElfCore } from './elf-core.ts';
import { looksLikeElf } from './elf/elf-file.ts';

interface Format {
  readonly name: string;
  matches(head: Uint8Array): boolean;
  open(source: ByteSource): DumpImage;
}

const formats: readonly Format[] = [{ name: 'ELF vmcore', matches: looksLikeElf, open: openElfCore }];

/** Formats that are known but cannot be opened, with what to do. */
const unsupported: readonly { magic: string; advice: string }[] = [
  {
    magic: 'KDUMP   ',
    advice: 'is a compressed kdump, which cannot be opened yet; makedumpfile -E writes an ELF vmcore',
  },
  { magic: 'DISKDUMP', advice: 'is a diskdump, which cannot be opened yet' },
  { magic: 'makedumpfile', advice: 'is a flattened dump, which cannot be opened yet; makedumpfile -R rearranges it' },
  { magic: '\x1f\x8b', advice: 'is compressed by gzip; random access is needed: run gunzip on it first' },
  { magic: '\xfd7zXZ', advice: 'is compressed by xz; random access is needed: run unxz on it first' },
  { magic: '\x28\xb5\x2f\xfd', advice: 'is compressed by zstd; random access is needed: run unzstd on it first' },
];

/**
 * Opens a memory image of any known format.
 * @throws OpenError where the format is not known, with what the file begins with.
 */
export function openDump(source: ByteSource): DumpImage {
  const head = readUpTo(source, 0, 64);
  if (head.length === 0) throw new OpenError(`${source.name}: is empty`);
  const format = formats.find((candidate) => candidate.matches(head));
  if (format !== undefined) return format.open(source);
  const text = String.fromCharCode(...head);
  const known = unsupported.find((candidate) => text.startsWith(candidate.magic));
  if (known !== undefined) throw new OpenError(`${source.name}: ${known.advice}`);
  const bytes = Array.from(head.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  throw new OpenError(
    `${source.name}: is no memory image in a format that vmscope knows (${formats.map((f) => f.name).join(', ')}); it begins with ${bytes}`,
  );
}
