/** Walks over linked lists: whole, empty, broken in every way. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder } from '../../test/builders/kernel.ts';
import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { listForEachEntry } from './list.ts';

function build(count: number): {
  builder: KernelBuilder;
  head: VirtAddr;
  nodes: VirtAddr[];
  walk: () => ReturnType<typeof listForEachEntry>;
} {
  const builder = new KernelBuilder();
  const { types } = builder;
  const pointer = types.pointer(0);
  const listHead = types.struct('list_head', 16, [
    { name: 'next', type: pointer, offset: 0 },
    { name: 'prev', type: pointer, offset: 8 },
  ]);
  types.struct('item', 64, [{ name: 'list', type: listHead, offset: 24 }]);
  const head = builder.variable('items', 16);
  const nodes = Array.from({ length: count }, () => builder.allocate(64));
  const links = [head, ...nodes.map((node) => addVirt(node, 24))];
  for (const [index, link] of links.entries()) builder.u64(link, links[(index + 1) % links.length] ?? head);
  return {
    builder,
    head,
    nodes,
    walk: () => {
      const kernel = builder.build();
      return listForEachEntry(kernel.memory, head, kernel.types.struct('item'), 'list');
    },
  };
}

describe('listForEachEntry', () => {
  it('gives the structures around the links, in order', () => {
    const { nodes, walk } = build(3000);
    expect(walk()).toEqual({ entries: nodes, broken: undefined });
    expect(build(0).walk()).toEqual({ entries: [], broken: undefined });
  });

  it('says that a next pointer is NULL, after what came before', () => {
    const { builder, nodes, walk } = build(3);
    builder.u64(addVirt(nodes[1] ?? virtAddr(0), 24), 0n);
    expect(walk()).toEqual({ entries: nodes.slice(0, 2), broken: 'a link is NULL' });
  });

  it('says where a list loops without its head', () => {
    const { builder, nodes, walk } = build(5);
    const back = addVirt(nodes[1] ?? virtAddr(0), 24);
    builder.u64(addVirt(nodes[3] ?? virtAddr(0), 24), back);
    expect(walk()).toEqual({ entries: nodes.slice(0, 4), broken: `it loops back to ${back.toString(16)}` });
    builder.u64(addVirt(nodes[3] ?? virtAddr(0), 24), addVirt(nodes[3] ?? virtAddr(0), 24));
    expect(walk().entries).toHaveLength(4);
  });

  it('says where memory ends', () => {
    const { builder, nodes, walk } = build(2);
    builder.u64(addVirt(nodes[1] ?? virtAddr(0), 24), 0xffff_9999_0000_0000n);
    const { entries, broken } = walk();
    expect(entries.slice(0, 2)).toEqual(nodes);
    expect(broken).toBe('cannot read kernel virtual address ffff999900000000: not mapped');
  });
});
