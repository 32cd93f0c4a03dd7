/** QEMU's CPU note: the place of every field. */

import { describe, expect, it } from 'vitest';
import { qemuState } from '../../test/builders/core.ts';
import { mutationRun } from '../../test/builders/mutate.ts';
import { parseQemuCpuState } from './qemu-cpu-state.ts';

const note = qemuState({
  registers: {
    rax: 1n,
    rbp: 8n,
    r15: 16n,
    rip: 0xffff_ffff_8100_0000n,
    rflags: 0x246n,
    rsp: 0xffff_c900_0000_0000n,
    cs: 0x10n,
    ss: 0x18n,
  },
  bases: { gs: 0xffff_8880_0000_1000n, idt: 0xffff_fe00_0000_0000n },
  control: [0x8005_0033n, 0n, 2n, 0x1234_5000n, 0x1000n],
  kernelGsBase: 0xffff_8880_7fc0_0000n,
});

describe('the QEMU note', () => {
  it('has registers, control registers and bases', () => {
    expect(note).toHaveLength(440);
    expect(parseQemuCpuState(note)).toMatchObject({
      registers: {
        rax: 1n,
        rbp: 8n,
        r15: 16n,
        rip: 0xffff_ffff_8100_0000n,
        rflags: 0x246n,
        rsp: 0xffff_c900_0000_0000n,
        cs: 0x10n,
        ss: 0x18n,
      },
      cr3: 0x1234_5000n,
      cr4: 0x1000n,
      idtBase: 0xffff_fe00_0000_0000n,
      gsBase: 0xffff_8880_0000_1000n,
      kernelGsBase: 0xffff_8880_7fc0_0000n,
    });
  });

  it('lacks the kernel gs base where QEMU was older', () => {
    const state = parseQemuCpuState(note.subarray(0, 432));
    expect(state?.cr3).toBe(0x1234_5000n);
    expect(state?.kernelGsBase).toBeUndefined();
  });

  it('is not taken where it is short or of another version', () => {
    expect(parseQemuCpuState(note.subarray(0, 431))).toBeUndefined();
    expect(parseQemuCpuState(qemuState({ version: 2 }))).toBeUndefined();
  });

  it('never does worse, whatever its bytes', () => {
    mutationRun(note, 2000, (bytes) => void parseQemuCpuState(bytes));
  });
});
