/** Which of the files on the command line are the dump and which its vmlinux: the order is free, as in crash. */

import { UsageError } from '../../base/errors.ts';
import { FileSource, readUpTo } from '../../bytes/byte-source.ts';
import { ET_CORE } from '../../formats/elf/constants.ts';
import { looksLikeElf } from '../../formats/elf/elf-file.ts';
import { BZIMAGE_HEAD, looksLikeBzImage } from '../../formats/bzimage.ts';
import { looksFlattened } from '../../formats/flattened.ts';
import { looksLikeKdump } from '../../formats/kdump/kdump.ts';
import { NodeHost } from './host.ts';

const E_TYPE = 16;

export interface Files {
  /** One, or the parts of a split one. */
  readonly dumps: readonly string[];
  /** Undefined where none was named. */
  readonly vmlinux: string | undefined;
}

/** Throws UsageError where no file, or more than one beside the dump, can be what it must be. */
export function tellFilesApart(paths: readonly string[]): Files {
  const kinds = paths.map(kindOf);
  const programs = paths.filter((_, index) => kinds[index] === 'program');
  const unknown = paths.filter((_, index) => kinds[index] === 'unknown');
  if (paths.length === 1) return { dumps: paths, vmlinux: undefined };
  if (programs.length > 1) {
    throw new UsageError(
      programs.length === paths.length
        ? `neither of ${programs.join(', ')} is a memory image: they are programs, as a vmlinux is`
        : `${programs.join(' and ')} are programs, as a vmlinux is; name one of them`,
    );
  }
  // What is neither is taken for the vmlinux where there is no other; the engine says what is wrong with it.
  const vmlinux = programs[0] ?? (unknown.length === 1 || paths.length === 2 ? unknown[0] : undefined);
  return { dumps: paths.filter((path) => path !== vmlinux), vmlinux };
}

/** Of what is neither an ELF file nor a dump only the one thing is known that it is no vmlinux. */
function kindOf(path: string): 'dump' | 'program' | 'unknown' {
  const file = new NodeHost().open(path);
  if (file === undefined) return 'unknown';
  try {
    const head = readUpTo(new FileSource(file), 0, BZIMAGE_HEAD);
    if (looksLikeKdump(head) || looksFlattened(head)) return 'dump';
    if (looksLikeBzImage(head)) return 'program';
    if (!looksLikeElf(head) || head.length < E_TYPE + 2) return 'unknown';
    return new DataView(head.buffer, head.byteOffset).getUint16(E_TYPE, true) === ET_CORE ? 'dump' : 'program';
  } finally {
    file.close();
  }
}
