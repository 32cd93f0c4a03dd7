/** Which of the files on the command line is the dump and which its vmlinux: the order is free, as in crash. */

import { UsageError } from '../../base/errors.ts';
import { readUpTo } from '../../bytes/byte-source.ts';
import { FileSource } from '../../bytes/byte-source.ts';
import { ET_CORE } from '../../formats/elf/constants.ts';
import { looksLikeElf } from '../../formats/elf/elf-file.ts';
import { NodeHost } from './host.ts';

const ELF_HEADER_START = 20;
const E_TYPE = 16;

export interface Files {
  readonly dump: string;
  /** Undefined where none was named. */
  readonly vmlinux: string | undefined;
}

/** Throws UsageError where both are of one kind. */
export function tellFilesApart(paths: readonly string[]): Files {
  const [first = '', second] = paths;
  if (second === undefined) return { dump: first, vmlinux: undefined };
  const kinds = [kindOf(first), kindOf(second)];
  if (kinds[0] === 'program' && kinds[1] === 'program') {
    throw new UsageError(`neither ${first} nor ${second} is a memory image: both are programs, as a vmlinux is`);
  }
  if (kinds[0] === 'dump' && kinds[1] === 'dump') {
    throw new UsageError(`both ${first} and ${second} are memory images; name one of them, and its vmlinux`);
  }
  const swapped = kinds[0] === 'dump' || kinds[1] === 'program';
  return swapped ? { dump: first, vmlinux: second } : { dump: second, vmlinux: first };
}

/** Of what is no ELF file only the one thing is known that it is no vmlinux; the engine says what is wrong with it. */
function kindOf(path: string): 'dump' | 'program' | 'unknown' {
  const file = new NodeHost().open(path);
  if (file === undefined) return 'unknown';
  try {
    const head = readUpTo(new FileSource(file), 0, ELF_HEADER_START);
    if (!looksLikeElf(head) || head.length < ELF_HEADER_START) return 'unknown';
    return new DataView(head.buffer, head.byteOffset).getUint16(E_TYPE, true) === ET_CORE ? 'dump' : 'program';
  } finally {
    file.close();
  }
}
