import { describe, expect, it } from 'vitest';
import { SlabBuilder, type SlabOptions } from '../../test/builders/slab.ts';
import { addVirt } from '../base/addr.ts';
import { objectPlace, objectState, slabAt, slabCaches, slabObjectAt, type SlabObject } from './slab.ts';

/** The states of all objects of a slab, by index. */
function statesOf(builder: SlabBuilder, slab: ReturnType<SlabBuilder['slab']>, count: number): unknown[] {
  const kernel = builder.kernel.build();
  return Array.from({ length: count }, (_, index) => {
    const object = slabObjectAt(kernel, slab.object(index));
    return object && objectState(kernel, object);
  });
}

describe('objects of SLUB', () => {
  it('finds the object, its index and the offset in it', () => {
    const builder = new SlabBuilder();
    const slab = builder.slab([]);
    const found = slabObjectAt(builder.kernel.build(), addVirt(slab.object(3), 17));
    expect(found).toMatchObject({ object: slab.object(3), index: 3, offset: 17, slab: slab.address });
    expect(found?.cache).toMatchObject({ address: builder.cache, name: 'things', size: 128, objectSize: 120 });
  });

  it('has a negative offset in the red zone before an object', () => {
    const builder = new SlabBuilder({ size: 192, objectSize: 100, padding: 64 });
    const slab = builder.slab([]);
    const kernel = builder.kernel.build();
    expect(slabObjectAt(kernel, addVirt(slab.memory, 192 + 10))).toMatchObject({
      index: 1,
      object: slab.object(1),
      offset: -54,
    });
    expect(slabObjectAt(kernel, addVirt(slab.object(1), 101))).toMatchObject({ index: 1, offset: 101 });
  });

  it('knows no object behind the last, in other pages, and outside the direct map', () => {
    const builder = new SlabBuilder({ size: 120, objectSize: 120 });
    const slab = builder.slab([]);
    const kernel = builder.kernel.build();
    const behind = addVirt(slab.memory, 34 * 120);
    expect(slabObjectAt(kernel, addVirt(behind, -1))?.index).toBe(33);
    expect(slabObjectAt(kernel, behind)).toBeUndefined();
    expect(slabAt(kernel, behind)?.address).toBe(slab.address);
    expect(slabObjectAt(kernel, addVirt(slab.memory, 4096))).toBeUndefined();
    expect(slabObjectAt(kernel, builder.cache)).toBeUndefined();
  });

  it.each<SlabOptions>([
    { mark: 'type', tails: 'mask' },
    { mark: 'type', tails: 'pointer' },
    { mark: 'flag', tails: 'pointer' },
  ])('finds the slab from its tail pages: %o', (options) => {
    const builder = new SlabBuilder({ ...options, order: 2, size: 1000, objectSize: 1000 });
    const slab = builder.slab([]);
    const kernel = builder.kernel.build();
    expect(slabObjectAt(kernel, addVirt(slab.memory, 3 * 4096 + 5))).toMatchObject({
      index: 12,
      offset: 293,
      slab: slab.address,
    });
  });

  it('takes no page that is not marked', () => {
    const builder = new SlabBuilder();
    const slab = builder.slab([]);
    builder.kernel.u32(slab.address + 48n, 0xffff_ffff);
    expect(slabObjectAt(builder.kernel.build(), slab.memory)).toBeUndefined();
  });

  it('takes a marked slab of a cache that is not on the list, and none whose cache cannot be one', () => {
    const builder = new SlabBuilder();
    const [lost, wild] = [builder.slab([]), builder.slab([], { cache: addVirt(builder.cache, 4) })];
    const head = builder.kernel.variable('other', 16);
    builder.kernel.u64(builder.cache + 40n, head).u64(head, head);
    const kernel = builder.kernel.build();
    expect(slabObjectAt(kernel, lost.memory)?.cache.name).toBe('things');
    expect(slabObjectAt(kernel, wild.memory)).toBeUndefined();
  });

  it('lists the caches, the newest first', () => {
    const builder = new SlabBuilder();
    builder.addCache('others');
    expect(slabCaches(builder.kernel.build()).map((cache) => cache.name)).toEqual(['others', 'things']);
  });
});

describe('free objects of SLUB', () => {
  it.each<SlabOptions>([
    { stored: 'plain' },
    { stored: 'xored' },
    { stored: 'swapped' },
    { stored: 'swapped', padding: 8, freePointer: 0 },
    { described: 'page', mark: 'flag', stored: 'xored' },
  ])('are those on the freelist: %o', (options) => {
    const builder = new SlabBuilder({ size: 1024, objectSize: 1000, ...options });
    const slab = builder.slab([2, 0]);
    expect(statesOf(builder, slab, 4)).toEqual(['free', 'allocated', 'free', 'allocated']);
  });

  it("are those on a CPU's freelist, be it online or not", () => {
    const builder = new SlabBuilder({ size: 1024, objectSize: 1000, stored: 'swapped' });
    const slab = builder.slab([0]);
    builder.activate(1, slab, [3, 1]);
    expect(statesOf(builder, slab, 4)).toEqual(['free', 'free', 'allocated', 'free']);
    const kernel = builder.kernel.build();
    const object = slabObjectAt(kernel, slab.object(3));
    expect(object && objectPlace(kernel, object)).toEqual({ state: 'free', stocked: { kind: 'cpu', of: 1 } });
  });

  it('are those in sheaves, which the slab counts in use', () => {
    const builder = new SlabBuilder({ size: 1024, objectSize: 1000, sheaves: true });
    const slab = builder.slab([]);
    builder
      .sheaf(0, 'main', [slab.object(1)])
      .sheaf(1, 'spare', [slab.object(2)])
      .sheaf(1, 'rcu_free', [slab.object(3)]);
    expect(statesOf(builder, slab, 4)).toEqual(['allocated', 'free', 'free', 'allocated']);
    const kernel = builder.kernel.build();
    const waiting = slabObjectAt(kernel, slab.object(3));
    expect(waiting && objectPlace(kernel, waiting).stocked).toEqual({ kind: 'rcu-sheaf', of: 1 });
  });
});

describe('damaged freelists', () => {
  const options: SlabOptions = { size: 1024, objectSize: 1000, stored: 'swapped' };

  it('that loop leave the others unknown', () => {
    const builder = new SlabBuilder(options);
    const slab = builder.slab([2, 0]);
    slab.point(0, slab.object(2));
    const [first, second, third] = statesOf(builder, slab, 4);
    expect([first, third]).toEqual(['free', 'free']);
    expect(second).toEqual({ unknown: expect.stringContaining(`points back at ${slab.object(2).toString(16)}`) });
  });

  it('that lead out of the slab leave the others unknown, and say where', () => {
    const builder = new SlabBuilder(options);
    const other = builder.slab([1, 0]);
    const slab = builder.slab([2, 0], { inUse: 1 });
    slab.point(0, 0xdead_beef_0000n);
    const kernel = builder.kernel.build();
    for (const object of [other.object(1), slab.object(1)].map((at) => slabObjectAt(kernel, at))) {
      const state = object && objectState(kernel, object);
      if (object?.slab === other.address) expect(state).toBe('free');
      else
        expect(state).toEqual({
          unknown: `its freelist breaks: free object ${slab.object(0).toString(16)} points at deadbeef0000, which is no object of the slab`,
        });
    }
  });

  it('that end too early leave the others unknown', () => {
    const builder = new SlabBuilder(options);
    const slab = builder.slab([2], { inUse: 2 });
    expect(statesOf(builder, slab, 4)[0]).toEqual({ unknown: 'its freelist has 1 objects, its counts say 2' });
  });

  it('whose objects cannot be read leave the others unknown', () => {
    const builder = new SlabBuilder({ ...options, size: 4096, objectSize: 4000, order: 1 });
    const slab = builder.slab([1], { inUse: 0 });
    builder.kernel.physical.remove(0x4_0001 * 4096);
    expect(statesOf(builder, slab, 2)).toEqual([{ unknown: expect.stringContaining('cannot be read') }, 'free']);
  });

  it('of a sheaf that claims too much leave objects unknown', () => {
    const builder = new SlabBuilder({ ...options, sheaves: true });
    const slab = builder.slab([]);
    builder.sheaf(0, 'main', [slab.object(1)], 1 << 20);
    expect(statesOf(builder, slab, 1)).toEqual([{ unknown: expect.stringContaining('claims 1048576 objects') }]);
  });
});

describe('objects that are not SLUB’s own', () => {
  it.each(['array', 'pointer'] as const)('are guarded by KFENCE, with their state in its %s', (array) => {
    for (const [number, state] of [
      [1, 'allocated'],
      [2, 'free'],
    ] as const) {
      const builder = new SlabBuilder();
      const slab = builder.slab([]);
      const object = builder.guard(slab, 4096 - 104, number, array);
      const kernel = builder.kernel.build();
      const found = slabObjectAt(kernel, addVirt(object, 40));
      expect(found).toMatchObject({ object, index: 0, offset: 40 });
      expect(found && objectState(kernel, found)).toBe(state);
    }
  });
});

describe('objects of SLAB', () => {
  const options: SlabOptions = { allocator: 'slab', described: 'page', mark: 'flag', size: 512, objectSize: 500 };

  it('begin where the slab says, and are free by its list of numbers or in an array cache', () => {
    const builder = new SlabBuilder({ ...options, padding: 16 });
    const slab = builder.slab([]);
    builder.indexed(slab, 64, [3, 0], [5], 1);
    const kernel = builder.kernel.build();
    const at = (index: number): SlabObject | undefined =>
      slabObjectAt(kernel, addVirt(slab.memory, 64 + index * 512 + 20));
    expect(at(1)).toMatchObject({ index: 1, offset: 4, object: addVirt(slab.memory, 64 + 512 + 16) });
    expect(slabObjectAt(kernel, addVirt(slab.memory, 10))).toBeUndefined();
    const states = [0, 1, 2, 3, 4, 5, 6].map((index) => {
      const object = at(index);
      return object && objectState(kernel, object);
    });
    expect(states).toEqual(['free', 'allocated', 'allocated', 'free', 'allocated', 'free', 'allocated']);
  });

  it('are unknown where the list is damaged', () => {
    const builder = new SlabBuilder(options);
    const slab = builder.slab([]);
    builder.indexed(slab, 0, [3, 3]);
    const unknown = { unknown: expect.stringContaining('which is there twice') };
    expect(statesOf(builder, slab, 4)).toEqual([unknown, unknown, unknown, 'free']);
  });
});
