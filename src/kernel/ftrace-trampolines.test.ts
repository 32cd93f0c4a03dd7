/** Trampolines of tracers: told to be copies by their bytes, whatever the list of tracers is like. */

import { describe, expect, it } from 'vitest';
import { KernelBuilder, TEXT } from '../../test/builders/kernel.ts';
import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { copiedByFtrace } from './ftrace-trampolines.ts';

const CALLER = TEXT + 0x1000n;
const REGS_CALLER = TEXT + 0x1100n;
const SIZE = 0x80;
const code = (first: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, index) => first + index);

/** Two tracers, the second with a trampoline of its own. */
function scene(copied: number): { builder: KernelBuilder; tracers: readonly VirtAddr[]; trampoline: VirtAddr } {
  const builder = new KernelBuilder();
  const { types } = builder;
  types.struct('ftrace_ops', 32, [
    { name: 'next', type: types.pointer(0), offset: 0 },
    { name: 'trampoline', type: types.int('unsigned long', 8), offset: 8 },
    { name: 'trampoline_size', type: types.int('unsigned long', 8), offset: 16 },
  ]);
  builder.symbol('ftrace_caller', CALLER, SIZE).write(CALLER, code(0x10));
  builder.symbol('ftrace_regs_caller', REGS_CALLER, SIZE).write(REGS_CALLER, code(0x40));
  const first = builder.allocate(32);
  const second = builder.allocate(32);
  const trampoline = builder.allocate(4096);
  builder.write(trampoline, code(copied));
  builder.u64(builder.variable('ftrace_ops_list', 8), first).u64(first, second);
  builder.u64(addVirt(second, 8), trampoline).u64(addVirt(second, 16), BigInt(SIZE));
  return { builder, tracers: [first, second], trampoline };
}

describe('a place in a trampoline', () => {
  it.each([
    [0x10, CALLER],
    [0x40, REGS_CALLER],
  ])('is a copy of that place in what begins with the same bytes (%i)', (copied, original) => {
    const { builder, trampoline } = scene(copied);
    const kernel = builder.build();
    expect(copiedByFtrace(kernel, addVirt(trampoline, 0x25))).toBe(virtAddr(original + 0x25n));
    expect(copiedByFtrace(kernel, addVirt(trampoline, SIZE))).toBeUndefined();
    expect(copiedByFtrace(kernel, addVirt(trampoline, -1))).toBeUndefined();
  });

  it('is a copy of nothing where the bytes are others', () => {
    const { builder, trampoline } = scene(0x50);
    expect(copiedByFtrace(builder.build(), trampoline)).toBeUndefined();
  });

  it('is found, or not, in a list that leads in a circle or nowhere', () => {
    for (const next of [0n, 0x1234n]) {
      const { builder, tracers, trampoline } = scene(0x10);
      builder.u64(tracers[1] ?? 0n, next);
      expect([undefined, virtAddr(CALLER)]).toContain(copiedByFtrace(builder.build(), trampoline));
    }
    const { builder, tracers, trampoline } = scene(0x10);
    builder.u64(tracers[1] ?? 0n, tracers[0] ?? 0n);
    expect(copiedByFtrace(builder.build(), trampoline)).toBe(CALLER);
  });
});
