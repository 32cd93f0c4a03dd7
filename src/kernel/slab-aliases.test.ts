import { expect, it } from 'vitest';
import { NODE, SlabBuilder } from '../../test/builders/slab.ts';
import { slabAliases, slabCaches } from './slab.ts';

function aliasesOf(builder: SlabBuilder): Record<string, readonly string[]> {
  const kernel = builder.kernel.build();
  return Object.fromEntries(slabCaches(kernel).map((cache) => [cache.name, slabAliases(kernel, cache)]));
}

it('gives the other names of each cache, sorted, and not its own', () => {
  const builder = new SlabBuilder();
  const others = builder.addCache('others');
  builder.links([
    ['nfs_page', builder.cache],
    ['things', builder.cache],
    ['biovec-16', builder.cache],
    ['uid_cache', others],
  ]);
  expect(aliasesOf(builder)).toEqual({ things: ['biovec-16', 'nfs_page'], others: ['uid_cache'] });
});

it('gives what there is of a tree that loops', () => {
  const builder = new SlabBuilder();
  const last = builder.links([['nfs_page', builder.cache]]);
  const node = last + BigInt(NODE.rb);
  builder.kernel.u64(node + 8n, node).u64(node + 16n, node);
  expect(aliasesOf(builder)).toEqual({ things: ['nfs_page'] });
});

it('leaves out a name that cannot be read', () => {
  const builder = new SlabBuilder();
  const last = builder.links([
    ['nfs_page', builder.cache],
    ['lost', builder.cache],
  ]);
  builder.kernel.u64(last + BigInt(NODE.name), 0xdead_0000n);
  expect(aliasesOf(builder)).toEqual({ things: ['nfs_page'] });
});

it('gives none where the kernel has no sysfs', () => {
  expect(aliasesOf(new SlabBuilder())).toEqual({ things: [] });
});
