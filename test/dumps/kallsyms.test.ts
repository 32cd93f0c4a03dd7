/**
 * The kernel's tables out of its own memory: every symbol of kallsyms with vmlinux's own symbol table, found by
 * VMCOREINFO and by structure; BTF and ORC byte for byte with the file's.
 */

import { describe, expect, it } from 'vitest';
import { addVirt, alignDown, virtAddr, type VirtAddr } from '../../src/base/addr.ts';
import { isUnavailable } from '../../src/base/available.ts';
import { once } from '../../src/base/search.ts';
import { locateBtf } from '../../src/debuginfo/btf/locate-btf.ts';
import { findKallsyms, type Kallsyms } from '../../src/debuginfo/kallsyms/find-kallsyms.ts';
import { locateOrc } from '../../src/debuginfo/orc/locate-orc.ts';
import { symbolsOfElf } from '../../src/debuginfo/symbols/elf-symbols.ts';
import type { KernelSymbol } from '../../src/debuginfo/symbols/symbol-table.ts';
import { NodeHost } from '../../src/faces/node/host.ts';
import type { ElfFile } from '../../src/formats/elf/elf-file.ts';
import { imageInMemory, type ImageMemory } from '../../src/memory/sparse.ts';
import { openElf } from '../../src/target/find-vmlinux.ts';
import { Fixture, fixtureNames, specialFixtureNames, stoppedFixtureNames } from './fixture.ts';

const line = ({ address, name }: KernelSymbol): string => `${address.toString(16)} ${name}`;

/** The others have the same table. */
const oneOfEachKernel: ReadonlySet<string> = new Set(['nfs', 'sysrq-6.12', 'sysrq-7.2']);

/** What scripts/kallsyms.c and mksysmap leave out: the tables' own names, export tables, absolute values. */
const isLeftOut = ({ name, letter }: KernelSymbol): boolean =>
  /^(kallsyms_|__crc_|__kstrtab_|__kstrtabns_)/.test(name) || /a/i.test(letter);

/** The same image without some pages. */
function without(image: ImageMemory, pages: readonly VirtAddr[]): ImageMemory {
  return {
    ...image,
    read: (address, length) => {
      const { bytes, gaps } = image.read(address, length);
      const holes = pages
        .map((page) => ({
          start: Math.max(0, Number(page - address)),
          end: Math.min(length, Number(page - address) + 4096),
        }))
        .filter(({ start, end }) => start < end);
      for (const { start, end } of holes) bytes.fill(0, start, end);
      return { bytes, gaps: [...gaps, ...holes].sort((a, b) => a.start - b.start) };
    },
  };
}

describe.each([...fixtureNames, ...stoppedFixtureNames, ...specialFixtureNames])('%s', (name) => {
  const fixture = new Fixture(name);
  const { target } = fixture.session.kernel;
  const elf = once((): ElfFile => openElf(new NodeHost(), `${fixture.folder}/vmlinux`));
  const linked = once(() => {
    const table = symbolsOfElf(elf());
    if (table === undefined) throw new Error('vmlinux has no symbols');
    return table.slid(target.load.slide);
  });
  const running = (symbol: string): VirtAddr => linked().named(symbol)[0]?.address ?? virtAddr(0);
  const image = once(() => imageInMemory(target.memory, running('_text'), running('_end')));
  const noted = (symbol: string): VirtAddr | undefined => target.image.vmcoreinfo?.symbol(symbol);
  const find = (symbolOf: (symbol: string) => VirtAddr | undefined): Kallsyms => {
    const found = findKallsyms(image(), symbolOf);
    if (isUnavailable(found)) throw new Error(found.unavailable);
    return found;
  };
  const byStructure = once(() => find(() => undefined));
  const addressOf = (symbol: string): VirtAddr | undefined => byStructure().symbols.named(symbol)[0]?.address;

  it('has the symbols of its vmlinux, but for those that the kernel leaves out', () => {
    expect(byStructure()).toMatchObject({ origin: 'structure', hasData: true, losses: [] });
    const mine = new Set(Array.from(byStructure().symbols.all(), line));
    const theirs = [...linked().all()];
    const all = new Set(theirs.map(line));
    expect([...mine].filter((symbol) => !all.has(symbol))).toEqual([]);
    expect(theirs.filter((symbol) => !mine.has(line(symbol)) && !isLeftOut(symbol)).map(line)).toEqual([]);
    expect(mine.size).toBeGreaterThan(50_000);
  });

  it('has them where VMCOREINFO says, too', () => {
    const found = find(noted);
    expect(found.origin).toBe(noted('kallsyms_names') === undefined ? 'structure' : 'VMCOREINFO');
    expect(Array.from(found.symbols.all(), line)).toEqual(Array.from(byStructure().symbols.all(), line));
  });

  if (oneOfEachKernel.has(name))
    it('names functions as vmlinux does, but for other names of the same code', () => {
      const symbols = byStructure().symbols;
      const differing: string[] = [];
      let functions = 0;
      for (const symbol of linked().all()) {
        if (symbol.size === 0 || symbol.address < running('_stext') || symbol.address >= running('_etext')) continue;
        const inside = virtAddr(symbol.address + BigInt(symbol.size - 1));
        if (linked().at(inside)?.name !== symbol.name) continue;
        functions++;
        const found = symbols.at(inside);
        if (found?.name === symbol.name) continue;
        expect(found?.address, symbol.name).toBe(symbol.address);
        differing.push(`${symbol.name} ${found?.name}`);
      }
      expect(functions).toBeGreaterThan(20_000);
      expect(differing.length / functions).toBeLessThan(0.003);
    });

  if (oneOfEachKernel.has(name))
    it('loses what is on pages that are missing, and nothing else', () => {
      const whole = new Set(Array.from(byStructure().symbols.all(), line));
      const pages = ['kallsyms_names', 'kallsyms_offsets'].map((table) =>
        alignDown(addVirt(running(table), 0x9000), 4096),
      );
      for (const symbolOf of [noted, (): undefined => undefined]) {
        const found = findKallsyms(without(image(), pages), symbolOf);
        if (isUnavailable(found)) throw new Error(found.unavailable);
        const left = Array.from(found.symbols.all(), line);
        expect(found.losses).toHaveLength(2);
        expect(left.length).toBeLessThan(whole.size - 1024);
        expect(left.length).toBeGreaterThan(whole.size - 3000);
        expect(left.filter((symbol) => !whole.has(symbol))).toEqual([]);
      }
    });

  it('has BTF and ORC byte for byte as in the file', () => {
    const bytesAt = (part: { address: VirtAddr; size: number } | undefined): Uint8Array => {
      if (part === undefined) throw new Error('not found');
      return target.memory.bytes(part.address, part.size);
    };
    const bytesOf = (section: string): Uint8Array => {
      const found = elf().section(section);
      return found === undefined ? new Uint8Array(0) : elf().bytesOf(found);
    };
    const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, at) => x === b[at]);
    expect(same(bytesAt(locateBtf(image(), addressOf)), bytesOf('.BTF'))).toBe(true);
    expect(locateBtf(image(), () => undefined)).toEqual(locateBtf(image(), addressOf));
    const orc = locateOrc(addressOf);
    expect(same(bytesAt(orc?.ips), bytesOf('.orc_unwind_ip'))).toBe(true);
    expect(same(bytesAt(orc?.entries), bytesOf('.orc_unwind'))).toBe(true);
  });
});
