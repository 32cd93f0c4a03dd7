/**
 * The other names of a merged slab cache. SLUB gives one cache to several users of the same size and keeps the first
 * user's name; the others' are links in /sys/kernel/slab, that is kernfs nodes below `slab_kset`: kernel mm/slub.c
 * (sysfs_slab_alias), include/linux/kernfs.h. A link stays when its user is gone.
 */

import type { VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { StructView, containerOf } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';
import { oncePerKernel } from './once-per-kernel.ts';
import { rbNodes } from './rbtree.ts';
import type { SlabCache } from './slab-cache.ts';

/** enum kernfs_node_type. */
const KERNFS_LINK = 4n;

const aliasesOf = oncePerKernel((kernel) => attempt(() => readAliases(kernel)) ?? new Map<string, string[]>());

/** The names of a cache beside its own, sorted; none where it was not merged or the dump does not tell. */
export function slabAliases(kernel: Kernel, cache: SlabCache): readonly string[] {
  return (aliasesOf(kernel).get(String(cache.address)) ?? []).filter((name) => name !== cache.name);
}

/** The names of all links, by the address of the cache they lead to. */
function readAliases(kernel: Kernel): Map<string, string[]> {
  const { memory, types } = kernel;
  const kset = kernel.struct('kset', memory.pointer(kernel.symbol('slab_kset')));
  const folder = kset.follow('kobj.sd');
  const nodeType = types.struct('kernfs_node');
  const cacheType = types.struct('kmem_cache');
  const link = types.enumerator('KERNFS_LINK')?.value ?? KERNFS_LINK;
  const aliases = new Map<string, string[]>();
  if (folder === undefined) return aliases;
  for (const node of rbNodes(memory, folder.at('dir.children')).nodes) {
    attempt(() => {
      const view = new StructView(memory, nodeType, containerOf(node, nodeType, 'rb'));
      if ((view.integer('flags') & link) === 0n) return;
      const kobject = view.follow('symlink.target_kn')?.pointer('priv');
      if (kobject === undefined) return;
      const cache: VirtAddr = containerOf(kobject, cacheType, 'kobj');
      const names = aliases.get(String(cache)) ?? [];
      names.push(view.string('name', 256));
      aliases.set(String(cache), names);
    });
  }
  for (const names of aliases.values()) names.sort();
  return aliases;
}
