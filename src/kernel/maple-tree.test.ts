import { expect, it } from 'vitest';
import { KernelBuilder } from '../../test/builders/kernel.ts';
import { virtAddr, type VirtAddr } from '../base/addr.ts';
import { mapleEntry } from './maple-tree.ts';

const LEAF = 1n;
const ARANGE = 3n;

function withTypes(): KernelBuilder {
  const builder = new KernelBuilder();
  const { types } = builder;
  const u64 = types.int('unsigned long', 8);
  types.struct('maple_tree', 16, [{ name: 'ma_root', type: u64, offset: 8 }]);
  const node = (name: string, pivots: number): number =>
    types.struct(name, 256, [
      { name: 'pivot', type: types.array(u64, pivots), offset: 8 },
      { name: 'slot', type: types.array(u64, pivots + 1), offset: 8 + pivots * 8 },
    ]);
  node('maple_range_64', 15);
  node('maple_arange_64', 9);
  return builder;
}

/** A node as its parent refers to it. */
function node(builder: KernelBuilder, type: bigint, pivots: readonly bigint[], slots: readonly bigint[]): bigint {
  const page = builder.allocate(4096);
  const count = type === ARANGE ? 9 : 15;
  for (const [index, pivot] of pivots.entries()) builder.u64(page + 8n + BigInt(index * 8), pivot);
  for (const [index, slot] of slots.entries()) builder.u64(page + 8n + BigInt((count + index) * 8), slot);
  return page | (type << 3n) | 4n;
}

function look(builder: KernelBuilder, root: bigint, index: bigint): VirtAddr | undefined {
  const tree = builder.allocate(16);
  builder.u64(tree + 8n, root);
  return mapleEntry(builder.build(), tree, index);
}

it('leads through inner nodes to the entry that covers an index', () => {
  const builder = withTypes();
  const [a, b, c] = [0x1000n, 0x2000n, 0x3000n];
  const low = node(builder, LEAF, [9n, 19n, 29n], [0n, a, 0n]);
  const high = node(builder, LEAF, [39n, 49n], [b, 0n, c]);
  const root = node(builder, ARANGE, [29n, 99n], [low, high]) | 2n;
  const at = (index: bigint): VirtAddr | undefined => look(builder, root, index);
  expect([5n, 10n, 19n, 25n, 30n, 39n, 45n, 50n, 99n].map(at)).toEqual([
    undefined,
    virtAddr(a),
    virtAddr(a),
    undefined,
    virtAddr(b),
    virtAddr(b),
    undefined,
    virtAddr(c),
    virtAddr(c),
  ]);
});

it('takes a root that is the only entry, at 0', () => {
  const builder = withTypes();
  expect(look(builder, 0x5000n, 0n)).toBe(0x5000n);
  expect(look(builder, 0x5000n, 1n)).toBeUndefined();
  expect(look(builder, 0n, 0n)).toBeUndefined();
});

it('does not follow a node that leads back to itself for ever', () => {
  const builder = withTypes();
  const page = builder.allocate(4096);
  builder.u64(page + 8n, 99n).u64(page + 8n + 72n, page | (ARANGE << 3n) | 4n);
  expect(look(builder, page | (ARANGE << 3n) | 6n, 5n)).toBeUndefined();
});
