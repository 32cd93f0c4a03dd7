/**
 * A kernel that checks its slab objects itself, on two memory nodes. Its red zones are an oracle of their own: the byte
 * before each object is 0xcc while it is allocated and 0xbb while it is free (kernel include/linux/poison.h), and KFENCE
 * takes the pages of freed objects out of the page tables.
 */

import { describe, expect, it } from 'vitest';
import { addVirt, virtAddr } from '../../src/base/addr.ts';
import { guardedObjectAt } from '../../src/kernel/kfence.ts';
import { memoryNodeOf } from '../../src/kernel/memory-nodes.ts';
import { pagesOf } from '../../src/kernel/pages.ts';
import { objectState, slabAt, slabObjectAt, type Slab } from '../../src/kernel/slab.ts';
import { Fixture } from './fixture.ts';

const fixture = new Fixture('slub-debug');
const { kernel } = fixture.session;
const pages = pagesOf(kernel);
const RED_INACTIVE = 0xbb;
const RED_ACTIVE = 0xcc;

function* slabs(): Generator<Slab> {
  for (let frame = 0; frame < pages.frames; frame++) {
    const slab = slabAt(kernel, pages.addressOf(frame));
    if (slab !== undefined && slab.memory === pages.addressOf(frame)) yield slab;
  }
}

describe('slub-debug', () => {
  it('has red zones that agree with the state of every object', () => {
    const counts = new Map<string, number>();
    for (const slab of slabs()) {
      if (slab.cache.padding === 0 || guardedObjectAt(kernel, slab.memory) !== undefined) continue;
      for (let index = 0; index < slab.objects; index++) {
        const at = addVirt(slab.first, index * slab.cache.size + slab.cache.padding);
        const object = slabObjectAt(kernel, at);
        const state = object && objectState(kernel, object);
        const key = `${typeof state === 'string' ? state : 'unknown'} ${kernel.memory.u8(addVirt(at, -1)).toString(16)}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    expect([...counts.keys()].sort()).toEqual([
      `allocated ${RED_ACTIVE.toString(16)}`,
      `free ${RED_INACTIVE.toString(16)}`,
    ]);
    expect(counts.get('allocated cc')).toBeGreaterThan(10_000);
    expect(counts.get('free bb')).toBeGreaterThan(1000);
  });

  it('has guarded objects, whose pages are mapped only while they are allocated', () => {
    const states = new Map<string, number>();
    for (const slab of slabs()) {
      const guarded = guardedObjectAt(kernel, slab.memory);
      if (guarded === undefined) continue;
      const found = slabObjectAt(kernel, addVirt(guarded.object, 1));
      expect(found).toMatchObject({ object: guarded.object, offset: 1 });
      const mapped = kernel.memory.walk(guarded.object).physicalAddress !== undefined;
      const key = `${guarded.state} ${mapped ? 'mapped' : 'not mapped'}`;
      states.set(key, (states.get(key) ?? 0) + 1);
    }
    expect([...states.keys()].sort()).toEqual(['allocated mapped', 'free not mapped']);
  });

  it.runIf(fixture.drgn !== undefined)(
    'agrees with drgn, which does not know KFENCE nor red zones before objects',
    () => {
      const wrong: unknown[] = [];
      let same = 0;
      for (const theirs of fixture.drgn?.slab.objects ?? []) {
        const object = slabObjectAt(kernel, virtAddr(BigInt(theirs.address)));
        // A red zone belongs to the object behind it; drgn counts it to the one before.
        if (object !== undefined && (object.offset < 0 || guardedObjectAt(kernel, object.object) !== undefined))
          continue;
        const ours = object && { cache: object.cache.name, object: `0x${object.object.toString(16)}` };
        const allocated = object && objectState(kernel, object) === 'allocated';
        if (ours?.cache === theirs.cache && ours.object === theirs.object && allocated === theirs.allocated) same++;
        else wrong.push([ours, allocated, theirs]);
      }
      expect(wrong).toEqual([]);
      expect(same).toBeGreaterThan(900);
    },
  );

  it('has slabs on both memory nodes', () => {
    const nodes = new Set<number | undefined>();
    for (const slab of slabs()) nodes.add(memoryNodeOf(kernel, pages.frameOf(slab.memory) ?? 0));
    expect(nodes).toEqual(new Set([0, 1]));
  });
});
