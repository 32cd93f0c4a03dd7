import { expect, it } from 'vitest';
import { SlabBuilder } from '../../test/builders/slab.ts';
import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { renderText } from '../render/text/index.ts';
import { identifyAddress } from './address-identity.ts';
import { whyUnread } from './unread.ts';

const hex = (address: bigint): string => address.toString(16);

function linesOf(builder: SlabBuilder, address: VirtAddr): string[] {
  return [...renderText(identifyAddress(builder.kernel.build(), address))];
}

it('tells the slab object an address is in, and where in it', () => {
  const builder = new SlabBuilder({ size: 1024, objectSize: 1000 });
  builder.links([['nfs_page', builder.cache]]);
  const slab = builder.slab([2]);
  const lines = linesOf(builder, addVirt(slab.object(1), 19));
  expect(lines).toContain('  also: nfs_page');
  expect(lines).toContain('  FREE / [ALLOCATED]');
  expect(lines).toContain(`  [${hex(slab.object(1))}]`);
  expect(lines).toContain('  19 (0x13) bytes into object 1 of 4');
  expect(linesOf(builder, slab.object(2))).toContain(`   ${hex(slab.object(2))}`);
});

it('says where a freelist breaks, and which objects are unknown by that', () => {
  const builder = new SlabBuilder({ size: 1024, objectSize: 1000, stored: 'swapped' });
  const slab = builder.slab([2, 0], { inUse: 2 });
  slab.point(0, slab.object(2));
  const text = linesOf(builder, slab.object(1)).join('\n');
  expect(text).toContain(`(its freelist breaks: free object ${hex(slab.object(0))} points back at`);
  expect(text).toContain(`?${hex(slab.object(1))}?  (free or allocated: its freelist breaks`);
});

it('shows every object of a slab whose struct page is named', () => {
  const builder = new SlabBuilder({ size: 1024, objectSize: 1000, sheaves: true });
  const slab = builder.slab([3]);
  builder.sheaf(0, 'main', [slab.object(0)]).sheaf(1, 'rcu_free', [slab.object(1)]);
  const lines = linesOf(builder, slab.address);
  const at = lines.indexOf('  FREE / [ALLOCATED]');
  expect(lines.slice(at + 1, at + 5)).toEqual([
    `   ${hex(slab.object(0))}  (cpu 0 sheaf)`,
    `  [${hex(slab.object(1))}]  (given to kfree_rcu, in cpu 1's sheaf)`,
    `  [${hex(slab.object(2))}]`,
    `   ${hex(slab.object(3))}`,
  ]);
});

it('tells a red zone, the place behind the last object, and a guarded object', () => {
  const builder = new SlabBuilder({ size: 1200, objectSize: 1000, padding: 64 });
  const slab = builder.slab([]);
  expect(linesOf(builder, addVirt(slab.memory, 1200 + 4))).toContain('  60 bytes before object 1 of 3');
  const behind = identifyAddress(builder.kernel.build(), addVirt(slab.memory, 3600));
  expect(behind.parts[0]).toMatchObject({ kind: 'slab', offset: undefined, behind: true, slab: { objects: [] } });
  const guarded = new SlabBuilder();
  const object = guarded.guard(guarded.slab([]), 2000, 1, 'array');
  expect(linesOf(guarded, object)).toContain('  (guarded by KFENCE, alone in its page)');
});

it('tells why where nothing is known', () => {
  const builder = new SlabBuilder();
  const whyOf = (address: bigint): unknown => identifyAddress(builder.kernel.build(), virtAddr(address)).parts[0];
  expect(whyOf(0xffff_f000_0000_0000n)).toEqual({ kind: 'unknown', why: expect.stringContaining('not mapped') });
  expect(whyOf(0x1234_0000_0000_0000n)).toEqual({ kind: 'unknown', why: expect.stringContaining('no address at all') });
  expect(whyOf(0x7fff_0000_0000n)).toEqual({ kind: 'unknown', why: expect.stringContaining('neither mapped') });
  const identity = identifyAddress(builder.kernel.build(), virtAddr(0xffff_f000_0000_0000n));
  expect(whyUnread(identity)).toMatch(/^fffff00000000000: cannot read /);
});

it('keeps the rest where a struct page is not in the dump', () => {
  const builder = new SlabBuilder();
  const slab = builder.slab([]);
  builder.kernel.mapTo(slab.address & ~0xfffn, 0x9_0000_0000);
  builder.kernel.physical.remove(0x9_0000_0000);
  const [page] = identifyAddress(builder.kernel.build(), slab.memory).parts;
  expect(page).toMatchObject({ kind: 'page', state: { unavailable: expect.stringContaining('not in the dump') } });
});
