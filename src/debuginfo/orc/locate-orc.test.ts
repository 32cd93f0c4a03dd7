/** ORC tables in an image: only where the linker's labels fit each other. */

import { describe, expect, it } from 'vitest';
import { addVirt, virtAddr, type VirtAddr } from '../../base/addr.ts';
import { locateOrc, type OrcParts } from './locate-orc.ts';

const START = virtAddr(0xffff_ffff_8200_0000n);

function located(ipsSize: number, entriesSize: number, without?: string): OrcParts | undefined {
  const entries = addVirt(START, 0x10_0000);
  const labels = new Map<string, VirtAddr>([
    ['__start_orc_unwind_ip', START],
    ['__stop_orc_unwind_ip', addVirt(START, ipsSize)],
    ['__start_orc_unwind', entries],
    ['__stop_orc_unwind', addVirt(entries, entriesSize)],
  ]);
  return locateOrc((name) => (name === without ? undefined : labels.get(name)));
}

describe('the ORC tables of an image', () => {
  it('are between their labels: four bytes and six an entry', () => {
    expect(located(400, 600)).toEqual({
      ips: { address: START, size: 400 },
      entries: { address: addVirt(START, 0x10_0000), size: 600 },
    });
  });

  it('are none where labels are missing, in the wrong order, or do not fit each other', () => {
    expect(located(400, 600, '__stop_orc_unwind')).toBeUndefined();
    expect(located(400, 594)).toBeUndefined();
    expect(located(0, 0)).toBeUndefined();
    expect(located(-400, 600)).toBeUndefined();
    expect(located(2 ** 40, 2 ** 41)).toBeUndefined();
  });
});
