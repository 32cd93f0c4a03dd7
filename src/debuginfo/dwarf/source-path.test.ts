/** Source paths as compilers of several distributions write them. */

import { describe, expect, it } from 'vitest';
import { joinPath, treePath } from './source-path.ts';

describe('treePath', () => {
  it.each([
    ['fs/nfs/write.c', undefined, 'fs/nfs/write.c'],
    ['./fs/nfs/../nfs/write.c', undefined, 'fs/nfs/write.c'],
    ['../../fs/nfs/write.c', '/build/linux/debian/build/amd64', 'fs/nfs/write.c'],
    ['/build/linux-6.1.192/fs/nfs/write.c', '/build/linux-6.1.192', 'fs/nfs/write.c'],
    ['/usr/src/kernels/linux-5.14.0-503/mm/slub.c', undefined, 'mm/slub.c'],
    ['/usr/src/debug/kernel-5.14.0/linux-5.14.0-503.el9.x86_64/kernel/panic.c', undefined, 'kernel/panic.c'],
    ['/build/linux/arch/x86/include/asm/spinlock.h', '/elsewhere', 'arch/x86/include/asm/spinlock.h'],
    ['debian/build/source_rt/fs/nfs/write.c', 'debian/build/build_amd64_rt_amd64', 'fs/nfs/write.c'],
    ['/build/linux-6.1.192/debian/build/source_rt/arch/x86/kernel/head_64.S', '/b', 'arch/x86/kernel/head_64.S'],
    ['/home/me/module/main.c', '/home/me/module', 'main.c'],
    ['/home/me/module/main.c', '/other', '/home/me/module/main.c'],
    ['/lib/rustlib/src/rust/library/core/src/fmt.rs', undefined, '/lib/rustlib/src/rust/library/core/src/fmt.rs'],
  ])('%s (compiled in %s) is %s', (path, directory, wanted) => {
    expect(treePath(path, directory)).toBe(wanted);
  });

  it('joins names to directories unless they are absolute', () => {
    expect(joinPath('fs', 'a.c')).toBe('fs/a.c');
    expect(joinPath('fs', '/a.c')).toBe('/a.c');
    expect(joinPath('', 'a.c')).toBe('a.c');
  });
});
