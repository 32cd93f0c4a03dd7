/**
 * Readers of kernel structures on memory in which words were overwritten: with zeros and ones, with addresses from the
 * same memory (so that lists loop and trees cross), with small numbers. Each ends with an answer or a VmcoreError.
 */

import { describe, it } from 'vitest';
import { KernelBuilder } from '../../test/builders/kernel.ts';
import { below, randomFrom, seeds, survives, type Random } from '../../test/builders/mutate.ts';
import { SlabBuilder } from '../../test/builders/slab.ts';
import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { listForEachEntry } from './list.ts';
import { mapleEntry } from './maple-tree.ts';
import { rbFind, rbNodes } from './rbtree.ts';
import { objectPlace, objectState, slabAliases, slabAt, slabCaches, slabObjectAt } from './slab.ts';

const telling = [0n, 1n, 2n, 8n, 0x7fffn, 0xffff_ffffn, 1n << 63n, 0xffff_ffff_ffff_ffffn];

/** Overwrites one to four of the words at the addresses. */
function spoil(builder: KernelBuilder, random: Random, places: readonly VirtAddr[]): void {
  const any = (): bigint => places[below(random, places.length)] ?? 0n;
  for (let changes = 1 + below(random, 4); changes > 0; changes--) {
    const value =
      random() < 0.5 ? any() + BigInt(below(random, 3) * 8) : (telling[below(random, telling.length)] ?? 0n);
    builder.u64(any(), value);
  }
}

const wordsFrom = (start: VirtAddr, size: number): VirtAddr[] =>
  Array.from({ length: size / 8 }, (_, index) => addVirt(start, index * 8));

describe('damaged structures', () => {
  it('linked lists', () => {
    for (const seed of seeds(1000)) {
      const random = randomFrom(seed);
      const builder = new KernelBuilder();
      const { types } = builder;
      const pointer = types.pointer(0);
      const link = types.struct('list_head', 16, [
        { name: 'next', type: pointer, offset: 0 },
        { name: 'prev', type: pointer, offset: 8 },
      ]);
      types.struct('thing', 32, [{ name: 'list', type: link, offset: 8 }]);
      const nodes = Array.from({ length: 12 }, () => addVirt(builder.allocate(32), 8));
      for (const [index, node] of nodes.entries())
        builder.u64(node, nodes[(index + 1) % 12] ?? 0n).u64(addVirt(node, 8), nodes[(index + 11) % 12] ?? 0n);
      spoil(
        builder,
        random,
        nodes.flatMap((node) => wordsFrom(node, 16)),
      );
      const kernel = builder.build();
      const [head = virtAddr(0)] = nodes;
      survives(seed, () => void listForEachEntry(kernel.memory, head, kernel.types.struct('thing'), 'list'));
    }
  });

  it('red-black trees', () => {
    for (const seed of seeds(1000)) {
      const random = randomFrom(seed);
      const builder = new KernelBuilder();
      const nodes: VirtAddr[] = [];
      const grow = (depth: number): bigint => {
        if (depth === 0) return 0n;
        const node = builder.allocate(24);
        nodes.push(node);
        builder.u64(addVirt(node, 8), grow(depth - 1)).u64(addVirt(node, 16), grow(depth - 1));
        return node;
      };
      const root = builder.allocate(8);
      builder.u64(root, grow(4));
      spoil(builder, random, [root, ...nodes.flatMap((node) => wordsFrom(node, 24))]);
      const { memory } = builder.build();
      survives(seed, () => {
        rbNodes(memory, root);
        rbFind(memory, root, () => (random() < 0.5 ? -1 : 1));
      });
    }
  });

  it('maple trees', () => {
    for (const seed of seeds(500)) {
      const random = randomFrom(seed);
      const builder = new KernelBuilder();
      const { types } = builder;
      const u64 = types.int('unsigned long', 8);
      types.struct('maple_tree', 16, [{ name: 'ma_root', type: u64, offset: 8 }]);
      for (const [name, pivots] of [
        ['maple_range_64', 15],
        ['maple_arange_64', 9],
      ] as const)
        types.struct(name, 256, [
          { name: 'pivot', type: types.array(u64, pivots), offset: 8 },
          { name: 'slot', type: types.array(u64, pivots + 1), offset: 8 + pivots * 8 },
        ]);
      const tree = builder.allocate(16);
      const pages = Array.from({ length: 5 }, () => builder.allocate(4096));
      const encoded = pages.map((page) => page | (BigInt(1 + 2 * below(random, 2)) << 3n) | 6n);
      builder.u64(addVirt(tree, 8), encoded[0] ?? 0n);
      for (const page of pages)
        for (const word of wordsFrom(page, 256)) {
          const value = random() < 0.3 ? encoded[below(random, 5)] : BigInt(below(random, 1 << 20));
          builder.u64(word, value ?? 0n);
        }
      const kernel = builder.build();
      survives(seed, () => {
        for (const index of [0n, 5n, 0xffffn, 1n << 40n, (1n << 64n) - 1n]) mapleEntry(kernel, tree, index);
      });
    }
  });

  it.each([
    {},
    { stored: 'xored' },
    { sheaves: true },
    { allocator: 'slab' },
    { mark: 'flag', tails: 'mask' },
  ] as const)('slab caches, slabs and freelists: %o', (options) => {
    for (const seed of seeds(120)) {
      const random = randomFrom(seed);
      const builder = new SlabBuilder({ ...options, order: 1 });
      const slab = builder.slab([3, 1, 7]);
      const places = [
        ...wordsFrom(builder.cache, 96),
        ...wordsFrom(slab.address, 64),
        ...[3, 1, 7].map((index) => addVirt(slab.object(index), builder.options.freePointer)),
      ];
      spoil(builder.kernel, random, places);
      const kernel = builder.kernel.build();
      survives(seed, () => {
        for (const cache of slabCaches(kernel)) slabAliases(kernel, cache);
        slabAt(kernel, slab.memory);
        for (let at = -64; at < 8192 + 64; at += 56) {
          const object = slabObjectAt(kernel, addVirt(slab.memory, at));
          if (object === undefined) continue;
          objectState(kernel, object);
          objectPlace(kernel, object);
        }
      });
    }
  });
});
