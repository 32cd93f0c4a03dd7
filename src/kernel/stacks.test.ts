/** The stacks of a CPU, as kernels of several ages keep them. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder } from '../../test/builders/kernel.ts';
import { addVirt, type VirtAddr } from '../base/addr.ts';
import { Stacks } from './stacks.ts';

const CEA = 0xffff_fe00_0000_1000n;
const IRQ_SIZE = 16_384;

/** One CPU. */
function oneCpu(): KernelBuilder {
  const builder = new KernelBuilder();
  builder.u64(builder.variable('__per_cpu_offset', 8), 0n);
  builder.u64(builder.variable('__cpu_possible_mask', 8), 1n);
  return builder;
}

/** orig_ist with those tops. */
function withTops(builder: KernelBuilder, tops: readonly bigint[]): KernelBuilder {
  const at = builder.variable('orig_ist', 56);
  for (const [index, top] of tops.entries()) builder.u64(addVirt(at, index * 8), top);
  return builder;
}

describe('the IRQ stack', () => {
  const top = (builder: KernelBuilder): VirtAddr => addVirt(builder.allocate(IRQ_SIZE), IRQ_SIZE);

  it.each([
    ['irq_stack_ptr', 0],
    ['irq_stack_ptr', -64],
    ['hardirq_stack_ptr', 0],
    ['hardirq_stack_ptr', -8],
  ])('is found by %s, %i from its top', (symbol, offset) => {
    const builder = oneCpu();
    const end = top(builder);
    builder.u64(builder.variable(symbol, 8), addVirt(end, offset));
    const stack = new Stacks(builder.build()).irqOf(0);
    expect(stack).toEqual({ kind: 'irq', name: 'IRQ', cpu: 0, base: addVirt(end, -IRQ_SIZE), size: IRQ_SIZE });
  });

  it('is the per-CPU irq_stack_union where nothing points at it, of that type’s size', () => {
    const builder = oneCpu();
    builder.types.compound('union', 'irq_stack_union', 2 * IRQ_SIZE, []);
    const base = builder.variable('irq_stack_union', 2 * IRQ_SIZE);
    const stacks = new Stacks(builder.build());
    expect(stacks.irqOf(0)).toMatchObject({ base, size: 2 * IRQ_SIZE });
    expect(stacks.ofCpuAt(addVirt(base, 2 * IRQ_SIZE - 8))?.name).toBe('IRQ');
  });

  it('is none where nothing tells', () => {
    expect(new Stacks(oneCpu().build()).irqOf(0)).toBeUndefined();
  });
});

describe('exception stacks of orig_ist', () => {
  const found = (builder: KernelBuilder, addresses: readonly bigint[]): (string | undefined)[] => {
    const stacks = new Stacks(builder.build());
    return addresses.map((address) => stacks.ofCpuAt(address as VirtAddr)?.name);
  };

  it.each([1, 2])('have sizes that their tops tell, %i pages', (pages) => {
    const size = BigInt(pages) * 4096n;
    const tops = [1n, 2n, 4n, 5n].map((count) => CEA + count * size);
    const builder = withTops(oneCpu(), tops);
    expect(found(builder, [CEA, CEA + size - 1n, CEA + size, CEA + 2n * size, CEA + 4n * size - 8n])).toEqual([
      'DOUBLEFAULT exception',
      'DOUBLEFAULT exception',
      'NMI exception',
      'DEBUG exception',
      'DEBUG exception',
    ]);
    expect(found(builder, [CEA + 4n * size, CEA + 5n * size, CEA - 1n])).toEqual([
      'MCE exception',
      undefined,
      undefined,
    ]);
  });

  it('tell where the entry stack is, too', () => {
    const builder = oneCpu();
    const { types } = builder;
    const bytes = types.int('char', 1);
    types.struct('cpu_entry_area', 0x9000, [
      { name: 'entry_stack_page', type: types.array(bytes, 4096), offset: 0x1000 },
      { name: 'exception_stacks', type: types.array(bytes, 5 * 4096), offset: 0x4000 },
    ]);
    const stacks = CEA + 0x4000n;
    withTops(
      builder,
      [1n, 2n, 4n, 5n].map((count) => stacks + count * 4096n),
    );
    expect(found(builder, [CEA + 0x1ff8n, CEA + 0xff8n])).toEqual(['ENTRY', undefined]);
  });

  it('are none where the tops make no sense', () => {
    expect(found(withTops(oneCpu(), [0n, 0n, 0n, 0n]), [CEA, 0n])).toEqual([undefined, undefined]);
    const damaged = [1n, 2n, 4n, 500n].map((count) => CEA + count * 4096n);
    expect(found(withTops(oneCpu(), damaged), [CEA])).toEqual([undefined]);
  });
});
