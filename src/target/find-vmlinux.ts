/**
 * Where a dump's vmlinux is looked for when the user names none: by build-id where the dump tells it, else every
 * candidate by name, of which the one that is proved to fit is taken. Every place looked at is remembered: when
 * nothing fits, the user is told them.
 */

import { attempt, messageOf, OpenError } from '../base/errors.ts';
import type { Host } from '../base/host.ts';
import { FileSource } from '../bytes/byte-source.ts';
import { ElfFile } from '../formats/elf/elf-file.ts';
import type { DumpImage } from '../formats/dump-image.ts';
import { buildIdOfElf } from './vmlinux.ts';

export interface Candidate {
  readonly elf: ElfFile;
  readonly buildId: string | undefined;
}

/** Opens a file as ELF. Throws OpenError with what is wrong with it. */
export function openElf(host: Host, path: string): ElfFile {
  const file = host.open(path);
  if (file === undefined) throw new OpenError(`${path}: ${host.whyNot(path)}`);
  if (file.size === 0) throw new OpenError(`${path}: is empty`);
  try {
    return new ElfFile(new FileSource(file));
  } catch (error) {
    throw new OpenError(messageOf(error));
  }
}

/** @throws OpenError where no candidate has the build-id, with everything that was looked at */
export function findVmlinux(image: DumpImage, host: Host, debugFolders: readonly string[]): Candidate[] {
  const wanted = image.vmcoreinfo?.buildId;
  const release = image.vmcoreinfo?.release;
  const looked: string[] = [];
  const found: Candidate[] = [];
  for (const path of candidatePaths(image.path, wanted, release, host, debugFolders)) {
    const file = host.open(path);
    const elf = file && attempt(() => new ElfFile(new FileSource(file)));
    const buildId = elf && buildIdOfElf(elf);
    const fits = elf !== undefined && (wanted === undefined || buildId === wanted);
    looked.push(`${path}${elf === undefined ? '' : fits ? '' : ` (build-id ${buildId ?? 'none'})`}`);
    if (fits) found.push({ elf, buildId });
    if (fits && wanted !== undefined) break;
  }
  if (found.length === 0) throw new OpenError(notFound(image, wanted, release, looked));
  return found;
}

function notFound(
  image: DumpImage,
  buildId: string | undefined,
  release: string | undefined,
  looked: readonly string[],
): string {
  const what = `${release === undefined ? '' : ` of ${release}`}${buildId === undefined ? '' : ` (build-id ${buildId})`}`;
  return [
    `${image.path}: no vmlinux${what} was found. Name it on the command line: vmscope vmlinux vmcore`,
    'Looked at:',
    ...looked.map((path) => `  ${path}`),
  ].join('\n');
}

function candidatePaths(
  dump: string,
  buildId: string | undefined,
  release: string | undefined,
  host: Host,
  debugFolders: readonly string[],
): string[] {
  const slash = dump.lastIndexOf('/');
  const beside = slash < 0 ? '.' : dump.slice(0, slash) || '/';
  const names = ['vmlinux', ...(release === undefined ? [] : [`vmlinux-${release}`, `vmlinux-${release}.debug`])];
  const besideNames =
    release === undefined
      ? host
          .list(beside)
          .map((entry) => entry.name)
          .filter((name) => name.startsWith('vmlinux'))
      : names;
  const underRoot = (root: string): string[] => [
    ...(buildId === undefined ? [] : [`${root}/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`]),
    ...names.map((name) => `${root}/boot/${name}`),
    ...(release === undefined ? [] : [`${root}/lib/modules/${release}/vmlinux`, `${root}/vmlinux-${release}`]),
  ];
  return [
    ...debugFolders.flatMap((folder) => [...names.map((name) => `${folder}/${name}`), ...underRoot(folder)]),
    ...besideNames.map((name) => `${beside}/${name}`),
    ...underRoot('/usr/lib/debug'),
    ...(release === undefined
      ? []
      : [`/lib/modules/${release}/build/vmlinux`, `/usr/lib/modules/${release}/vmlinux`, `/boot/vmlinux-${release}`]),
  ];
}
