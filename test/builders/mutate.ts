/**
 * Seeded damage to bytes: flips, cuts, splices, boundary integers. And the one thing every parser is asked: whatever
 * the bytes, it ends, within a budget of steps and of memory, and throws nothing but a VmcoreError.
 *
 * Every seed of a run is counted as one mutated input; `npm test` fails where all runs together make fewer than
 * 20,000. VMSCOPE_MUTATIONS=long makes fifty times as many, VMSCOPE_MUTATIONS=n n times.
 */

import { TestRunner } from 'vitest';
import { VmcoreError } from '../../src/base/errors.ts';
import { withinSteps } from '../steps/steps.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** How many mutated inputs a test made. */
    mutatedInputs?: number;
  }
}

const LONG_RUN = 50;
const wanted = process.env['VMSCOPE_MUTATIONS'] ?? '1';
const factor = wanted === 'long' ? LONG_RUN : Math.max(0, Number(wanted)) || 1;
/** Loop rounds and calls that one damaged input may cost: some 50 ms. A few kilobytes that describe little take 10,000. */
const STEPS = 5_000_000;
/** By how much a run may let the process grow, in bytes. */
const MEMORY = 512 << 20;

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

/**
 * The seeds of a run, each counted as one mutated input. Fails where the memory of the process grew too much.
 * @param count in an ordinary run
 */
export function* seeds(count: number): Generator<number> {
  const test = TestRunner.getCurrentTest();
  const before = peakMemory();
  const last = Math.ceil(count * factor);
  for (let seed = 1; seed <= last; seed++) {
    if (test !== undefined) test.meta.mutatedInputs = (test.meta.mutatedInputs ?? 0) + 1;
    yield seed;
  }
  const grown = peakMemory() - before;
  if (grown > MEMORY) throw new Error(`mutated inputs made the process grow by ${grown >> 20} MiB`);
}

/** In bytes; it never falls. */
function peakMemory(): number {
  return process.resourceUsage().maxRSS * 1024;
}

/** Calls `use`; a VmcoreError is an answer. Anything else, and more than `steps`, is a failure that names the seed. */
export function survives(seed: number, use: () => void, steps = STEPS): void {
  try {
    withinSteps(steps, use);
  } catch (error) {
    if (!(error instanceof VmcoreError)) throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    if (error.code === 'internal') throw new Error(`seed ${seed}: ${error.message}`, { cause: error });
  }
}

/** Runs `use` on the original, which must not throw, and then on `count` damaged copies, within `steps` each. */
export function mutationRun(
  original: Uint8Array,
  count: number,
  use: (bytes: Uint8Array) => void,
  steps = STEPS,
): void {
  withinSteps(steps, () => use(original));
  for (const seed of seeds(count)) {
    const bytes = mutate(original, randomFrom(seed));
    survives(seed, () => use(bytes), steps);
  }
}
