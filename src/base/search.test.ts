/** Binary searches against linear ones. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { once, upperBound, upperBoundBy } from './search.ts';

const sortedNumbers = fc.array(fc.integer({ min: -20, max: 20 })).map((values) => values.sort((a, b) => a - b));

describe('upperBound', () => {
  it('is the first greater element, as a linear search finds it', () => {
    fc.assert(
      fc.property(sortedNumbers, fc.integer({ min: -22, max: 22 }), (values, key) => {
        const linear = values.findIndex((value) => value > key);
        const wanted = linear < 0 ? values.length : linear;
        return upperBound(values, key) === wanted && upperBoundBy(values, BigInt(key), BigInt) === wanted;
      }),
    );
  });

  it('stays in the part it was given', () => {
    expect(upperBound([1, 2, 3, 4, 5], 9, 1, 3)).toBe(3);
    expect(upperBound([1, 2, 3, 4, 5], 0, 1, 3)).toBe(1);
    expect(upperBound([], 0)).toBe(0);
  });
});

describe('once', () => {
  it('computes once, undefined too', () => {
    let calls = 0;
    const get = once(() => {
      calls++;
      return undefined;
    });
    get();
    get();
    expect(calls).toBe(1);
  });

  it('tries again after an error', () => {
    let calls = 0;
    const get = once(() => {
      if (calls++ === 0) throw new Error('not yet');
      return 7;
    });
    expect(get).toThrow('not yet');
    expect(get()).toBe(7);
    expect(get()).toBe(7);
    expect(calls).toBe(2);
  });
});
