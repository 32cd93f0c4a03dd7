/** Markers among other numbers: of both widths, and never more runs than are worth a look. */

import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../test/builders/byte-writer.ts';
import { findMarkers, runsOfMarkers } from './markers.ts';

const markers = Array.from({ length: 20 }, (_, index) => index * 3000 + (index % 3) * 7);

function table(width: number, ...behind: readonly number[]): Uint8Array {
  const writer = new ByteWriter().u32(0xdead_beef).u32(77);
  for (const marker of markers) writer.unsigned(marker, width);
  for (const word of behind) writer.u32(word);
  return writer.build();
}

describe('markers', () => {
  it.each([4, 8])('of %i bytes are found by how they ascend', (width) => {
    expect([...runsOfMarkers(table(width, 5, 0, 3))]).toEqual([{ at: 8, markers }]);
  });

  it('are as many as there are names, whatever follows them', () => {
    const more = table(4, 60_000);
    expect(findMarkers(more, 20 * 256)).toEqual({ at: 8, markers });
    expect(findMarkers(more, 19 * 256 + 1)).toEqual({ at: 8, markers });
    expect(findMarkers(more, 22 * 256)).toBeUndefined();
  });

  it('are looked for a bounded number of times in memory that is full of them', () => {
    const writer = new ByteWriter();
    for (let run = 0; run < 5000; run++) for (const marker of [0, 600, 1200, 1800, 2400]) writer.u32(marker);
    expect([...runsOfMarkers(writer.build())].length).toBeLessThan(100);
  });
});
