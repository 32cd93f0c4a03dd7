/** Symbols by address and by name: ties, slides, zero-based per-CPU symbols, padding, the hash. */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openElfBytes } from '../../../test/builders/dwarf-open.ts';
import { ElfBuilder, symbolTableBytes, type SymbolSpec } from '../../../test/builders/elf.ts';
import { mutationRun } from '../../../test/builders/mutate.ts';
import { virtAddr } from '../../base/addr.ts';
import {
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHN_ABS,
  SHN_UNDEF,
  SHT_NOBITS,
  STB_LOCAL,
  STB_WEAK,
  STT_FILE,
  STT_FUNC,
  STT_NOTYPE,
  STT_OBJECT,
  STT_SECTION,
} from '../../formats/elf/constants.ts';
import { elfSymbolTable, symbolsOfElf } from './elf-symbols.ts';
import type { SymbolTable } from './symbol-table.ts';

const TEXT = 0xffff_ffff_8100_0000n;
const SLIDE = 0x1a00_0000n;

function kernel(slide = 0n): SymbolTable {
  const elf = new ElfBuilder();
  const text = elf.section({
    name: '.text',
    flags: SHF_ALLOC | SHF_EXECINSTR,
    address: TEXT,
    data: new Uint8Array(64),
  });
  const perCpu = elf.section({
    name: '.data..percpu',
    flags: SHF_ALLOC | SHF_WRITE,
    address: 0n,
    data: new Uint8Array(64),
  });
  const bss = elf.section({
    name: '.bss',
    type: SHT_NOBITS,
    flags: SHF_ALLOC | SHF_WRITE,
    address: TEXT + 0x100_0000n,
    size: 64,
  });
  const rodata = elf.section({
    name: '.rodata',
    flags: SHF_ALLOC,
    address: TEXT + 0x80_0000n,
    data: new Uint8Array(64),
  });
  elf
    .symbol({ name: '', value: TEXT, type: STT_SECTION, section: text })
    .symbol({ name: 'main.c', value: 0n, type: STT_FILE, section: SHN_ABS })
    .symbol({ name: '__pfx_first', value: TEXT, section: text })
    .symbol({ name: 'first_label', value: TEXT + 16n, section: text, type: STT_NOTYPE })
    .symbol({ name: 'first_local', value: TEXT + 16n, section: text, bind: STB_LOCAL, size: 16 })
    .symbol({ name: 'first', value: TEXT + 16n, section: text, size: 16 })
    .symbol({ name: '.Lfirst', value: TEXT + 16n, section: text })
    .symbol({ name: '__pfx_second', value: TEXT + 32n, section: text })
    .symbol({ name: 'second', value: TEXT + 48n, section: text, bind: STB_LOCAL })
    .symbol({ name: 'second', value: TEXT + 0x100n, section: text, bind: STB_WEAK })
    .symbol({ name: 'current_task', value: 0x1fb00n, section: perCpu, type: STT_OBJECT, size: 8 })
    .symbol({ name: 'absolute', value: 0x42n, section: SHN_ABS })
    .symbol({ name: 'imported', value: 0n, section: SHN_UNDEF })
    .symbol({ name: 'counter', value: TEXT + 0x100_0000n, section: bss, type: STT_OBJECT, size: 4 })
    .symbol({ name: '__end_rodata', value: TEXT + 0x80_0040n, section: rodata, type: STT_NOTYPE })
    .symbol({ name: 'init_stack', value: TEXT + 0x80_0040n, section: rodata, type: STT_NOTYPE })
    .symbol({ name: '__end_rodata_aligned', value: TEXT + 0x80_1000n, section: rodata, type: STT_NOTYPE })
    .symbol({ name: 'banner', value: TEXT + 0x80_0000n, section: rodata, type: STT_OBJECT, bind: STB_LOCAL, size: 4 });
  const table = symbolsOfElf(openElfBytes(elf.build()))?.slid(slide);
  if (table === undefined) throw new Error('no symbols');
  return table;
}

describe('by address', () => {
  const table = kernel();
  const at = (address: bigint): string | undefined => table.at(virtAddr(address))?.name;

  it('functions win over labels, global over local', () => {
    expect(at(TEXT + 16n)).toBe('first');
    expect(at(TEXT + 31n)).toBe('first');
  });

  it('padding is its own, assembler labels never win', () => {
    expect(at(TEXT)).toBe('__pfx_first');
    expect(at(TEXT + 31n)).toBe('first');
    expect(at(TEXT + 40n)).toBe('__pfx_second');
    expect(at(TEXT + 48n)).toBe('second');
  });

  it('what begins where a section ends wins over the mark of that', () => {
    expect(at(TEXT + 0x80_0040n)).toBe('init_stack');
    expect(at(TEXT + 0x80_1000n)).toBe('__end_rodata_aligned');
  });

  it('per-CPU offsets, absolute and imported symbols are no addresses', () => {
    expect(at(0x1fb00n)).not.toBe('current_task');
    expect(at(0x42n)).not.toBe('absolute');
    expect(at(TEXT + 0x100_0000n)).toBe('counter');
  });
});

describe('what follows an address', () => {
  it('is the next symbol, padding left out where that is asked for', () => {
    const next = (offset: bigint, padding = false): bigint | undefined =>
      table.nextAddress(virtAddr(TEXT + offset), padding);
    const table = kernel();
    expect(next(0n)).toBe(TEXT + 16n);
    expect(next(16n)).toBe(TEXT + 48n);
    expect(next(16n, true)).toBe(TEXT + 32n);
    expect(next(48n)).toBe(TEXT + 0x100n);
    expect(next(0x100n)).toBe(TEXT + 0x80_0000n);
    expect(next(0x100_0000n)).toBeUndefined();
    expect(
      kernel()
        .slid(SLIDE)
        .nextAddress(virtAddr(TEXT + SLIDE)),
    ).toBe(TEXT + 16n + SLIDE);
  });

  it('offsets in the per-CPU area are told apart from absolute values', () => {
    expect([...kernel(SLIDE).offsets()].map(({ name, address }) => [name, address])).toEqual([
      ['current_task', 0x1fb00n],
    ]);
  });
});

describe('a slide', () => {
  it.each([
    ['given to begin with', kernel(SLIDE)],
    ['given later', kernel().slid(SLIDE)],
  ])('%s moves addresses, not per-CPU offsets and not absolute values', (_, table) => {
    expect(table.named('first')[0]?.address).toBe(TEXT + 16n + SLIDE);
    expect(table.at(virtAddr(TEXT + 20n + SLIDE))?.name).toBe('first');
    expect(table.named('current_task')[0]?.address).toBe(0x1fb00n);
    expect(table.named('absolute')[0]?.address).toBe(0x42n);
  });
});

describe('by name', () => {
  const table = kernel();

  it('every symbol of a name is found, none that is no name', () => {
    expect(table.named('second').map((symbol) => symbol.address)).toEqual([TEXT + 48n, TEXT + 0x100n]);
    expect(table.named('__pfx_first')).toHaveLength(1);
    for (const name of ['main.c', 'imported', '', 'firs', 'first_', 'FIRST']) expect(table.named(name)).toEqual([]);
  });

  it('symbols have letters as nm prints them', () => {
    const letters = (name: string): string[] => table.named(name).map((symbol) => symbol.letter);
    expect(letters('first')).toEqual(['T']);
    expect(letters('second')).toEqual(['t', 'T']);
    expect(letters('counter')).toEqual(['B']);
    expect(letters('banner')).toEqual(['r']);
    expect(letters('current_task')).toEqual(['D']);
    expect(letters('absolute')).toEqual(['A']);
  });

  it('the hash finds each of many names, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.stringMatching(/^[a-z_]{1,6}$/), { minLength: 1, maxLength: 200 }),
        fc.stringMatching(/^[a-z_]{1,6}$/),
        (names, other) => {
          const symbols = names.map((name, index): SymbolSpec => ({ name, value: TEXT + BigInt(index) * 16n }));
          const many = elfSymbolTable(symbolTableBytes(symbols));
          for (const [index, name] of names.entries())
            expect(many.named(name).map((s) => s.address)).toEqual([TEXT + BigInt(index) * 16n]);
          expect(many.named(other)).toHaveLength(names.includes(other) ? 1 : 0);
        },
      ),
    );
  });
});

describe('all symbols', () => {
  it('come in the order of addresses, those without one last', () => {
    const names = [...kernel().all()].map((symbol) => symbol.name);
    expect(names.slice(-2).sort()).toEqual(['absolute', 'current_task']);
    expect(names.indexOf('second')).toBeGreaterThan(names.indexOf('first'));
    expect(names).not.toContain('main.c');
  });

  it('are found as a linear search finds them, wherever they lie', () => {
    const address = fc.bigInt({ min: 0xffff_ffff_c000_0000n, max: 0xffff_ffff_c000_1000n });
    fc.assert(
      fc.property(fc.array(address, { minLength: 1, maxLength: 60 }), address, (addresses, wanted) => {
        const symbols = addresses.map((value, index): SymbolSpec => ({ name: `s${index}`, value, type: STT_FUNC }));
        const table = elfSymbolTable(symbolTableBytes(symbols), 'm');
        const below = addresses.filter((value) => value <= wanted);
        const nearest = below.length === 0 ? undefined : below.reduce((a, b) => (a > b ? a : b));
        expect(table.at(virtAddr(wanted))?.address).toBe(nearest);
      }),
    );
  });

  it('sort where values are too far apart to be packed', () => {
    const values = [0xffff_ffff_c000_0000n, 0x1000n, 0xff11_0000_0000_0000n, 0x7fff_ffff_0000n];
    const symbols = values.map((value, index): SymbolSpec => ({ name: `s${index}`, value }));
    const table = elfSymbolTable(symbolTableBytes(symbols));
    expect([...table.all()].map((symbol) => symbol.name)).toEqual(['s2', 's0', 's1', 's3']);
  });

  it('are none in an empty table', () => {
    const empty = elfSymbolTable({ symtab: new Uint8Array(0), strtab: new Uint8Array(0) });
    expect(empty.at(virtAddr(TEXT))).toBeUndefined();
    expect(empty.named('x')).toEqual([]);
  });
});

describe('a damaged table', () => {
  it('never does worse than an error of the family', () => {
    const { symtab, strtab } = symbolTableBytes([
      { name: 'alpha', value: TEXT, size: 16 },
      { name: 'beta', value: TEXT + 16n },
      { name: 'gamma', value: 0x10n, section: SHN_ABS },
    ]);
    const whole = Uint8Array.from([...symtab, ...strtab]);
    mutationRun(whole, 4000, (bytes) => {
      const table = elfSymbolTable({
        symtab: bytes.subarray(0, symtab.length),
        strtab: bytes.subarray(symtab.length),
      }).slid(SLIDE);
      table.named('alpha');
      table.at(virtAddr(TEXT + SLIDE + 4n));
      for (const symbol of table.all()) void symbol;
    });
  });
});
