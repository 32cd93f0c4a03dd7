/** kallsyms in every layout, found by VMCOREINFO and by structure, whole and damaged. */

import { describe, expect, it } from 'vitest';
import {
  imageOfBytes,
  IMAGE_START,
  kallsymsImage,
  kallsymsLayouts,
  kernelSymbols,
  type KallsymsSpec,
} from '../../../test/builders/kallsyms.ts';
import { mutationRun } from '../../../test/builders/mutate.ts';
import { addVirt, virtAddr, type VirtAddr } from '../../base/addr.ts';
import { isUnavailable } from '../../base/available.ts';
import type { ImageMemory } from '../../memory/sparse.ts';
import { findKallsyms, type Kallsyms } from './find-kallsyms.ts';

const nothing = (): undefined => undefined;

function found(image: ImageMemory, symbolOf: (name: string) => VirtAddr | undefined = nothing): Kallsyms {
  const kallsyms = findKallsyms(image, symbolOf);
  if (isUnavailable(kallsyms)) throw new Error(kallsyms.unavailable);
  return kallsyms;
}

const line = ({ name, letter, address }: Pick<KallsymsSpec, 'name' | 'letter' | 'address'>): string =>
  `${address.toString(16)} ${letter} ${name}`;

describe.each(Object.entries(kallsymsLayouts))('as %s writes them', (_, layout) => {
  const perCpuAtZero = layout.form !== 'base' && layout.form !== 'own place';
  const symbols = kernelSymbols(3000, perCpuAtZero);
  const { bytes, places } = kallsymsImage(symbols, layout);
  const image = imageOfBytes(bytes);

  it('VMCOREINFO leads to every symbol', () => {
    const kallsyms = found(image, (name) => places.get(name));
    expect(kallsyms).toMatchObject({ origin: 'VMCOREINFO', hasData: true, losses: [] });
    expect([...kallsyms.symbols.all()].map(line).sort()).toEqual(symbols.map(line).sort());
  });

  it('their structure does, too', () => {
    const kallsyms = found(image);
    expect(kallsyms).toMatchObject({ origin: 'structure', hasData: true, losses: [] });
    expect([...kallsyms.symbols.all()].map(line).sort()).toEqual(symbols.map(line).sort());
  });

  it('they are found by name and by address', () => {
    const table = found(image).symbols;
    for (const symbol of symbols) expect(table.named(symbol.name).map(line)).toEqual([line(symbol)]);
    expect(table.named('nfs_')).toEqual([]);
    expect(table.at(virtAddr(IMAGE_START + 16n * 77n + 5n))?.name).toBe('vfs_24_lookup');
    expect(table.at(virtAddr(IMAGE_START + 16n))?.name).toBe('vfs_0_write');
    expect(table.nextAddress(virtAddr(IMAGE_START + 16n))).toBe(IMAGE_START + 32n);
  });

  it('per-CPU offsets are no addresses', () => {
    const table = found(image).symbols;
    expect([...table.offsets()].map(({ name }) => name)).toEqual(perCpuAtZero ? ['current_task', 'runqueues'] : []);
    expect(table.at(virtAddr(0x41))?.name).not.toBe('current_task');
  });
});

describe('functions alone', () => {
  const symbols = kernelSymbols(2000, false).filter(({ letter }) => letter === 'T' || letter === 't');

  it.each(Object.entries(kallsymsLayouts))('are known as such (%s)', (_, layout) => {
    const image = imageOfBytes(kallsymsImage(symbols, layout).bytes);
    expect(found(image)).toMatchObject({ hasData: false });
  });
});

describe.each(['6.1, Debian', '6.12', '7.2'])('with pages missing (%s)', (kernel) => {
  const layout = kallsymsLayouts[kernel];
  if (layout === undefined) throw new Error(kernel);
  const symbols = kernelSymbols(20_000, layout.form !== 'own place');
  const { bytes, places } = kallsymsImage(symbols, layout);
  const whole = new Set(symbols.map(line));
  const at = (name: string): number => Number((places.get(name) ?? IMAGE_START) - IMAGE_START);
  const pageFrom = (offset: number): { start: number; end: number } => {
    const start = Math.ceil(offset / 4096) * 4096;
    return { start, end: start + 4096 };
  };

  it.each([
    ['names', 'kallsyms_names', /^\d+ of 20010 names of symbols are missing or damaged$/],
    ['addresses', 'kallsyms_offsets', /^1024 of 20010 addresses of symbols are missing or damaged$/],
  ])('%s cost what they hold, found either way', (_, table, loss) => {
    for (const symbolOf of [nothing, (name: string) => places.get(name)]) {
      const kallsyms = found(imageOfBytes(bytes, [pageFrom(at(table))]), symbolOf);
      expect(kallsyms.losses).toEqual([expect.stringMatching(loss)]);
      const left = [...kallsyms.symbols.all()].map(line);
      expect(left.length).toBeGreaterThan(18_000);
      expect(left.filter((symbol) => !whole.has(symbol))).toEqual([]);
    }
  });

  it('a length that was overwritten costs the names up to the next marker, and makes up none', () => {
    for (const record of [0, 300, 5000]) {
      const damaged = bytes.slice();
      let length = at('kallsyms_names');
      for (let index = 0; index < record; index++) length += 1 + (bytes[length] ?? 0);
      damaged[length] = (damaged[length] ?? 0) + 1;
      const { symbols: table, losses } = found(imageOfBytes(damaged), (name) => places.get(name));
      expect(losses).toEqual(['256 of 20010 names of symbols are missing or damaged']);
      expect([...table.all()].map(line).filter((symbol) => !whole.has(symbol))).toEqual([]);
    }
  });

  it('addresses that were overwritten are given up where they are out of order', () => {
    const damaged = bytes.slice();
    damaged.fill(0x91, at('kallsyms_offsets') + 4000, at('kallsyms_offsets') + 4400);
    const { symbols: table, losses } = found(imageOfBytes(damaged), (name) => places.get(name));
    expect(losses).toEqual([expect.stringMatching(/^(99|100) of 20010 addresses of symbols are missing or damaged$/)]);
    expect([...table.all()].filter((symbol) => !whole.has(line(symbol))).length).toBeLessThan(2);
  });

  it('tokens cost all, and it is said', () => {
    for (const table of ['kallsyms_token_index', 'kallsyms_token_table']) {
      const start = at(table);
      expect(findKallsyms(imageOfBytes(bytes, [{ start, end: start + 8 }]), (name) => places.get(name))).toEqual({
        unavailable: expect.stringContaining('not where VMCOREINFO says'),
      });
    }
  });
});

describe('the work', () => {
  it('is that of the tables where VMCOREINFO names them', () => {
    const layout = kallsymsLayouts['6.12'];
    if (layout === undefined) throw new Error('6.12');
    const { bytes, places } = kallsymsImage(kernelSymbols(20_000, true), layout);
    const image = imageOfBytes(bytes);
    let read = 0;
    const counted: ImageMemory = {
      ...image,
      read: (address, length) => {
        read += length;
        return image.read(address, length);
      },
    };
    const table = found(counted, (name) => places.get(name)).symbols;
    table.named('vfs_24_lookup');
    table.at(IMAGE_START);
    const tables = Number((places.get('kallsyms_seqs_of_names') ?? 0n) - (places.get('kallsyms_names') ?? 0n));
    expect(read).toBeLessThan(tables + 64);
  });
});

describe('what is not believed', () => {
  const layout = kallsymsLayouts['6.12'];
  if (layout === undefined) throw new Error('6.12');
  const { bytes, places } = kallsymsImage(kernelSymbols(2000, true), layout);

  it('tables whose linux_banner is something else', () => {
    const other = bytes.slice();
    other[0x10_0000] = 0x6c;
    expect(isUnavailable(findKallsyms(imageOfBytes(other), nothing))).toBe(true);
  });

  it('where VMCOREINFO is wrong, the structure is found', () => {
    const wrong = (name: string): VirtAddr | undefined => {
      const place = places.get(name);
      return place && addVirt(place, 64);
    };
    expect(found(imageOfBytes(bytes), wrong).origin).toBe('structure');
  });

  it('an image without them', () => {
    expect(isUnavailable(findKallsyms(imageOfBytes(new Uint8Array(1 << 16)), nothing))).toBe(true);
  });
});

describe('damage', () => {
  it.each(Object.entries(kallsymsLayouts))('never does worse than an error of the family (%s)', (_, layout) => {
    const symbols = kernelSymbols(1100, layout.form !== 'base' && layout.form !== 'own place');
    const { bytes, places } = kallsymsImage(symbols, layout);
    const tables = bytes.subarray(0, 0xc000);
    mutationRun(tables, 60, (damaged) => {
      const copy = bytes.slice();
      copy.fill(0, 0, tables.length);
      copy.set(damaged.subarray(0, tables.length));
      for (const symbolOf of [nothing, (name: string) => places.get(name)]) {
        const kallsyms = findKallsyms(imageOfBytes(copy), symbolOf);
        if (isUnavailable(kallsyms)) continue;
        kallsyms.symbols.named('init_task');
        kallsyms.symbols.at(IMAGE_START);
        for (const symbol of kallsyms.symbols.all()) void symbol;
      }
    });
  });
});
