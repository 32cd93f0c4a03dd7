/** Memory in pieces: holes between them, units that straddle a hole, starts that are not aligned. */

import { describe, expect, it } from 'vitest';
import { virtAddr } from '../base/addr.ts';
import { Cancelled, FaultError } from '../base/errors.ts';
import { watchCancelFlag } from '../base/cancel.ts';
import { fileMemory, readPieces, type MemorySource } from './memory-dump.ts';

/** Pages of which some are not there; each byte is the number of its page. */
function memoryWithout(...missing: readonly number[]): MemorySource {
  return {
    space: 'virtual',
    readInto: (address, target) => {
      const page = Number(address >> 12n);
      if (missing.includes(page)) throw new FaultError('kernel virtual', address, 'not-mapped');
      target.fill(page);
    },
  };
}

function piecesOf(source: MemorySource, start: bigint, length: number, unit: number): unknown[] {
  return [...readPieces(source, virtAddr(start), length, unit)].map(({ address, bytes, hole }) => ({
    address,
    size: bytes.length,
    hole: hole?.size ?? 0,
  }));
}

describe('pieces of memory', () => {
  it('are one where all of it can be read', () => {
    expect(piecesOf(memoryWithout(), 0x1ff8n, 0x3010, 8)).toEqual([{ address: 0x1ff8n, size: 0x3010, hole: 0 }]);
  });

  it('go on behind a hole, whatever its size', () => {
    expect(piecesOf(memoryWithout(2, 3), 0x1ff0n, 0x3000, 8)).toEqual([
      { address: 0x1ff0n, size: 16, hole: 0x2000 },
      { address: 0x4000n, size: 0xff0, hole: 0 },
    ]);
    expect(piecesOf(memoryWithout(2), 0x1ff0n, 0x100, 8)).toEqual([{ address: 0x1ff0n, size: 16, hole: 0xf0 }]);
    const [piece] = readPieces(memoryWithout(2), virtAddr(0x1ff0n), 0x100, 8);
    expect(piece?.hole?.why).toBe('cannot read kernel virtual address 2000: not mapped');
  });

  it('count a unit that is partly in a hole to the hole', () => {
    expect(piecesOf(memoryWithout(2), 0x1ff4n, 0x1100, 8)).toEqual([
      { address: 0x1ff4n, size: 8, hole: 0x1008 },
      { address: 0x3004n, size: 0xf0, hole: 0 },
    ]);
  });

  it('are cut where they are long', () => {
    expect(piecesOf(memoryWithout(), 0x1008n, (1 << 20) + 16, 8)).toEqual([
      { address: 0x1008n, size: 1 << 20, hole: 0 },
      { address: 0x10_1008n, size: 16, hole: 0 },
    ]);
  });

  it('of a file end where it ends', () => {
    const file = {
      path: 'vmcore',
      size: 100,
      readInto: (offset: number, target: Uint8Array) => Math.max(0, Math.min(target.length, 100 - offset)),
      close: () => {},
    };
    expect(piecesOf(fileMemory(file), 0x50n, 64, 8)).toEqual([{ address: 0x50n, size: 16, hole: 48 }]);
  });

  it('stop when they are told to', () => {
    const flag = new Int32Array(1);
    watchCancelFlag(flag);
    const pieces = readPieces(memoryWithout(), virtAddr(0n), 1 << 22, 8);
    pieces.next();
    flag[0] = 1;
    expect(() => pieces.next()).toThrow(Cancelled);
    flag[0] = 0;
  });
});
