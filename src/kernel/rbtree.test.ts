import { describe, expect, it } from 'vitest';
import { KernelBuilder } from '../../test/builders/kernel.ts';
import type { VirtAddr } from '../base/addr.ts';
import { rbFind, rbNodes } from './rbtree.ts';

/** A perfect tree of 2^height − 1 nodes, and its nodes in order. */
function tree(builder: KernelBuilder, height: number): { root: VirtAddr; nodes: VirtAddr[] } {
  const nodes: VirtAddr[] = [];
  const grow = (depth: number): bigint => {
    if (depth === 0) return 0n;
    const left = grow(depth - 1);
    const node = builder.allocate(24);
    nodes.push(node);
    const right = grow(depth - 1);
    builder.u64(node + 8n, right).u64(node + 16n, left);
    return node;
  };
  const root = builder.allocate(8);
  builder.u64(root, grow(height));
  return { root, nodes };
}

describe('a red-black tree', () => {
  it('gives its nodes in order', () => {
    const builder = new KernelBuilder();
    const { root, nodes } = tree(builder, 5);
    expect(rbNodes(builder.build().memory, root)).toEqual({ nodes, broken: undefined });
    expect(nodes).toHaveLength(31);
  });

  it('gives nothing of an empty tree', () => {
    const builder = new KernelBuilder();
    const { root } = tree(builder, 0);
    expect(rbNodes(builder.build().memory, root)).toEqual({ nodes: [], broken: undefined });
    expect(rbFind(builder.build().memory, root, () => 0)).toBeUndefined();
  });

  it('visits no node twice where links loop', () => {
    const builder = new KernelBuilder();
    const { root, nodes } = tree(builder, 3);
    builder.u64((nodes[6] ?? 0n) + 8n, nodes[3] ?? 0n);
    const walk = rbNodes(builder.build().memory, root);
    expect(walk.nodes).toEqual(nodes);
    expect(walk.broken).toBe(`it loops back to ${nodes[3]?.toString(16)}`);
  });

  it('leaves out what cannot be read', () => {
    const builder = new KernelBuilder();
    const { root, nodes } = tree(builder, 3);
    builder.u64((nodes[5] ?? 0n) + 16n, 0xffff_f000_0000_0000n);
    const walk = rbNodes(builder.build().memory, root);
    expect(walk.nodes).toEqual(nodes.filter((_, index) => index !== 4));
    expect(walk.broken).toContain('cannot read kernel virtual address');
  });

  it('finds a node by comparing, and does not search for ever', () => {
    const builder = new KernelBuilder();
    const { root, nodes } = tree(builder, 4);
    const { memory } = builder.build();
    for (const wanted of nodes) {
      expect(rbFind(memory, root, (node) => nodes.indexOf(wanted) - nodes.indexOf(node))).toBe(wanted);
    }
    builder.u64((nodes[0] ?? 0n) + 16n, nodes[0] ?? 0n);
    expect(rbFind(builder.build().memory, root, () => -1)).toBeUndefined();
  });
});
