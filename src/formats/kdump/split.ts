/**
 * The parts of a dump that makedumpfile --split wrote: each has the whole header and bitmaps, and the pages of a range
 * of frames of its own.
 */

import { OpenError } from '../../base/errors.ts';
import { hex0x } from '../../base/addr.ts';
import type { KdumpPages } from './pages.ts';

/**
 * The parts in the order of their frames, and what is missing between them.
 * @throws OpenError where the files are not parts of one dump, or one is named twice
 */
export function joinParts(files: readonly KdumpPages[]): { parts: readonly KdumpPages[]; missing: string[] } {
  const parts = [...files].sort((a, b) => a.start - b.start || a.end - b.end);
  const [first] = parts;
  if (first === undefined) return { parts, missing: [] };
  if (parts.length > 1) {
    for (const part of parts) {
      if (part.header.split === undefined)
        throw new OpenError(`${part.source.name} is a whole kdump, no part of a split one; name it alone`);
      if (part.header.identity !== first.header.identity)
        throw new OpenError(`${first.source.name} and ${part.source.name} are parts of different dumps`);
    }
  }
  let known = 0;
  const missing: string[] = [];
  let previous: KdumpPages | undefined;
  for (const part of parts) {
    if (previous !== undefined && part.start < previous.end) {
      throw new OpenError(
        part.start === previous.start && part.end === previous.end
          ? `${previous.source.name} and ${part.source.name} are the same part of the dump; name each part once`
          : `${previous.source.name} and ${part.source.name} are parts of different dumps: both have page frame ${hex0x(part.start)}`,
      );
    }
    if (part.start > known) missing.push(gap(known, part.start, part));
    known = Math.max(known, part.end);
    if (part.end > part.start) previous = part;
  }
  if (known < first.header.frames) missing.push(gap(known, first.header.frames, first));
  return { parts, missing };
}

function gap(start: number, end: number, { header, source }: KdumpPages): string {
  const size = header.blockSize;
  return `${source.name}: a part of the split dump is missing, with the memory from ${hex0x(start * size)} to ${hex0x(end * size)}; name all parts on the command line`;
}
