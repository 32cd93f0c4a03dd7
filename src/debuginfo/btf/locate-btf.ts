/**
 * Where a kernel image has its BTF: between the linker's `__start_BTF` and `__stop_BTF`, else by the header (kernel
 * Documentation/bpf/btf.rst, "BTF Type and String Encoding"): the largest that is whole.
 */

import { addVirt, type VirtAddr } from '../../base/addr.ts';
import { u16At, u32At } from '../../bytes/read.ts';
import { imageChunks, type ImageMemory, type ImagePart } from '../../memory/sparse.ts';
import { BTF_MAGIC } from './constants.ts';

const HEADER_SIZE = 24;
/** A kernel's types take some megabytes. */
const LARGEST = 1 << 27;
const SMALLEST = 1 << 16;
const ALIGNMENT = 4;

/** @param addressOf a symbol's address in the image */
export function locateBtf(
  image: ImageMemory,
  addressOf: (name: string) => VirtAddr | undefined,
): ImagePart | undefined {
  const start = addressOf('__start_BTF');
  const stop = addressOf('__stop_BTF');
  if (start === undefined || stop === undefined) return searchBtf(image);
  const size = Number(stop - start);
  return size >= HEADER_SIZE && size <= LARGEST ? { address: start, size } : undefined;
}

function searchBtf(image: ImageMemory): ImagePart | undefined {
  let largest: ImagePart | undefined;
  for (const { address, bytes } of imageChunks(image, HEADER_SIZE - ALIGNMENT)) {
    for (let at = 0; at + HEADER_SIZE <= bytes.length; at += ALIGNMENT) {
      if (bytes[at] !== (BTF_MAGIC & 0xff) || u16At(bytes, at) !== BTF_MAGIC) continue;
      const size = sizeOf(bytes, at);
      if (size > (largest?.size ?? SMALLEST)) largest = { address: addVirt(address, at), size };
    }
  }
  return largest;
}

/** What a header says that is one of a kernel's: version 1, types at once, strings behind them. Zero where it is none. */
function sizeOf(bytes: Uint8Array, at: number): number {
  const [version, flags] = [bytes[at + 2], bytes[at + 3]];
  const headerSize = u32At(bytes, at + 4);
  const [typesAt, typesSize] = [u32At(bytes, at + 8), u32At(bytes, at + 12)];
  const [stringsAt, stringsSize] = [u32At(bytes, at + 16), u32At(bytes, at + 20)];
  const isOne =
    version === 1 &&
    flags === 0 &&
    headerSize >= HEADER_SIZE &&
    headerSize <= 4 * HEADER_SIZE &&
    typesAt === 0 &&
    stringsAt >= typesSize &&
    stringsSize > 0;
  const size = headerSize + stringsAt + stringsSize;
  return isOne && size <= LARGEST ? size : 0;
}
