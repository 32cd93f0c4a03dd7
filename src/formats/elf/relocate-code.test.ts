import { describe, expect, it } from 'vitest';
import { relocateCode } from './relocate-code.ts';

const ADDRESS = 0xffffffffc0000000n;
const symbols: readonly (bigint | undefined)[] = [0n, 0xffffffff81000000n, undefined];

function rela(
  entries: readonly (readonly [offset: number, type: number, symbol: number, addend: number])[],
): Uint8Array {
  const bytes = new Uint8Array(entries.length * 24);
  const view = new DataView(bytes.buffer);
  for (const [index, [offset, type, symbol, addend]] of entries.entries()) {
    view.setBigUint64(index * 24, BigInt(offset), true);
    view.setUint32(index * 24 + 8, type, true);
    view.setUint32(index * 24 + 12, symbol, true);
    view.setBigInt64(index * 24 + 16, BigInt(addend), true);
  }
  return bytes;
}

function relocated(size: number, start: number, ...entries: Parameters<typeof rela>[0]): DataView {
  const bytes = new Uint8Array(size);
  relocateCode(bytes, start, ADDRESS + BigInt(start), rela(entries), (index) => symbols[index]);
  return new DataView(bytes.buffer);
}

describe('relocation of code', () => {
  it('puts in distances (PC32, PLT32) and addresses (32S, 64)', () => {
    const place = ADDRESS + 1n;
    const distance = Number(BigInt.asIntN(32, 0xffffffff81000000n - 4n - place));
    for (const type of [2, 4]) expect(relocated(8, 0, [1, type, 1, -4]).getInt32(1, true)).toBe(distance);
    expect(relocated(8, 0, [0, 11, 1, 0x10]).getUint32(0, true)).toBe(0x81000010);
    expect(relocated(8, 0, [0, 1, 1, 0x10]).getBigUint64(0, true)).toBe(0xffffffff81000010n);
  });

  it('counts from where the bytes begin', () => {
    expect(relocated(8, 0x100, [0x102, 11, 1, 0]).getUint32(2, true)).toBe(0x81000000);
  });

  it.each([
    ['a symbol that is not known', [0x10, 11, 2, 0]],
    ['a kind that is not known', [0x10, 99, 1, 0]],
    ['a place before the bytes', [0xe, 11, 1, 0]],
    ['a place that reaches over their end', [0x15, 11, 1, 0]],
  ] as const)('leaves bytes alone: %s', (_, entry) => {
    expect(new Uint8Array(relocated(8, 0x10, entry).buffer)).toEqual(new Uint8Array(8));
  });
});
