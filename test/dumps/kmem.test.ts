/**
 * `kmem` against crash's own text: every line crash prints stands in ours, in its order; ours has more between them.
 * Left out of crash's: THREAD_INFO and "(1 of 2)" behind a task, since `set` has neither, and its STATE line, whose
 * words are those of `set`; the path behind a symbol, which crash does not shorten; a symbol's letter, which crash has
 * from a module's file, and we from the kernel's own table.
 */

import { describe, expect, it } from 'vitest';
import { identifyAddress } from '../../src/query/address-identity.ts';
import { perCpuPlaceAt } from '../../src/kernel/per-cpu-area.ts';
import { slabCaches } from '../../src/kernel/slab.ts';
import { cacheStockOf } from '../../src/kernel/slab-stock.ts';
import { slabObjects } from '../../src/query/slab-objects.ts';
import { slabUsage } from '../../src/kernel/slab-usage.ts';
import { vmallocAreaAt } from '../../src/kernel/vmalloc.ts';
import { addVirt, virtAddr } from '../../src/base/addr.ts';
import { toJson } from '../../src/render/json.ts';
import { Fixture, fixtureNames } from './fixture.ts';

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** The lines of a text that are compared. */
function comparable(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const text = line
      .replace(/^(\s*TASK: [0-9a-f]+).*/, '$1')
      .replace(/^([0-9a-f]{16}) \(.\) (\S+(?: \[\w+\])?).*/, '$1 $2');
    return /^\s*(STATE:.*)?$/.test(text) ? [] : [text.trimEnd()];
  });
}

/**
 * crash says "(cpu 1 cache)" of every free object of a slab that a CPU allocates from; here it is said of those on the
 * CPU's own list, and not of those that others have given back to the slab since.
 */
function placeOf(line: string, ours: readonly string[], from: number): number {
  const found = ours.indexOf(line, from);
  const [, free, cpu] = /^( +[0-9a-f]{16}) {2}\(cpu (\d+) cache\)$/.exec(line) ?? [];
  const inSlab = free !== undefined && ours.includes(`  (CPU ${cpu} allocates from it)`);
  return found < 0 && inSlab ? ours.indexOf(free, from) : found;
}

describe.each(fixtureNames)('%s, kmem', (name) => {
  const fixture = new Fixture(name);
  const asked = fixture.crashCommands().filter((command) => command.startsWith('kmem 0x'));
  const { kernel } = fixture.session;

  it.runIf(asked.length > 0)('prints what crash prints of addresses', () => {
    const missing: string[] = [];
    for (const command of asked) {
      const ours = comparable(fixture.run(command));
      let at = 0;
      for (const line of comparable((fixture.crash(command) ?? '').split('\n'))) {
        const found = placeOf(line, ours, at);
        if (found < 0) missing.push(`${command}: ${line}`);
        else at = found + 1;
      }
    }
    expect(asked.length).toBeGreaterThan(15);
    expect(missing).toEqual([]);
  });

  it('takes a per-CPU symbol of a CPU, and is named where sym and whatis know no more', () => {
    const address = kernel.perCpu.at(kernel.symbol('runqueues'), 0).toString(16);
    expect(fixture.run('kmem runqueues:0')[0]).toMatch(/^PER-CPU: CPU 0, runqueues/);
    expect(() => fixture.run(`sym ${address}`)).toThrow(`kmem ${address} tells what it is`);
    expect(() => fixture.run(`whatis ${address}`)).toThrow(`sym ${address} and kmem ${address}`);
  });

  it('calls an address by the symbol that was asked for', () => {
    for (const symbol of ['jiffies', 'jiffies_64']) expect(fixture.run(`kmem ${symbol}`)[0]).toMatch(`) ${symbol}`);
  });

  it.runIf(asked.length > 0)('prints the table of caches as crash does', () => {
    const theirs = comparable((fixture.crash('kmem -s') ?? '').split('\n'));
    expect(comparable(fixture.run('kmem -s'))).toEqual(theirs);
  });

  it.runIf(fixture.drgn !== undefined)('counts objects as drgn does', () => {
    const theirs = new Map((fixture.drgn?.slab.caches ?? []).map((cache) => [cache.address, cache.usage]));
    const wrong: unknown[] = [];
    for (const cache of slabCaches(kernel)) {
      const ours = slabUsage(kernel, cache);
      const usage = theirs.get(hex(cache.address));
      if ('unavailable' in ours || usage === undefined) {
        wrong.push([cache.name, ours]);
        continue;
      }
      // drgn leaves out what other CPUs freed into the slab that a CPU allocates from: it is on the slab's own list.
      const inActive = ours.total - ours.allocated - usage.free_objs;
      const active = kernel.types.compound('struct', 'kmem_cache_cpu') !== undefined;
      if (ours.total !== usage.num_objs || ours.slabs !== usage.num_slabs || inActive < 0 || (inActive > 0 && !active))
        wrong.push([cache.name, ours, usage]);
    }
    expect(wrong).toEqual([]);
  });

  it('-S lists every free object that -s counts, but for those in sheaves of full slabs', () => {
    for (const cache of slabCaches(kernel)) {
      const { cpus, nodes, problems } = slabObjects(kernel, cache);
      const usage = slabUsage(kernel, cache);
      if ('unavailable' in usage) continue;
      const slabs = [...cpus, ...nodes].flatMap((holder) => [
        ...('active' in holder ? holder.active : holder.full),
        ...holder.partial,
      ]);
      const listed = slabs.flatMap((slab) => slab.objects);
      const free = listed.filter(({ state }) => state === 'free').length;
      expect(problems, cache.name).toEqual([]);
      expect(new Set(slabs.map(({ slab }) => slab)).size, cache.name).toBe(slabs.length);
      if (cacheStockOf(kernel, cache).sheaved.size === 0) expect(free, cache.name).toBe(usage.total - usage.allocated);
      else expect(free, cache.name).toBeLessThanOrEqual(usage.total - usage.allocated);
    }
  });

  it('-S has the blocks of crash, of a cache by name and of a slab by an address in it', () => {
    const text = fixture.run('kmem -S filp');
    expect(text[0]).toBe('CACHE             OBJSIZE  ALLOCATED     TOTAL  SLABS  SSIZE  NAME');
    const blocks = text.filter((line) => /^[A-Z]/.test(line));
    expect(blocks).toContain('KMEM_CACHE_NODE   NODE  SLABS  PARTIAL  PER-CPU');
    expect(blocks).toContain('NODE 0 PARTIAL:');
    expect(blocks.at(-1)).toBe('NODE 0 FULL:');
    const object = /^ {2}\[([0-9a-f]{16})\]/m.exec(text.join('\n'))?.[1];
    if (object === undefined) return;
    const slab = fixture.run(`kmem -S ${object}`);
    expect(slab).toContain(`  [${object}]`);
    expect(slab.filter((line) => /^ [ ?][ [?]?ff/.test(line)).length).toBeGreaterThan(2);
  });

  it.runIf(fixture.drgn !== undefined)('finds vmalloc areas', () => {
    for (const theirs of fixture.drgn?.vmapAreas ?? []) {
      const start = virtAddr(BigInt(theirs.start));
      for (const address of [start, virtAddr(BigInt(theirs.end) - 1n)]) {
        const ours = vmallocAreaAt(kernel, address);
        expect([hex(ours?.area ?? 0n), hex(ours?.vm ?? 0n)]).toEqual([theirs.address, theirs.vm]);
      }
      const ours = vmallocAreaAt(kernel, start);
      if (theirs.caller !== null) expect(hex(ours?.caller ?? 0n)).toBe(theirs.caller);
      if (theirs.pages !== null) expect(ours?.pages).toBe(theirs.pages);
    }
    expect(fixture.drgn?.vmapAreas.length).toBeGreaterThan(50);
  });

  it('knows per-CPU variables and allocated per-CPU memory of each CPU', () => {
    for (const cpu of [0, 1]) {
      const queue = kernel.perCpu.address('runqueues', cpu) ?? virtAddr(0);
      const place = perCpuPlaceAt(kernel, addVirt(queue, 8));
      expect(place).toMatchObject({ cpu, variable: { name: 'runqueues', offset: 8, module: undefined } });
      const [cache] = slabCaches(kernel);
      const view = kernel.struct('kmem_cache', cache?.address ?? virtAddr(0));
      const pointer = view.pointer(view.pick('cpu_sheaves', 'cpu_slab'));
      expect(perCpuPlaceAt(kernel, kernel.perCpu.at(pointer, cpu))).toEqual({ cpu, pointer, variable: undefined });
    }
  });

  it('knows tasks, their stacks, and what is none of that', () => {
    const { tasks } = fixture.session.tasks();
    const kinds = (address: bigint): string[] =>
      identifyAddress(kernel, virtAddr(address)).parts.map(({ kind }) => kind);
    for (const task of tasks.slice(0, 8)) {
      expect(kinds(task.address + 100n)).toContain('task');
      expect(kinds(task.stack + 100n)).toContain('stack');
    }
    const thread = tasks.find((task) => task.pid === 2);
    expect(kinds((thread?.address ?? 0n) + 100n)).toEqual(['task', 'slab', 'page']);
    expect(kinds(0xc000_0000_0000_0000n)).toEqual(['unknown']);
  });

  it("never names what begins a module's region by a symbol of another region", () => {
    let checked = 0;
    for (const module of kernel.modules().modules) {
      for (const region of module.regions) {
        const found = kernel.symbols.at(region.base);
        if (found !== undefined) expect(module.regionAt(found.symbol.address)).toBe(region);
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(5);
  });

  it('answers as JSON', () => {
    for (const { address } of fixture.session.tasks().tasks.slice(0, 8)) {
      const identity = identifyAddress(kernel, addVirt(address, 8));
      const json: unknown = JSON.parse(JSON.stringify(toJson(identity)));
      expect(json).toMatchObject({ type: 'address', address: hex(address + 8n) });
      expect(JSON.stringify(json)).toContain('"kind":"page"');
    }
  });

  it('finds the mapping of a user address', () => {
    const task = fixture.session.tasks().tasks.find((one) => one.pid === 1 && one.mm !== 0n);
    if (task === undefined) return;
    const code = kernel.struct('mm_struct', task.mm).pointer('start_code');
    const [user] = identifyAddress(kernel, code, { current: task }).parts;
    expect(user).toMatchObject({ kind: 'user', pid: 1, area: { start: code } });
  });
});
