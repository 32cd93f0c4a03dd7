/** Which struct a slab object is, of caches that are one kind's, that two kinds share, and that are for anything. */

import { describe, expect, it } from 'vitest';
import { SlabBuilder, type BuiltSlab } from '../../test/builders/slab.ts';
import { addVirt, type VirtAddr } from '../base/addr.ts';
import { TEXT } from '../../test/builders/kernel.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { slabObjectAt } from '../kernel/slab.ts';
import { ObjectTypes } from './object-type.ts';
import { plausibility } from './plausibility.ts';

const SIZE = 120;

/** struct things: two list_heads, a pointer to itself, a function. struct others: a pointer to itself, a list_head, a bool. */
function build(names: readonly string[]): { builder: SlabBuilder; slab: BuiltSlab } {
  const builder = new SlabBuilder({ objectSize: SIZE });
  const { types } = builder.kernel;
  const pointer = types.pointer(0);
  const list = types.struct('list_head', 16, [
    { name: 'next', type: pointer, offset: 0 },
    { name: 'prev', type: pointer, offset: 8 },
  ]);
  const bool = types.int('_Bool', 1, { bool: true });
  const call = types.pointer(types.prototype(0, []));
  const self = types.pointer(types.nextId + 1);
  const things = types.struct('things', SIZE, [
    { name: 'first', type: list, offset: 0 },
    { name: 'second', type: list, offset: 16 },
    { name: 'self', type: self, offset: 32 },
    { name: 'call', type: call, offset: 40 },
  ]);
  const another = types.pointer(types.nextId + 1);
  types.struct('others', SIZE, [
    { name: 'self', type: another, offset: 0 },
    { name: 'link', type: list, offset: 72 },
    { name: 'yes', type: bool, offset: 100 },
  ]);
  const thing = types.pointer(things);
  types.struct('holder', SIZE, [{ name: 'thing', type: thing, offset: 8 }]);
  builder.links(names.map((name) => [name, builder.cache] as const));
  return { builder, slab: builder.slab([]) };
}

function empty(builder: SlabBuilder, head: VirtAddr): void {
  builder.kernel.u64(head, head).u64(head + 8n, head);
}

function makeThing(builder: SlabBuilder, at: VirtAddr): void {
  empty(builder, at);
  empty(builder, addVirt(at, 16));
  builder.kernel.u64(at + 32n, at).u64(at + 40n, TEXT + 0x10n);
}

function makeOther(builder: SlabBuilder, at: VirtAddr): void {
  builder.kernel.u64(at, at);
  empty(builder, addVirt(at, 72));
}

function typeAt(kernel: Kernel, address: VirtAddr, types = new ObjectTypes(kernel)): string | undefined {
  const object = slabObjectAt(kernel, address);
  if (object === undefined) throw new Error('no object');
  return types.typeOf(object)?.type.name;
}

describe('an object of a cache', () => {
  it('of one kind is that', () => {
    const { builder, slab } = build(['things']);
    const kernel = builder.kernel.build();
    expect(typeAt(kernel, slab.object(0))).toBe('things');
    expect(typeAt(kernel, addVirt(slab.object(3), 50))).toBe('things');
  });

  it('of two kinds is what its contents say, or nothing', () => {
    const { builder, slab } = build(['things', 'others']);
    const { kernel: memory } = builder;
    makeThing(builder, slab.object(0));
    makeOther(builder, slab.object(1));
    // 2 is zero; 3 is noise; 4 is a thing whose function is no code; 5 is another whose bool is none.
    for (let offset = 0n; offset < 112n; offset += 8n)
      memory.u64(slab.object(3) + offset, 0xdead_4ead_0000_0000n + offset * 77n);
    makeThing(builder, slab.object(4));
    memory.u64(slab.object(4) + 40n, 0xffff_9000_0000_0123n);
    makeOther(builder, slab.object(5));
    memory.u32(slab.object(5) + 100n, 7);
    const kernel = memory.build();
    expect([0, 1, 2, 3, 4, 5].map((index) => typeAt(kernel, slab.object(index)))).toEqual([
      'things', 'others', undefined, undefined, undefined, undefined,
    ]); // prettier-ignore
  });

  it('for anything is what typed pointers lead to it as', () => {
    const { builder, slab } = build(['things', 'holders']);
    const holder = slab.object(6);
    const pointed = slab.object(7);
    makeThing(builder, pointed);
    const kernel = builder.kernel.build();
    const types = new ObjectTypes(kernel);
    types.learn([holder, pointed]);
    expect(typeAt(kernel, holder, types)).toBeUndefined();
    expect(typeAt(kernel, pointed, types)).toBe('things');
  });
});

it('what lies behind an object says nothing of it', () => {
  const { builder, slab } = build(['things']);
  makeThing(builder, slab.object(0));
  builder.kernel.u64(slab.object(0) + 40n, 1n);
  const kernel = builder.kernel.build();
  const type = kernel.types.struct('things');
  expect(plausibility(kernel, type, slab.object(0)).against).toBe('call');
  expect(plausibility(kernel, type, slab.object(0), 40)).toEqual({ signs: 10, witnesses: 3, against: undefined });
});
