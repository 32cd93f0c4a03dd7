/** Look-ups by address: before and after the ranges are sorted, they find what a linear search finds. */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressRanges } from './aranges.ts';

const LOOK_UPS = 300;

describe('look-ups', () => {
  it('equal a linear search, however many there are, in ranges of any order', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(200), { minLength: 1 }),
        fc.array(fc.integer({ min: -20, max: 2100 }), { minLength: LOOK_UPS, maxLength: LOOK_UPS }),
        (cells, addresses) => {
          const triples = cells.flatMap((cell, index) => [cell * 10 - 7, cell * 10, index]);
          const ranges = new AddressRanges(Float64Array.from(triples));
          for (const address of addresses) {
            const linear = cells.findIndex((cell) => address >= cell * 10 - 7 && address < cell * 10);
            expect(ranges.unitAt(address)).toBe(linear < 0 ? undefined : linear);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('find the first of the table where ranges overlap', () => {
    // A long one that reaches over short ones, behind one of which it stands in the table.
    const ranges = new AddressRanges(Float64Array.from([40, 50, 1, 0, 100, 2, 60, 70, 3, 300, 310, 4]));
    for (let round = 0; round < LOOK_UPS; round++) ranges.unitAt(-1);
    expect([305, 65, 305, 55, 305, 45].map((address) => ranges.unitAt(address))).toEqual([4, 2, 4, 2, 4, 1]);
  });
});
