/** Whether a compressed file that cannot be unpacked ends before its data does: a copy that was interrupted. */

import { gunzipSync } from 'node:zlib';
import type { Codec } from '../../base/host.ts';

export function isCutOff(packed: Buffer, codec: Codec): boolean {
  switch (codec) {
    case 'xz':
      return !endsAsXz(packed);
    case 'zst':
      return zstdEnd(packed) > packed.length;
    case 'gz':
      return lacksEndOfGzip(packed);
  }
}

/** The footer's magic, perhaps with padding behind it: The .xz File Format, sections 2.1.2.4 and 2.2. */
function endsAsXz(packed: Buffer): boolean {
  let end = packed.length;
  while (end > 0 && packed[end - 1] === 0) end--;
  return packed.toString('latin1', end - 2, end) === 'YZ';
}

/** Where the frame ends: RFC 8878 sections 3.1.1.1 and 3.1.1.2. Infinity where not even a block's header is whole. */
function zstdEnd(packed: Buffer): number {
  const descriptor = packed[4] ?? 0;
  const single = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const contentSize = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const checksum = (descriptor & 4) === 0 ? 0 : 4;
  let at = 5 + (single ? 0 : 1) + dictionary + contentSize;
  for (;;) {
    if (at + 3 > packed.length) return Infinity;
    const header = packed.readUIntLE(at, 3);
    const isRepeated = ((header >> 1) & 3) === 1;
    at += 3 + (isRepeated ? 1 : header >> 3);
    if ((header & 1) === 1) return at + checksum;
  }
}

/** zlib says so itself. */
function lacksEndOfGzip(packed: Buffer): boolean {
  try {
    gunzipSync(packed);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'Z_BUF_ERROR';
  }
}
