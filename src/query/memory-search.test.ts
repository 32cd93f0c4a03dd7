/** Values and texts in the memory of a synthetic kernel. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder, TEXT } from '../../test/builders/kernel.ts';
import { encode } from '../../test/builders/byte-writer.ts';
import { watchCancelFlag } from '../base/cancel.ts';
import { Cancelled } from '../base/errors.ts';
import { invocationOf, runCommand } from '../commands/run.ts';
import { Session } from '../commands/session.ts';
import { toJson } from '../render/json.ts';
import { renderText } from '../render/text/index.ts';

const HEAP = 0xffff_8880_0000_0000n;
const VMALLOC = 0xffff_c900_0000_0000n;

function search(builder: KernelBuilder, ...words: readonly string[]): string[] {
  const session = new Session(builder.target());
  const lines: string[] = [];
  for (const result of runCommand(session, invocationOf(['search', ...words]))) {
    expect(() => JSON.stringify(toJson(result))).not.toThrow();
    lines.push(...renderText(result));
  }
  return lines;
}

/** Two pages of the heap, one behind the other, and nothing else. */
function twoPages(): KernelBuilder {
  const builder = new KernelBuilder();
  builder.allocate(8192);
  return builder;
}

const VALUE = 0xfeed_face_cafe_f00dn;
const text = VALUE.toString(16);

describe('a 64-bit value', () => {
  it('is found in the first and the last word of a page, and nowhere else', () => {
    const builder = twoPages();
    for (const offset of [0n, 0xff8n, 0x1ff8n]) builder.u64(HEAP + offset, VALUE);
    // Across the border of two words, and half of it: no value.
    builder
      .u64(HEAP + 0x104n, VALUE)
      .u32(HEAP + 0x200n, 0xcafe_f00d)
      .u32(HEAP + 0x304n, 0xfeed_face);
    expect(search(builder, text)).toEqual([
      `ffff888000000000: ${text}`,
      `ffff888000000ff8: ${text}`,
      `ffff888000001ff8: ${text}`,
    ]);
  });

  it('is found in every mapping, by address; -K and -V leave theirs out', () => {
    const builder = twoPages();
    builder
      .u64(VMALLOC + 0x5000n, VALUE)
      .u64(TEXT + 0x40n, VALUE)
      .u64(0xffff_ffff_c000_0008n, VALUE);
    builder.u64(HEAP, VALUE).u64(0xffff_ea00_0000_0010n, VALUE);
    const addresses = (...words: string[]): string[] =>
      search(builder, ...words, text).map((line) => line.slice(0, 16));
    const [heap, vmalloc, vmemmap, image, module] = [
      'ffff888000000000',
      'ffffc90000005000',
      'ffffea0000000010',
      'ffffffff81000040',
      'ffffffffc0000008',
    ];
    expect(addresses('-k')).toEqual([heap, vmalloc, vmemmap, image, module]);
    expect(addresses()).toEqual(addresses('-k'));
    expect(addresses('-K')).toEqual([heap, image]);
    expect(addresses('-V')).toEqual([vmalloc, vmemmap, module]);
    expect(addresses('-s', 'ffffc90000005000', '-e', 'ffffffff81000040')).toEqual([vmalloc, vmemmap]);
    expect(addresses('-s', 'ffffc90000005001')).toEqual([vmemmap, image, module]);
    expect(addresses('-s', 'ffff888000000000', '-l', '7')).toEqual(['(not found in 7 ']);
    expect(addresses('-s', 'ffff888000000000', '-l', '8')).toEqual([heap]);
  });

  it('is one of several, each as it was given', () => {
    const builder = twoPages().symbol('a_symbol', TEXT + 0x10n);
    builder
      .u64(HEAP + 8n, TEXT + 0x10n)
      .u64(HEAP + 0x10n, TEXT + 0x18n)
      .u64(HEAP, VALUE);
    expect(search(builder, '(a_symbol+8)', 'a_symbol', text, text)).toEqual([
      `ffff888000000000: ${text}`,
      `ffff888000000000: ${text}`,
      'ffff888000000008: ffffffff81000010 (a_symbol)',
      'ffff888000000010: ffffffff81000018 (a_symbol+8)',
    ]);
  });

  it('has bits that may be anything', () => {
    const builder = twoPages()
      .u64(HEAP + 8n, 0xffff_8880_1234_5678n)
      .u64(HEAP + 0x10n, 0x7fff_8880_1234_0000n);
    expect(search(builder, '-m', 'ffff', 'ffff888012340000')).toEqual(['ffff888000000008: ffff888012345678']);
    expect(search(builder, '-m', 'ffffffff', 'ffff888000000000')).toEqual(['ffff888000000008: ffff888012345678']);
    expect(search(builder, '-m', '800000000000ffff', 'ffff888012340000')).toHaveLength(2);
  });

  it('is shown with its surroundings, as far as there are any', () => {
    const builder = twoPages()
      .u64(HEAP, 1n)
      .u64(HEAP + 8n, VALUE)
      .u64(HEAP + 0x10n, 0x41n);
    expect(search(builder, '-x', '2', text)).toEqual([
      '(cannot read kernel virtual address ffff887ffffffff8: not mapped; 8 bytes are left out)',
      'ffff888000000000:  0000000000000001                    ........',
      `ffff888000000008:  ${text}`,
      'ffff888000000010:  0000000000000041 0000000000000000   A...............',
      '',
    ]);
  });
});

describe('narrow values', () => {
  it('stand at multiples of their size', () => {
    const builder = twoPages();
    for (const offset of [0x0n, 0x14n, 0x22n, 0x31n, 0xffcn, 0x1ffen]) builder.u32(HEAP + offset, 0xcafe_f00d);
    expect(search(builder, '-w', 'cafef00d').map((line) => line.slice(13))).toEqual([
      '000: cafef00d',
      '014: cafef00d',
      'ffc: cafef00d',
    ]);
    expect(search(builder, '-h', 'f00d').map((line) => line.slice(12))).toEqual([
      '0000: f00d',
      '0014: f00d',
      '0022: f00d',
      '0ffc: f00d',
      '1ffe: f00d',
    ]);
    expect(search(builder, '-h', '-m', 'ff', '-s', 'ffff888000000ff0', '-l', '16', 'ca00')).toEqual([
      'ffff888000000ffe: cafe',
    ]);
  });

  it('do not take more than they hold', () => {
    const builder = twoPages();
    expect(() => search(builder, '-w', '1cafef00d')).toThrow('1cafef00d does not fit 32 bits');
    expect(() => search(builder, '-h', '10000')).toThrow('does not fit 16 bits: search with -w');
    expect(() => search(builder, '-h', '-m', '10000', '1')).toThrow('10000 does not fit 16 bits');
  });
});

describe('a text', () => {
  it('is found at any place, and across pages that are scattered in physical memory', () => {
    const builder = twoPages();
    builder.physical.allocate();
    builder.write(VMALLOC + 0xffdn, encode('needle in a page\0'));
    builder.write(HEAP + 3n, encode('needle'));
    expect(search(builder, '-c', 'needle', 'edl')).toEqual([
      `ffff888000000003: needle${'.'.repeat(50)}`,
      `ffff888000000005: edle${'.'.repeat(52)}`,
      `ffffc90000000ffd: needle in a page${'.'.repeat(40)}`,
      `ffffc90000000fff: edle in a page${'.'.repeat(42)}`,
    ]);
  });

  it('is found once where windows meet', () => {
    const builder = new KernelBuilder();
    builder.allocate((1 << 20) + 8192);
    const places = [-8n, -6n, -1n, 0n, 1n].map((offset) => HEAP + (1n << 20n) + offset * 16n);
    for (const place of places) builder.write(place, encode('abcdef'));
    const found = search(builder, '-c', 'abcdef', 'f').map((line) => line.slice(0, 16));
    expect(found).toEqual(places.flatMap((place) => [place.toString(16), (place + 5n).toString(16)]));
    const crossing = new KernelBuilder();
    crossing.allocate((1 << 20) + 8192);
    crossing.write(HEAP + (1n << 20n) - 3n, encode('abcdef'));
    expect(search(crossing, '-c', 'abcdef')).toHaveLength(1);
    expect(search(crossing, '-c', 'abcdef', 'a-longer-text')).toHaveLength(1);
  });

  it('that ends with memory is found, and not what memory cuts off', () => {
    const builder = twoPages().write(HEAP + 0x1ffan, encode('finale'));
    expect(search(builder, '-c', 'finale')).toEqual(['ffff888000001ffa: finale']);
    expect(search(builder, '-c', 'finale2')).toEqual(['(not found in 8192 bytes)']);
  });

  it('is shown without its control characters', () => {
    const builder = twoPages().write(HEAP, encode('text\u001b[31mred'));
    expect(search(builder, '-c', 'text')[0]).toBe(`ffff888000000000: text.[31mred${'.'.repeat(44)}`);
  });
});

describe('memory', () => {
  it('that is mapped and not in the dump is passed over; tables that are not there are told once', () => {
    const builder = twoPages().u64(HEAP + 8n, VALUE);
    builder.tables.map(HEAP + 0x10_0000n, 0x40_0000_0000);
    builder.u64(VMALLOC, VALUE);
    const slot = builder.tables.mode.root + 0x192 * 8;
    const table = Number(builder.physical.readWord(slot) & 0x000f_ffff_ffff_f000n);
    expect(search(builder, text)).toHaveLength(2);
    builder.physical.remove(table);
    expect(search(builder, text)).toEqual([
      `ffff888000000008: ${text}`,
      `(what these map was not searched: page table at physical ${table.toString(16)}: cannot read physical address ${table.toString(16)}: not in the dump)`,
    ]);
  });

  it('may be physical', () => {
    const builder = twoPages().u64(HEAP + 8n, VALUE);
    const [line] = search(builder, '-p', text);
    const address = line?.split(':')[0] ?? '';
    expect(search(builder, '-p', '-s', address, '-l', '8', text)).toEqual([line]);
    expect(search(builder, '-p', '-x', '1', text)[1]).toBe(`${address.padStart(16)}:  ${text}`);
    expect(() => search(builder, '-p', '-s', 'ffff888000000000', text)).toThrow('no physical address');
  });

  it('with a million hits is told up to there, then refused: what was printed are hits alone', () => {
    const builder = new KernelBuilder();
    builder.allocate(12 << 20);
    const session = new Session(builder.target());
    const lines: string[] = [];
    const all = (): void => {
      for (const result of runCommand(session, invocationOf(['search', '-k', '0'])))
        for (const line of renderText(result)) lines.push(line);
    };
    expect(all).toThrow(/^search: stopped after \d{7} hits; narrow it with -s ADDRESS, -e ADDRESS or a longer value$/);
    expect(lines.length).toBeGreaterThanOrEqual(1 << 20);
    expect(lines.filter((line) => !line.endsWith(': 0'))).toEqual([]);
  });

  it('of 5-level kernels is found where they have it', () => {
    const builder = new KernelBuilder({ levels: 5 });
    builder.u64(0xff11_0000_0000_0008n, VALUE).u64(0xffa0_0000_0000_1000n, VALUE);
    expect(search(builder, text)).toEqual([`ff11000000000008: ${text}`, `ffa0000000001000: ${text}`]);
  });

  it('is no longer searched when that is no longer wanted', () => {
    const flag = new Int32Array(1);
    watchCancelFlag(flag);
    flag[0] = 1;
    expect(() => search(twoPages(), text)).toThrow(Cancelled);
    flag[0] = 0;
  });
});

describe('is refused:', () => {
  it.each([
    [[], 'search wants a value'],
    [['-k', '-p', '1'], '-k and -p exclude each other'],
    [['-t', '-s', 'ffff888000000000', '1'], '-t and -s exclude each other'],
    [['-c', '-m', '1', 'x'], '-m and -c exclude each other'],
    [['-e', 'ffff888000000000', '-l', '1', '1'], '-e and -l exclude each other'],
    [['-s', '401000', '1'], '401000 is an address of user space: search it with -u'],
    [['-s', 'ffff888000001000', '-e', 'ffff888000000000', '1'], 'it would end (ffff888000000000) before it begins'],
    [['-l', '0', '1'], '0 bytes are none to search'],
    [['-m', 'xyz', '1'], 'xyz is no mask'],
    [['nosuch'], 'nosuch is no symbol and no hexadecimal address'],
    [['-c', ''], 'a text has 1 to 4096 bytes'],
    [['-x', '600', '1'], '-x 600 is no usable count (0 to 512)'],
  ])('search %j', (words, message) => {
    expect(() => search(twoPages(), ...words)).toThrow(message);
  });
});
