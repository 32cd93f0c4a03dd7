/**
 * Where the vmlinux of a dump may lie, in order of preference: where the user says, where distributions put debug
 * packages and kernels built on the machine, and beside the dump.
 */

import type { Host } from '../base/host.ts';
import { debuginfodCache, unpackedFolder } from './cache-folders.ts';

/** What a dump tells of its kernel. */
export interface WantedKernel {
  /** The dump's path, as the user named it. */
  readonly dump: string;
  /** Hex. */
  readonly buildId: string | undefined;
  /** "6.1.0-9-amd64" */
  readonly release: string | undefined;
  /** "Linux version …", where it is known. */
  readonly banner?: string;
}

/** A folder with the names under which a vmlinux may lie in it. */
export interface VmlinuxPlace {
  readonly folder: string;
  readonly names: readonly string[];
}

const SYSTEM_DEBUG = '/usr/lib/debug';
/** Of the files beside a dump whose names begin with "vmlinux". */
const MOST_OTHERS = 32;

/**
 * The trees of debug files: each may have a .build-id folder, and the paths of stripped files below it. A folder of the
 * user's may be such a tree, or hold one: a package that was unpacked, not installed.
 */
export function debugRoots(debugFolders: readonly string[]): string[] {
  return [...new Set([...debugFolders.flatMap((folder) => [folder, `${folder}${SYSTEM_DEBUG}`]), SYSTEM_DEBUG])];
}

export function vmlinuxPlaces(wanted: WantedKernel, host: Host, debugFolders: readonly string[]): VmlinuxPlace[] {
  const release = wanted.release !== undefined && isName(wanted.release) ? wanted.release : undefined;
  const named = release === undefined ? [] : [`vmlinux-${release}`, `vmlinux-${release}.debug`];
  const usual = ['vmlinux', 'vmlinux.debug', ...named];
  const at = (folder: string): VmlinuxPlace => ({ folder, names: usual });
  const treeOf = (root: string): VmlinuxPlace[] => [
    ...buildIdPlace(root, wanted.buildId),
    at(`${root}/boot`),
    ...(release === undefined
      ? []
      : [
          // Fedora and its kin; the same with /usr merged.
          { folder: `${root}/lib/modules/${release}`, names: usual.slice(0, 2) },
          { folder: `${root}/usr/lib/modules/${release}`, names: usual.slice(0, 2) },
          { folder: root, names: named },
        ]),
  ];
  const own = (folder: string): VmlinuxPlace => ({ folder, names: withOthers(usual, folder, host) });
  return [
    ...debugFolders.map(own),
    ...debugRoots(debugFolders).flatMap(treeOf),
    ...(release === undefined
      ? []
      : [
          { folder: `/lib/modules/${release}/build`, names: ['vmlinux'] },
          { folder: `/usr/lib/modules/${release}/build`, names: ['vmlinux'] },
          { folder: `/lib/modules/${release}`, names: ['vmlinux'] },
          { folder: `/usr/lib/modules/${release}`, names: ['vmlinux'] },
          { folder: '/boot', names: named },
        ]),
    own(folderOf(wanted.dump)),
    ...cachePlaces(wanted.buildId, host),
  ];
}

/** What was unpacked or fetched before. */
function cachePlaces(buildId: string | undefined, host: Host): VmlinuxPlace[] {
  if (buildId === undefined || !isBuildId(buildId)) return [];
  const unpacked = unpackedFolder(host);
  const fetched = debuginfodCache(host);
  return [
    ...(unpacked === undefined ? [] : [{ folder: `${unpacked}/${buildId}`, names: ['vmlinux'] }]),
    ...(fetched === undefined ? [] : [{ folder: `${fetched}/${buildId}`, names: ['debuginfo'] }]),
  ];
}

function buildIdPlace(root: string, buildId: string | undefined): VmlinuxPlace[] {
  if (buildId === undefined || !isBuildId(buildId)) return [];
  return [{ folder: `${root}/.build-id/${buildId.slice(0, 2)}`, names: [`${buildId.slice(2)}.debug`] }];
}

/** Whatever else is called vmlinux there: a build-id or the proof of the load address says whether it is the one. */
function withOthers(names: readonly string[], folder: string, host: Host): string[] {
  const others = host
    .list(folder)
    .filter(({ name, kind }) => kind === 'file' && name.startsWith('vmlinux'))
    .map(({ name }) => name)
    .sort()
    .slice(0, MOST_OTHERS);
  return [...new Set([...names, ...others])];
}

export function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '.' : path.slice(0, slash) || '/';
}

/** What becomes a file's name must lead nowhere else: a release comes from a dump, which may be damaged. */
export function isName(text: string): boolean {
  return /^[\w+.~:@-]+$/.test(text) && text !== '.' && text !== '..';
}

export function isBuildId(text: string): boolean {
  return /^[0-9a-f]{4,128}$/.test(text);
}
