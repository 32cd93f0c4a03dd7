/** Lists of every kind, whole and broken: where each ends, and what is said of it. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder } from '../../test/builders/kernel.ts';
import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { Brent, RememberAll, walkList, type ListEnd, type ListShape, type RepeatDetector } from './linked-list.ts';

const LINK = 16;

/** A head and five entries with a list_head at 16, linked both ways. */
function sample(damage: (builder: KernelBuilder, head: VirtAddr, entries: readonly VirtAddr[]) => void = () => {}): {
  memory: AddressSpace;
  head: VirtAddr;
  entries: readonly VirtAddr[];
} {
  const builder = new KernelBuilder();
  const head = builder.allocate(16);
  const entries = Array.from({ length: 5 }, () => builder.allocate(64));
  const links = [head, ...entries.map((entry) => addVirt(entry, LINK))];
  for (const [index, link] of links.entries()) {
    const next = links[(index + 1) % links.length] as VirtAddr;
    builder.u64(link, next).u64(addVirt(next, 8), link);
  }
  damage(builder, head, entries);
  return { memory: builder.build().memory, head, entries };
}

function walk(
  memory: AddressSpace,
  shape: Partial<ListShape>,
  repeats: RepeatDetector = new RememberAll(),
): { found: VirtAddr[]; end: ListEnd } {
  const whole = { head: undefined, start: undefined, offset: 0, embedded: false, reverse: false, end: undefined };
  const found: VirtAddr[] = [];
  const generator = walkList(memory, { ...whole, ...shape }, repeats);
  for (;;) {
    const step = generator.next();
    if (step.done === true) return { found, end: step.value };
    found.push(step.value);
    expect(found.length).toBeLessThan(100);
  }
}

describe('whole lists', () => {
  const { memory, head, entries } = sample();
  const embedded = { offset: LINK, embedded: true };

  it('with a head of their own', () => {
    expect(walk(memory, { ...embedded, head })).toEqual({ found: entries, end: { kind: 'end' } });
    expect(walk(memory, { ...embedded, head, reverse: true }).found).toEqual(entries.toReversed());
  });

  it('from an entry on pass through a head as through an entry', () => {
    const through = addVirt(head, -LINK);
    const { found, end } = walk(memory, { ...embedded, start: entries[0] });
    expect([found, end]).toEqual([[...entries, through], { kind: 'end' }]);
  });

  it('of links alone', () => {
    const links = entries.map((entry) => addVirt(entry, LINK));
    expect(walk(memory, { start: head }).found).toEqual([head, ...links]);
  });

  it('up to an end that is named, as an entry or a link', () => {
    const third = entries[2] as VirtAddr;
    expect(walk(memory, { ...embedded, head, end: third }).found).toEqual(entries.slice(0, 2));
    expect(walk(memory, { ...embedded, head, end: addVirt(third, LINK) }).found).toEqual(entries.slice(0, 2));
  });

  it('that are empty', () => {
    const empty = sample((builder, at) => builder.u64(at, at));
    expect(walk(empty.memory, { ...embedded, head: empty.head })).toEqual({ found: [], end: { kind: 'end' } });
  });

  it('that end with NULL, of structures that point at each other', () => {
    const chain = sample((builder, _head, list) => {
      for (const [index, entry] of list.entries()) builder.u64(addVirt(entry, 8), list[index + 1] ?? 0n);
    });
    expect(walk(chain.memory, { start: chain.entries[0], offset: 8 })).toEqual({
      found: chain.entries,
      end: { kind: 'end' },
    });
  });
});

describe('what remembers entries', () => {
  it('finds a loop beyond what it remembers, too', () => {
    const repeats = new RememberAll(4);
    const entry = (index: number): VirtAddr => virtAddr(0x1000 + index * 16);
    const seen = (count: number): number => {
      for (let step = 0; step < 1000; step++) if (repeats.seen(entry(step < count ? step : count - 3 + ((step - count) % 3))) !== undefined) return step; // prettier-ignore
      return -1;
    };
    expect(seen(20)).toBeGreaterThan(19);
    expect(new RememberAll(4).seen(entry(1))).toBeUndefined();
  });
});

describe('broken lists', () => {
  const broken = (value: bigint, shape: Partial<ListShape> = {}): { found: number; end: ListEnd; behind: VirtAddr } => {
    const list = sample((builder, _head, entries) => builder.u64(addVirt(entries[2] as VirtAddr, LINK), value));
    const { found, end } = walk(list.memory, { head: list.head, offset: LINK, embedded: true, ...shape });
    return { found: found.length, end, behind: list.entries[2] as VirtAddr };
  };

  it.each([
    [0n, /its link is NULL/],
    [0xdead_0000_0000_0100n, /LIST_POISON1 \(dead000000000100\): the entry was deleted/],
    [0xffff_8880_7fff_0000n, /cannot read kernel virtual address ffff88807fff0000: not mapped/],
    [0x1122_3344_5566_7788n, /cannot read kernel virtual address/],
  ])('a link that is %x', (value, why) => {
    const { found, end, behind } = broken(value);
    expect(found).toBe(3);
    expect(end).toMatchObject({ kind: 'broken', behind, why: expect.stringMatching(why) });
  });

  it('a head that cannot be read', () => {
    const { memory } = sample();
    const { found, end } = walk(memory, { head: virtAddr(0x1000n), offset: LINK, embedded: true });
    expect(found).toEqual([]);
    expect(end).toMatchObject({ kind: 'broken', behind: undefined });
  });

  it('a loop behind the first entries ends where it closes', () => {
    const list = sample((builder, _head, entries) =>
      builder.u64(addVirt(entries[4] as VirtAddr, LINK), addVirt(entries[2] as VirtAddr, LINK)),
    );
    const shape = { head: list.head, offset: LINK, embedded: true };
    expect(walk(list.memory, shape)).toEqual({
      found: list.entries,
      end: { kind: 'loop', behind: list.entries[4], to: list.entries[2], length: undefined },
    });
    const { end } = walk(list.memory, shape, new Brent());
    expect(end).toMatchObject({ kind: 'loop', length: 3 });
  });

  it('an entry that is its own successor', () => {
    const list = sample((builder, _head, entries) =>
      builder.u64(addVirt(entries[1] as VirtAddr, LINK), addVirt(entries[1] as VirtAddr, LINK)),
    );
    const { found, end } = walk(list.memory, { head: list.head, offset: LINK, embedded: true });
    expect(found.length).toBe(2);
    expect(end).toMatchObject({ kind: 'loop', to: list.entries[1] });
  });
});
