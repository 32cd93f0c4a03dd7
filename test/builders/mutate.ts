/**
 * Seeded damage to bytes: flips, cuts, splices, boundary integers. And the one thing every parser is asked: whatever
 * the bytes, it ends, and throws nothing but a VmcoreError. VMSCOPE_MUTATIONS=n multiplies the runs.
 */

import { VmcoreError } from '../../src/base/errors.ts';

const factor = Math.max(0, Number(process.env['VMSCOPE_MUTATIONS'] ?? '1')) || 1;
/** A safety net, wide enough for a busy machine: what runs away on a few kilobytes takes far longer. */
const LONGEST_RUN_MS = 20_000;

export type Random = () => number;

/** mulberry32: [0, 1). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

const boundaries = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_fff4n,
  0xffff_fffcn,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1f_ffff_ffff_ffffn,
  0x20_0000_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_8000_0000n,
  0xffff_ffff_ffff_fff8n,
  0xffff_ffff_ffff_ffffn,
];

/** A damaged copy: one to four changes. */
export function mutate(original: Uint8Array, random: Random): Uint8Array {
  let bytes = original.slice();
  for (let changes = 1 + below(random, 4); changes > 0 && bytes.length > 0; changes--) {
    const at = below(random, bytes.length);
    switch (below(random, 10)) {
      case 0:
        bytes = bytes.slice(0, at);
        break;
      case 1: {
        const from = below(random, bytes.length);
        bytes.copyWithin(at, from, from + 1 + below(random, 32));
        break;
      }
      case 2:
        bytes.fill(random() < 0.5 ? 0 : 0xff, at, at + 1 + below(random, 16));
        break;
      case 3: {
        const inserted = Uint8Array.from({ length: 1 + below(random, 8) }, () => below(random, 256));
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...inserted, ...bytes.subarray(at)]);
        break;
      }
      case 4:
        bytes.fill(0x80, at, at + 1 + below(random, 200));
        break;
      case 5:
      case 6: {
        const value = boundaries[below(random, boundaries.length)] ?? 0n;
        const size = [1, 2, 4, 8][below(random, 4)] ?? 4;
        const aligned = at - (at % size);
        for (let index = 0; index < size && aligned + index < bytes.length; index++) {
          bytes[aligned + index] = Number((value >> BigInt(index * 8)) & 0xffn);
        }
        break;
      }
      case 7:
        bytes[at] = below(random, 256);
        break;
      default:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8));
    }
  }
  return bytes;
}

/** How many runs a test makes. */
export function runs(count: number): number {
  return Math.ceil(count * factor);
}

/** Calls `use`; a VmcoreError is an answer. Anything else, and slowness, is a failure that names the seed. */
export function survives(seed: number, use: () => void): void {
  const start = performance.now();
  try {
    use();
  } catch (error) {
    if (!(error instanceof VmcoreError)) throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    if (error.code === 'internal') throw new Error(`seed ${seed}: ${error.message}`, { cause: error });
  }
  const took = performance.now() - start;
  if (took > LONGEST_RUN_MS) throw new Error(`seed ${seed}: took ${Math.round(took)} ms`);
}

/** Runs `use` on the original, which must not throw, and then on `count` damaged copies. */
export function mutationRun(original: Uint8Array, count: number, use: (bytes: Uint8Array) => void): void {
  use(original);
  const total = runs(count);
  for (let seed = 1; seed <= total; seed++) {
    const bytes = mutate(original, randomFrom(seed));
    survives(seed, () => use(bytes));
  }
}
