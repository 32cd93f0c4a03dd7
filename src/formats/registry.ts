/** The dump formats there are, told apart by their first bytes. */

import { OpenError } from '../base/errors.ts';
import { hex0x } from '../base/addr.ts';
import { readUpTo, type ByteSource } from '../bytes/byte-source.ts';
import type { DumpImage, PageCodecs } from './dump-image.ts';
import { openElfCore } from './elf-core.ts';
import { looksLikeElf } from './elf/elf-file.ts';
import { FlattenedSource, looksFlattened } from './flattened.ts';
import { FOREIGN_HEAD, foreignAdvice, shownBytes } from './foreign-formats.ts';
import { looksLikeKdump, openKdump } from './kdump/kdump.ts';

const known = 'ELF vmcore, compressed kdump, flattened dump';

/**
 * Opens a memory image of any known format: one file, or the parts of a split dump in any order.
 * @throws OpenError where the format is not known, with what the file begins with
 * @throws FormatError where the file does not follow its format
 */
export function openDump(sources: readonly ByteSource[], codecs: PageCodecs): DumpImage {
  const files = sources.map(unflattened);
  const parts = files.map(({ source }) => source);
  const image = parts.length > 1 ? openParts(parts, codecs) : openOne(parts[0], codecs);
  const flattened = files.filter((file) => file.source !== file.given);
  if (flattened.length === 0) return image;
  return {
    ...image,
    format: `${image.format}, flattened`,
    warnings: [...flattened.flatMap(({ source }) => cutOff(source)), ...image.warnings],
  };
}

interface Unflattened {
  readonly given: ByteSource;
  readonly source: ByteSource;
}

function unflattened(given: ByteSource): Unflattened {
  return { given, source: looksFlattened(readUpTo(given, 0, 16)) ? new FlattenedSource(given) : given };
}

function cutOff(source: ByteSource): string[] {
  return source instanceof FlattenedSource && source.cutOffAt !== undefined
    ? [
        `${source.name}: the flattened stream is cut off or damaged at offset ${hex0x(source.cutOffAt)}; what follows is missing`,
      ]
    : [];
}

function openOne(source: ByteSource | undefined, codecs: PageCodecs): DumpImage {
  if (source === undefined) throw new OpenError('no dump is named');
  const head = readUpTo(source, 0, FOREIGN_HEAD);
  if (looksLikeElf(head)) return openElfCore(source);
  if (looksLikeKdump(head)) return openKdump([source], codecs);
  throw new OpenError(`${source.name}: ${whatItIs(source.name, head)}`);
}

function openParts(sources: readonly ByteSource[], codecs: PageCodecs): DumpImage {
  for (const source of sources) {
    const head = readUpTo(source, 0, FOREIGN_HEAD);
    if (looksLikeKdump(head)) continue;
    throw new OpenError(
      looksLikeElf(head)
        ? `several dumps are named (${sources.map(({ name }) => name).join(', ')}); only the parts of one split kdump are opened together, and ${source.name} is an ELF file`
        : `${source.name}: ${whatItIs(source.name, head)}`,
    );
  }
  return openKdump(sources, codecs);
}

function whatItIs(name: string, head: Uint8Array): string {
  if (head.length === 0) return 'is empty';
  if (head.every((byte) => byte === 0))
    return `begins with ${head.length} zero bytes: no memory image, or one whose writing was never finished`;
  return (
    foreignAdvice(name, head) ??
    `is no memory image in a format that vmscope knows (${known}); it begins with ${shownBytes(head)}`
  );
}
