/** The bytes of a value, with holes, and of values that are larger than memory. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder } from '../../test/builders/kernel.ts';
import { addVirt, virtAddr } from '../base/addr.ts';
import { FaultError, FormatError } from '../base/errors.ts';
import { intType } from '../expr/c-types.ts';
import { computedValue, valueAt } from './value.ts';
import { windowOf } from './window.ts';

function withHole(): { memory: ReturnType<KernelBuilder['build']>['memory']; at: ReturnType<typeof virtAddr> } {
  const builder = new KernelBuilder();
  const at = builder.allocate(4096);
  builder.gap();
  builder.allocate(4096);
  builder.u32(addVirt(at, 4092), 1).u32(addVirt(at, 8192), 2);
  return { memory: builder.build().memory, at };
}

describe('a window', () => {
  const { memory, at } = withHole();
  const start = addVirt(at, 4092);

  it('loses what is on a missing page, and no more', () => {
    const window = windowOf(valueAt(memory, intType, start), 4104);
    expect(window.fault).toBeUndefined();
    expect([...window.bytes(0, 4)]).toEqual([1, 0, 0, 0]);
    expect([...window.bytes(4100, 4)]).toEqual([2, 0, 0, 0]);
    for (const [offset, length] of [
      [4, 4],
      [2, 4],
      [4098, 4],
      [0, 4104],
    ] as const)
      // prettier-ignore
      expect(() => window.bytes(offset, length)).toThrow(FaultError);
    expect(window.bytes(4, 0)).toHaveLength(0);
  });

  it('of nothing but holes is a fault', () => {
    expect(windowOf(valueAt(memory, intType, virtAddr(0xdead_0000n)), 8).fault?.message).toContain('dead0000');
    expect(windowOf(valueAt(memory, intType, virtAddr(0xdead_0000n)), 0).fault).toBeUndefined();
  });

  it('has nothing outside of it', () => {
    for (const length of [16, 2 ** 40]) {
      const window = windowOf(valueAt(memory, intType, at), length);
      expect(() => window.bytes(length - 2, 4)).toThrow(FormatError);
      expect(() => window.bytes(-4, 4)).toThrow(FormatError);
    }
    expect(() => windowOf(computedValue(intType, 1n), 4).bytes(2, 4)).toThrow(FormatError);
  });

  it('of any size is read only where it is looked at', () => {
    const window = windowOf(valueAt(memory, intType, start), 2 ** 52);
    expect([...window.bytes(4100, 4)]).toEqual([2, 0, 0, 0]);
    expect(() => window.bytes(2 ** 40, 4)).toThrow(FaultError);
  });
});
