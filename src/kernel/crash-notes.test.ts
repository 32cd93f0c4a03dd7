/** The registers that the kernel saved of each CPU, in its own memory. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder } from '../../test/builders/kernel.ts';
import { addVirt, type VirtAddr } from '../base/addr.ts';
import { savedInCrash } from './crash-notes.ts';

const PRSTATUS_SIZE = 336;
const RIP_OFFSET = 112 + 16 * 8;

/** Two CPUs; the second has saved its registers. */
function scene(): { builder: KernelBuilder; note: VirtAddr } {
  const builder = new KernelBuilder();
  const offsets = builder.variable('__per_cpu_offset', 16);
  const areas = [builder.allocate(4096), builder.allocate(4096)];
  for (const [cpu, area] of areas.entries()) builder.u64(addVirt(offsets, cpu * 8), area);
  builder.u64(builder.variable('crash_notes', 8), 0x100n);
  const note = addVirt(areas[1] as VirtAddr, 0x100);
  builder.u32(note, 5).u32(addVirt(note, 4), PRSTATUS_SIZE).u32(addVirt(note, 8), 1).text(addVirt(note, 12), 'CORE');
  builder.u64(addVirt(note, 20 + RIP_OFFSET), 0xffff_ffff_8100_1234n);
  return { builder, note };
}

describe('crash_notes', () => {
  it('has the registers of a CPU, and none of one that saved none', () => {
    const kernel = scene().builder.build();
    expect(savedInCrash(kernel, 1)?.['rip']).toBe(0xffff_ffff_8100_1234n);
    expect(savedInCrash(kernel, 0)).toBeUndefined();
  });

  it('that are damaged have none', () => {
    for (const [offset, value] of [
      [0, 0xffff_ffff],
      [4, 0x7fff_ffff],
      [4, 8],
      [8, 3],
      [12, 0],
    ] as const) {
      const { builder, note } = scene();
      builder.u32(addVirt(note, offset), value);
      expect(savedInCrash(builder.build(), 1), `${offset}`).toBeUndefined();
    }
  });
});
