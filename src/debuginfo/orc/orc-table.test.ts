/** ORC: the dialects told apart, and look-ups at borders. */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { below, mutationRun, randomFrom } from '../../../test/builders/mutate.ts';
import { OrcBuilder, orcFlags, type OrcDialectName, type OrcSpec } from '../../../test/builders/orc.ts';
import { FormatError } from '../../base/errors.ts';
import { BytesSource } from '../../bytes/byte-source.ts';
import { dialectOf, orcDialects } from './dialects.ts';
import { OrcTable } from './orc-table.ts';

const TEXT = -0x7f00_0000;
const BASE = -0x7d00_0000;
const dialects: readonly OrcDialectName[] = ['to62', 'in63', 'since64', 'since71'];

function open(dialect: OrcDialectName, entries: readonly OrcSpec[]): OrcTable {
  const { ips, entries: words } = new OrcBuilder(dialect, BASE).add(...entries).build();
  return new OrcTable(new BytesSource('ips', ips), new BytesSource('entries', words), BASE);
}

/** What a kernel's table is made of: mostly calls by SP, some of everything else. */
function typical(count: number, seed = 1): OrcSpec[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_, index): OrcSpec => {
    const address = TEXT + index * 16;
    const kind = random();
    if (kind < 0.03) return { address, kind: 'undefined' };
    if (kind < 0.05) return { address, kind: 'end' };
    if (kind < 0.07) return { address, kind: 'regs', spOffset: 0, signal: true };
    if (kind < 0.08) return { address, kind: 'regs-partial', signal: true };
    if (kind < 0.2) return { address, sp: 'bp', spOffset: 16, bp: 'prev_sp', bpOffset: -16 };
    return { address, spOffset: 8 + 8 * below(random, 20), bp: 'prev_sp', bpOffset: -16 };
  });
}

describe('the dialect', () => {
  it.each(dialects)('%s is told by what the entries say', (name) => {
    expect(open(name, typical(3000)).dialect()).toBe(orcDialects[name]);
  });

  it('is told of any random typical table', () => {
    fc.assert(
      fc.property(fc.constantFrom(...dialects), fc.nat(), (name, seed) => {
        const words = typical(500, seed).map((spec) => orcFlags(name, spec));
        return dialectOf(words) === orcDialects[name];
      }),
      { numRuns: 100 },
    );
  });

  it('is none for what is no table', () => {
    expect(() => dialectOf([])).toThrow(FormatError);
    expect(() => dialectOf(Array.from({ length: 100 }, () => 0))).toThrow(FormatError);
    const random = randomFrom(3);
    expect(() => dialectOf(Array.from({ length: 1000 }, () => below(random, 0x10000)))).toThrow(FormatError);
  });
});

describe('the dialect before the end bit', () => {
  /** As 4.14 to 4.18 write it: nothing above the type. */
  const openOld = (specs: readonly OrcSpec[]): OrcTable => {
    const { ips, entries } = new OrcBuilder('to62', BASE).add(...specs).build();
    for (let at = 5; at < entries.length; at += 6) entries[at] = (entries[at] ?? 0) & 3;
    return new OrcTable(new BytesSource('ips', ips), new BytesSource('entries', entries), BASE);
  };
  const plain = (count: number): OrcSpec[] =>
    typical(count).map((spec) => (spec.kind === 'end' ? { address: spec.address } : spec));

  it('is told by no entry that has one', () => {
    expect(openOld(typical(3000)).dialect()).toBe(orcDialects.to418);
  });

  it('is not taken for one that has it in a single entry, wherever that is', () => {
    const specs = plain(20_000);
    for (const place of [0, 777, 19_999]) {
      const change = (kind: 'end' | 'regs', signal: boolean): OrcSpec[] =>
        specs.map((spec, index) => (index === place ? { address: spec.address, kind, signal } : spec));
      expect(open('to62', change('end', false)).dialect()).toBe(orcDialects.to62);
      const old = specs.map((spec) => (spec.signal === true ? { ...spec, signal: false } : spec));
      const one = old.map((spec, index) => (index === place ? { ...spec, kind: 'end' as const } : spec));
      expect(open('in63', one).dialect()).toBe(orcDialects.in63);
    }
  });

  it('ends stacks at whatever has no CFA', () => {
    const table = openOld([
      ...typical(400),
      { address: TEXT + 0x10000, kind: 'undefined' },
      { address: TEXT + 0x10010, kind: 'end' },
      { address: TEXT + 0x10020, kind: 'regs', spOffset: 8 },
      { address: TEXT + 0x10030, kind: 'call', spOffset: 24 },
    ]);
    const at = (offset: number): unknown => table.lookup(TEXT + 0x10000 + offset);
    expect(at(0)).toMatchObject({ type: 'end-of-stack' });
    expect(at(0x10)).toMatchObject({ type: 'end-of-stack' });
    expect(at(0x20)).toMatchObject({ type: 'regs', spOffset: 8, signal: true });
    expect(at(0x30)).toMatchObject({ type: 'call', spOffset: 24, signal: false });
  });
});

describe.each(dialects)('an entry of %s', (name) => {
  const table = open(name, [
    ...typical(400),
    { address: TEXT + 0x10000, kind: 'call', sp: 'sp', spOffset: 24, bp: 'prev_sp', bpOffset: -24 },
    { address: TEXT + 0x10010, kind: 'regs', sp: 'sp', spOffset: -8, signal: true },
    { address: TEXT + 0x10020, kind: 'regs-partial', sp: 'sp_indirect', spOffset: 0, signal: true },
    { address: TEXT + 0x10030, kind: 'end' },
    { address: TEXT + 0x10040, kind: 'undefined' },
    { address: TEXT + 0x10050, sp: 'bp_indirect', spOffset: -4096, bp: 'bp', bpOffset: 32 },
    { address: TEXT + 0x10060, sp: 'r10', bp: 'undefined' },
    { address: TEXT + 0x10070, sp: 'r13' },
    { address: TEXT + 0x10080, sp: 'dx' },
    { address: TEXT + 0x10090, sp: 'di' },
  ]);
  const at = (offset: number): unknown => table.lookup(TEXT + 0x10000 + offset);

  it('says what was written', () => {
    expect(at(0)).toEqual({
      spRegister: 'sp',
      spOffset: 24,
      bpRegister: 'prev_sp',
      bpOffset: -24,
      type: 'call',
      signal: false,
    });
    expect(at(0x10)).toMatchObject({ type: 'regs', spOffset: -8, signal: true });
    expect(at(0x20)).toMatchObject({ type: 'regs-partial', spRegister: 'sp_indirect', signal: true });
    expect(at(0x30)).toMatchObject({ type: 'end-of-stack' });
    expect(at(0x40)).toMatchObject({ type: 'undefined' });
    expect(at(0x50)).toMatchObject({ spRegister: 'bp_indirect', spOffset: -4096, bpRegister: 'bp', bpOffset: 32 });
    expect([0x60, 0x70, 0x80, 0x90].map((offset) => table.lookup(TEXT + 0x10000 + offset)?.spRegister)).toEqual([
      'r10',
      'r13',
      'dx',
      'di',
    ]);
  });

  it('describes addresses from its own to the next one’s', () => {
    expect(at(-1)).toEqual(table.lookup(TEXT + 399 * 16));
    expect(at(0xf)).toEqual(at(0));
    expect(at(0x10)).not.toEqual(at(0));
    expect(table.lookup(TEXT - 1)).toBeUndefined();
    expect(at(0x90 + (1 << 24))).toBeDefined();
    expect(at(0x90 + (1 << 24) + 1)).toBeUndefined();
  });
});

describe('look-up', () => {
  it('equals a linear search, in tables of many blocks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 6000 }), fc.nat(), (count, seed) => {
        const random = randomFrom(seed);
        let address = TEXT;
        const entries = Array.from({ length: count }, (_, index): OrcSpec => {
          address += below(random, 40);
          return { address, spOffset: index & 0x7fff };
        });
        const table = open('since64', entries);
        for (let tries = 0; tries < 30; tries++) {
          const wanted = TEXT - 20 + below(random, count * 22);
          const linear = entries.findLast((entry) => entry.address <= wanted);
          expect(table.lookup(wanted)?.spOffset).toBe(linear?.spOffset);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('throws FormatError for a register nobody knows', () => {
    const { ips, entries } = new OrcBuilder('since64', BASE).add(...typical(100)).build();
    entries[4] = 0x0f;
    const table = new OrcTable(new BytesSource('ips', ips), new BytesSource('entries', entries), BASE);
    expect(() => table.lookup(TEXT)).toThrow(FormatError);
  });

  it('never does worse, whatever the bytes', () => {
    const { ips, entries } = new OrcBuilder('since64', BASE).add(...typical(64)).build();
    const whole = Uint8Array.from([...ips, ...entries]);
    mutationRun(whole, 4000, (bytes) => {
      const cut = Math.min(ips.length, bytes.length);
      const table = new OrcTable(
        new BytesSource('ips', bytes.subarray(0, cut)),
        new BytesSource('entries', bytes.subarray(cut)),
        BASE,
      );
      for (let offset = -16; offset < 1040; offset += 40) table.lookup(TEXT + offset);
    });
  });
});
