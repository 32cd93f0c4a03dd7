/** The image of a kernel in an ELF file, at link-time addresses. */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { readUpTo } from '../bytes/byte-source.ts';
import { PT_LOAD } from '../formats/elf/constants.ts';
import type { ElfFile } from '../formats/elf/elf-file.ts';
import type { Gap, ImageMemory } from './sparse.ts';

interface Segment {
  readonly start: VirtAddr;
  readonly offset: number;
  readonly size: number;
}

/** Segments below it are of the per-CPU area, which was linked at zero. */
const LOWEST = 1n << 63n;

/** Undefined where the file has no segment of it. */
export function imageInElf(elf: ElfFile): ImageMemory | undefined {
  const segments = elf
    .segments()
    .filter(({ type, virtualAddress, fileSize }) => type === PT_LOAD && virtualAddress >= LOWEST && fileSize > 0)
    .map(({ virtualAddress, offset, fileSize }) => ({ start: virtAddr(virtualAddress), offset, size: fileSize }))
    .sort((a, b) => (a.start < b.start ? -1 : 1));
  const [first] = segments;
  if (first === undefined) return undefined;
  const ends = segments.map(({ start, size }) => addVirt(start, size));
  const end = ends.reduce((highest, one) => (one > highest ? one : highest));
  return { start: first.start, end, read: (address, length) => read(elf, segments, address, length) };
}

function read(
  elf: ElfFile,
  segments: readonly Segment[],
  address: VirtAddr,
  length: number,
): { bytes: Uint8Array; gaps: Gap[] } {
  const bytes = new Uint8Array(length);
  const gaps: Gap[] = [];
  let done = 0;
  for (const { start, offset, size } of segments) {
    // Offsets in `bytes`; a segment far away is outside whatever rounding does.
    const from = Number(start - address);
    const begin = Math.max(done, from);
    const part = readUpTo(elf.source, offset + begin - from, Math.min(length, from + size) - begin);
    if (part.length === 0) continue;
    if (begin > done) gaps.push({ start: done, end: begin });
    bytes.set(part, begin);
    done = begin + part.length;
  }
  if (done < length) gaps.push({ start: done, end: length });
  return { bytes, gaps };
}
