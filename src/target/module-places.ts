/**
 * Where the files of modules are looked for, in order of preference: where the user says, beside the dump and the
 * vmlinux, then where distributions put debug packages and modules. In each tree `updates` goes first, as for depmod.
 */

import type { ModuleFolder, ModulePlaces } from './module-files.ts';
import type { TargetOptions } from './target.ts';
import { debugRoots, folderOf, isName } from './vmlinux-places.ts';

const SYSTEM_DEBUG = '/usr/lib/debug';

/** @param release as the dump has it, which may be damaged: it becomes part of a path only where it is a mere name */
export function modulePlaces(
  vmlinux: string | undefined,
  dump: string,
  release: string | undefined,
  options: Pick<TargetOptions, 'debugFolders' | 'moduleFolders'>,
): ModulePlaces {
  const { debugFolders, moduleFolders } = options;
  const deep = (path: string): ModuleFolder => ({ path, deep: true });
  const flat = (path: string): ModuleFolder => ({ path, deep: false });
  const tree = (path: string): ModuleFolder[] => [deep(`${path}/updates`), deep(`${path}/extra`), deep(path)];
  const ofRelease = (root: string): ModuleFolder[] =>
    release === undefined || !isName(release)
      ? []
      : [...tree(`${root}/lib/modules/${release}`), ...tree(`${root}/usr/lib/modules/${release}`)];
  const besideDump = folderOf(dump);
  const besideVmlinux = vmlinux === undefined ? [] : [folderOf(vmlinux)];
  return {
    release,
    debuginfod: true,
    debugRoots: debugRoots([...moduleFolders, ...debugFolders]),
    folders: [
      ...moduleFolders.flatMap(tree),
      ...debugFolders.flatMap((folder) => [...ofRelease(folder), ...tree(folder)]),
      flat(besideDump),
      deep(`${besideDump}/modules`),
      ...besideVmlinux.map(flat),
      // A vmlinux that lies in the tree of its own modules: lib/modules/RELEASE of a debug package.
      ...besideVmlinux.flatMap((folder) =>
        ['modules', 'updates', 'extra', 'kernel'].map((name) => deep(`${folder}/${name}`)),
      ),
      ...ofRelease(SYSTEM_DEBUG),
      ...ofRelease(''),
    ],
  };
}
