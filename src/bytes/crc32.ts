/** CRC-32 as .gnu_debuglink has it: the polynomial of IEEE 802.3, bits reflected. */

import { once } from '../base/search.ts';
import { readUpTo, type ByteSource } from './byte-source.ts';

const POLYNOMIAL = 0xedb88320;
const BLOCK = 1 << 20;

const table = once(() =>
  Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ POLYNOMIAL;
    return value;
  }),
);

/** Of everything there is. */
export function crc32Of(source: ByteSource): number {
  const steps = table();
  let crc = 0xffff_ffff;
  for (let offset = 0; offset < source.size; offset += BLOCK) {
    const bytes = readUpTo(source, offset, BLOCK);
    for (let index = 0; index < bytes.length; index++)
      crc = (crc >>> 8) ^ (steps[(crc ^ (bytes[index] as number)) & 0xff] as number);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}
