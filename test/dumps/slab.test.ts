/**
 * Slab objects against drgn: every cache, every alias, and thousands of addresses in slabs of every cache, free and
 * allocated. drgn looks at the CPUs that are online; facts.py makes it look at all, since a panic takes them offline.
 */

import { describe, expect, it } from 'vitest';
import { virtAddr } from '../../src/base/addr.ts';
import { pagesOf } from '../../src/kernel/pages.ts';
import { objectPlace, objectState, slabAliases, slabAt, slabCaches, slabObjectAt } from '../../src/kernel/slab.ts';
import { Session } from '../../src/commands/session.ts';
import { NodeHost } from '../../src/faces/node/host.ts';
import { openTarget } from '../../src/target/target.ts';
import { Fixture, fixtureNames } from './fixture.ts';

const hex = (value: bigint): string => `0x${value.toString(16)}`;

describe.each(fixtureNames)('%s, slabs', (name) => {
  const fixture = new Fixture(name);
  const drgn = fixture.drgn?.slab;
  const { kernel } = fixture.session;

  it.runIf(drgn !== undefined)('has every cache', () => {
    const ours = slabCaches(kernel).map((cache) => ({
      address: hex(cache.address),
      name: cache.name,
      size: cache.size,
      objectSize: cache.objectSize,
      merged: cache.users > 1,
    }));
    const theirs = (drgn?.caches ?? []).map(({ address, name: theirName, size, objectSize, merged }) => ({
      address,
      name: theirName,
      size,
      objectSize,
      merged,
    }));
    expect(ours.length).toBeGreaterThan(100);
    expect(ours).toEqual(theirs);
  });

  it.runIf(drgn !== undefined)('has the other names of merged caches', () => {
    const names = slabCaches(kernel).flatMap((cache) =>
      slabAliases(kernel, cache).map((alias) => [alias, cache.name] as const),
    );
    expect(Object.fromEntries(names)).toEqual(drgn?.aliases);
    expect(names.length).toBeGreaterThan(50);
  });

  it.runIf(drgn !== undefined)('finds every page of every slab', () => {
    const pages = pagesOf(kernel);
    const counts = { heads: 0, tails: 0 };
    const frames = Number((pages.end - pages.start) >> 12n);
    for (let frame = 0; frame < frames; frame++) {
      const at = pages.addressOf(frame);
      const slab = slabAt(kernel, at);
      if (slab !== undefined) counts[slab.memory === at ? 'heads' : 'tails']++;
    }
    expect(counts).toEqual({ heads: drgn?.heads, tails: drgn?.tails });
  });

  it.runIf(drgn !== undefined)('knows objects and whether they are in use', () => {
    const states = new Set<string>();
    const wrong: unknown[] = [];
    for (const theirs of drgn?.objects ?? []) {
      const object = slabObjectAt(kernel, virtAddr(BigInt(theirs.address)));
      if (object === undefined) {
        wrong.push(theirs);
        continue;
      }
      const { state, stocked } = objectPlace(kernel, object);
      states.add(`${typeof state === 'string' ? state : 'unknown'} ${stocked?.kind ?? ''}`.trim());
      const ours = {
        address: theirs.address,
        cache: object.cache.name,
        object: hex(object.object),
        slab: hex(object.slab),
        allocated: typeof state === 'string' ? state === 'allocated' : null,
      };
      expect(object.object + BigInt(object.offset)).toBe(BigInt(theirs.address));
      if (JSON.stringify(ours) !== JSON.stringify({ ...theirs })) wrong.push([ours, theirs]);
    }
    expect(drgn?.objects.length).toBeGreaterThan(900);
    expect(wrong).toEqual([]);
    expect(states).toContain('allocated');
    expect(states).toContain('free');
    expect(states).toContain(kernel.types.compound('struct', 'slab_sheaf') ? 'free sheaf' : 'free cpu');
  });
});

it.each(['nfs', 'sysrq-7.2'] as const)('%s has the same objects by the types in DWARF', (name) => {
  const fixture = new Fixture(name);
  const target = openTarget(new NodeHost(), {
    dumps: [`${fixture.folder}/vmcore`],
    vmlinux: undefined,
    debugFolders: [],
    moduleFolders: [],
  });
  Object.assign(target.vmlinux, { btf: () => undefined });
  const { kernel } = new Session(target);
  for (const { address } of fixture.drgn?.slab.objects ?? []) {
    const at = virtAddr(BigInt(address));
    const [ours, expected] = [kernel, fixture.session.kernel].map((one) => {
      const object = slabObjectAt(one, at);
      return object && { object: object.object, cache: object.cache.name, state: objectState(one, object) };
    });
    expect(ours).toEqual(expected);
  }
});
