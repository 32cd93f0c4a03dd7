/** Where the regions of the kernel's address space are. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder, TEXT } from '../../test/builders/kernel.ts';
import { kernelRegions } from './regions.ts';

const starts = (builder: KernelBuilder): Record<string, bigint> =>
  Object.fromEntries(kernelRegions(builder.build()).map(({ kind, start }) => [kind, start]));

describe('regions', () => {
  it('are at their fixed places where nothing moves them', () => {
    expect(starts(new KernelBuilder())).toEqual({
      'direct map': 0xffff_8800_0000_0000n,
      vmalloc: 0xffff_c900_0000_0000n,
      vmemmap: 0xffff_ea00_0000_0000n,
      image: TEXT,
      modules: TEXT + 0x100_0000n,
    });
    expect(starts(new KernelBuilder({ levels: 5 }))).toMatchObject({
      'direct map': 0xff10_0000_0000_0000n,
      vmalloc: 0xffa0_0000_0000_0000n,
      vmemmap: 0xffd4_0000_0000_0000n,
    });
  });

  it('are where KASLR put them; what can be no such place is not believed', () => {
    const builder = new KernelBuilder({ slide: 0x100_0000n });
    builder.u64(builder.variable('page_offset_base', 8), 0xffff_9d00_0000_0000n);
    builder.u64(builder.variable('vmalloc_base', 8), 0xffff_b280_4000_0000n);
    builder.u64(builder.variable('vmemmap_base', 8), 0x1234n);
    expect(starts(builder)).toEqual({
      'direct map': 0xffff_9d00_0000_0000n,
      vmalloc: 0xffff_b280_4000_0000n,
      vmemmap: 0xffff_ea00_0000_0000n,
      image: TEXT + 0x100_0000n,
      modules: TEXT + 0x200_0000n,
    });
  });

  it('end where the next begins, the image with its last large page', () => {
    const regions = kernelRegions(new KernelBuilder().symbol('_end', TEXT + 0x123n).build());
    const image = regions.find(({ kind }) => kind === 'image');
    expect(
      regions.every(
        ({ start, end }, index) => start < end && (index === 0 || (regions[index - 1]?.end ?? 0n) <= start),
      ),
    ).toBe(true);
    expect((image?.end ?? 1n) % 0x20_0000n).toBe(0n);
  });
});
