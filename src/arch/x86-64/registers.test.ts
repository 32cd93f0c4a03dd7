/** Saved registers: offsets of the structures they stand in. */

import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../test/builders/byte-writer.ts';
import { prstatus } from '../../../test/builders/core.ts';
import { architectureOf } from '../index.ts';
import { dwarfRegisters, PT_REGS_SIZE, registersOfPrstatus, registersOfPtRegs } from './registers.ts';

describe('registers', () => {
  it('are read from a whole NT_PRSTATUS, 336 bytes, and from no shorter one', () => {
    const note = prstatus(4, { r15: 1n, rip: 0xffff_ffff_8100_0000n, rsp: 3n, gs: 0x2bn, gs_base: 9n });
    expect(note).toHaveLength(336);
    expect(registersOfPrstatus(note)).toMatchObject({
      r15: 1n,
      rip: 0xffff_ffff_8100_0000n,
      rsp: 3n,
      gs: 0x2bn,
      gs_base: 9n,
      rax: 0n,
    });
    expect(registersOfPrstatus(note.subarray(0, 327))).toBeUndefined();
    expect(registersOfPrstatus(note.subarray(0, 328))).toBeDefined();
  });

  it('are read from pt_regs, with cs and ss of 16 bits', () => {
    const out = new ByteWriter();
    for (let index = 0; index < 21; index++) out.u64(BigInt(index));
    out.patch(17 * 8, 0xdead_0001_0010n, 8).patch(20 * 8, 0xbeef_0003_0018n, 8);
    const registers = registersOfPtRegs(out.build());
    expect(out.length).toBe(PT_REGS_SIZE);
    expect(registers).toMatchObject({
      r15: 0n,
      rbp: 4n,
      rdi: 14n,
      orig_rax: 15n,
      rip: 16n,
      cs: 0x10n,
      rflags: 18n,
      rsp: 19n,
      ss: 0x18n,
    });
    expect(registersOfPtRegs(out.build().subarray(0, 167))).toBeUndefined();
  });

  it('have the numbers of the psABI', () => {
    expect([dwarfRegisters[1], dwarfRegisters[4], dwarfRegisters[6], dwarfRegisters[7], dwarfRegisters[16]]).toEqual([
      'rdx',
      'rsi',
      'rbp',
      'rsp',
      'rip',
    ]);
  });

  it('belong to a machine we know', () => {
    expect(architectureOf(62)?.name).toBe('x86_64');
    expect(architectureOf(183)).toBeUndefined();
  });
});
