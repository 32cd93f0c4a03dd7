/** The counter of steps counts what the engine does: loops with and without a block, functions, arrows. */

import { describe, expect, it } from 'vitest';
import { ulebAt } from '../../src/bytes/read.ts';
import { stepsOf, withinSteps } from './steps.ts';

const number = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at === length - 1 ? 1 : 0x80));

describe('steps of the engine', () => {
  it('grow with the work', () => {
    const [short, long] = [stepsOf(() => void ulebAt(number(2), 0)), stepsOf(() => void ulebAt(number(12), 0))];
    expect(short).toBeGreaterThan(0);
    expect(long - short).toBeGreaterThanOrEqual(10);
  });

  it('have an end', () => {
    expect(() => withinSteps(5, () => ulebAt(number(12), 0))).toThrow('step budget');
    expect(withinSteps(1000, () => ulebAt(number(2), 0))).toBe(0x80);
  });

  it('are taken from the outer budget, too', () => {
    const use = (): void => withinSteps(1000, () => void ulebAt(number(12), 0));
    expect(() => withinSteps(5, use)).toThrow('step budget');
    expect(stepsOf(use)).toBe(stepsOf(() => void ulebAt(number(12), 0)));
  });
});
