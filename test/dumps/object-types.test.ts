/**
 * What slab objects are inferred to be, beside what typed pointers of the kernel's own structures say of the same
 * addresses: an independent source, since a cache's name and an object's contents are all the inference uses here.
 */

import { describe, expect, it } from 'vitest';
import { attempt } from '../../src/base/errors.ts';
import type { VirtAddr } from '../../src/base/addr.ts';
import { StructView, containerOf } from '../../src/values/struct-view.ts';
import { rbNodes } from '../../src/kernel/rbtree.ts';
import { slabObjectAt } from '../../src/kernel/slab.ts';
import { ObjectTypes } from '../../src/query/object-type.ts';
import { Fixture, fixtureNames } from './fixture.ts';

/** Members of task_struct, and what their declarations say they point at. */
const pointers: readonly (readonly [member: string, type: string])[] = [
  ['mm', 'mm_struct'],
  ['active_mm', 'mm_struct'],
  ['files', 'files_struct'],
  ['fs', 'fs_struct'],
  ['signal', 'signal_struct'],
  ['sighand', 'sighand_struct'],
  ['cred', 'cred'],
  ['thread_pid', 'pid'],
  ['real_parent', 'task_struct'],
];

describe.each(fixtureNames)('objects of %s', (name) => {
  const { kernel, tasks } = new Fixture(name).session;
  const types = new ObjectTypes(kernel);
  const inferred = (address: VirtAddr): string | undefined => {
    const object = slabObjectAt(kernel, address);
    return object === undefined || object.offset !== 0 ? undefined : types.typeOf(object)?.type.name;
  };

  it('that tasks point at are what the declarations say, or not known', () => {
    const seen = new Map<string, number>();
    for (const task of tasks().tasks) {
      for (const [member, type] of pointers) {
        const address = attempt(() => task.view.pointer(member));
        const found = address === undefined || address === 0n ? undefined : inferred(address);
        if (found === undefined) continue;
        expect(found, `${member} of ${task.address.toString(16)}`).toBe(type);
        seen.set(type, (seen.get(type) ?? 0) + 1);
      }
    }
    // Caches that another kernel shares with others may be missing: not these.
    for (const type of ['mm_struct', 'signal_struct', 'sighand_struct', 'task_struct'])
      expect(seen.has(type), type).toBe(true);
  });

  it('of a cache that several kinds share are told by their contents, and never taken for another kind', () => {
    const { memory } = kernel;
    const kset = new StructView(memory, kernel.types.struct('kset'), memory.pointer(kernel.symbol('slab_kset')));
    const folder = kset.follow('kobj.sd');
    const nodeType = kernel.types.struct('kernfs_node');
    expect(folder).toBeDefined();
    if (folder === undefined) return;
    const nodes = rbNodes(memory, folder.at('dir.children')).nodes.map((node) => containerOf(node, nodeType, 'rb'));
    expect(nodes.length).toBeGreaterThan(50);
    const answers = nodes.map(inferred);
    expect(answers.filter((answer) => answer !== undefined && answer !== 'kernfs_node')).toEqual([]);
  });

  it('are found through pointers from others, with what led there', () => {
    const learned = new ObjectTypes(kernel);
    const files = tasks().tasks.flatMap((task) => attempt(() => task.view.pointer('files')) ?? []);
    learned.learn(files);
    const [first] = files.flatMap((address) => (address === 0n ? [] : (slabObjectAt(kernel, address) ?? [])));
    const found = first && learned.typeOf(first);
    if (found !== undefined) expect(found.how.length).toBeGreaterThan(10);
  });
});

describe.each(fixtureNames)('an object of %s', (name) => {
  it('is the same for kmem as for bt -FFF, or not known to it', () => {
    const named = new Map<string, string>();
    for (const line of new Fixture(name).run('foreach bt -FFF')) {
      const [, address, type] = /\[([0-9a-f]{16}):[^\]]+\] ~(\w+)/.exec(line) ?? [];
      if (address !== undefined && type !== undefined && type !== 'task_struct') named.set(address, type);
    }
    expect(named.size).toBeGreaterThan(5);
    const fixture = new Fixture(name);
    const others = [...named].flatMap(([address, type]) => {
      const found = /^ {2}~(\w+)/m.exec(fixture.run(`kmem ${address}`).join('\n'))?.[1];
      return found === undefined || found === type ? [] : [`${address}: ${type}, ${found}`];
    });
    expect(others).toEqual([]);
  });
});

describe('bt -FFF of nfs', () => {
  const text = new Fixture('nfs').run('bt -FFF').join('\n');

  it('names the request in a cache that bears another name, the inode and its members, and says from what', () => {
    expect(text).toMatch(/\[[0-9a-f]{16}:\w+\] ~nfs_page \n/);
    expect(text).toMatch(/:nfs_inode_cache\] ~nfs_inode\+0x[0-9a-f]+ \(\.vfs_inode\)/);
    expect(text).toMatch(/~nfs_inode\+0x[0-9a-f]+ \(\.vfs_inode\.i_data\)/);
    expect(text).toMatch(/:filp\] ~file /);
    expect(text).toMatch(/\(~nfs_inode: the cache is named nfs_inode_cache and its objects have the size of one/);
    expect(text).toMatch(/\(~nfs_page: of \d+ kinds that share the cache/);
  });

  it('agrees with the types: offsets are those of the members', () => {
    const { kernel } = new Fixture('nfs').session;
    const inode = kernel.userTypes.struct('nfs_inode');
    const offset = inode.members.find((member) => member.name === 'vfs_inode')?.offset ?? -1;
    expect(text).toContain(`~nfs_inode+0x${offset.toString(16)} (.vfs_inode)`);
  });
});
