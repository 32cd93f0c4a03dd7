/**
 * Which struct the objects of a slab cache are, as far as the cache's name tells. KMEM_CACHE() (include/linux/slab.h)
 * names a cache for its struct; others have `_cache` behind it, or a name of their own. A name is believed only where
 * the size agrees, and what comes out is inferred, not known.
 */

import type { CompoundType } from '../debuginfo/types/type.ts';
import type { Kernel } from './kernel.ts';

/** Caches whose names do not say their struct. */
const ownNames: Readonly<Record<string, string>> = {
  bdev_cache: 'bdev_inode',
  cred_jar: 'cred',
  files_cache: 'files_struct',
  filp: 'file',
  fs_cache: 'fs_struct',
  mnt_cache: 'mount',
  names_cache: 'filename',
  net_namespace: 'net',
  numa_policy: 'mempolicy',
  PING: 'inet_sock',
  RAW: 'raw_sock',
  RAWv6: 'raw6_sock',
  radix_tree_node: 'xa_node',
  request_sock_TCP: 'tcp_request_sock',
  request_sock_TCPv6: 'tcp6_request_sock',
  rpc_tasks: 'rpc_task',
  sighand_cache: 'sighand_struct',
  signal_cache: 'signal_struct',
  sigqueue: 'sigqueue',
  skbuff_head_cache: 'sk_buff',
  sock_inode_cache: 'socket_alloc',
  TCP: 'tcp_sock',
  TCPv6: 'tcp6_sock',
  UDP: 'udp_sock',
  UDPv6: 'udp6_sock',
  UNIX: 'unix_sock',
};

/** What a struct's name may have that the cache's has not: `ext4_inode_cache` holds `struct ext4_inode_info`. */
const endings = ['', '_struct', '_info', '_desc', '_entry', '_node', '_t'];

/**
 * The struct a cache is named for, whose size agrees; undefined where none is.
 * @param name the cache's own, or one of those merged into it
 */
export function structOfCacheName(kernel: Kernel, name: string, objectSize: number): CompoundType | undefined {
  for (const candidate of candidates(name)) {
    const type = kernel.userTypes.compound('struct', candidate);
    if (type === undefined) continue;
    // Of a struct that ends in an array or an FPU state, an object has as much as it needs.
    if (sizeAgrees(type.size, objectSize) || (candidate === name && type.size > objectSize)) return type;
  }
  return undefined;
}

function* candidates(name: string): Generator<string> {
  const own = ownNames[name];
  if (own !== undefined) yield own;
  const stem = name.replace(/(_cachep?|_slabs?|_pool|_jar)$/, '').replaceAll('-', '_');
  for (const base of new Set([name, stem, stem.replace(/s$/, '')]))
    for (const ending of endings) yield `${base}${ending}`;
}

/** A cache's objects are as large as the struct, or somewhat larger: alignment, an FPU state behind a task_struct. */
export function sizeAgrees(structSize: number, objectSize: number): boolean {
  return structSize > 0 && structSize <= objectSize && structSize > objectSize / 2;
}
