/** Call frame information: rules along a function, remembered states, damage. */

import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../test/builders/byte-writer.ts';
import { openElfBytes } from '../../../test/builders/dwarf-open.ts';
import { ElfBuilder } from '../../../test/builders/elf.ts';
import { memoryHost } from '../../../test/builders/host.ts';
import { mutationRun } from '../../../test/builders/mutate.ts';
import { CallFrames } from './call-frames.ts';
import { DwarfSections } from './sections.ts';

const TEXT = 0xffff_ffff_8100_0000n;
const at = (offset: number): number => Number(BigInt.asIntN(64, TEXT)) + offset;

/** One CIE (CFA is rsp + 8, the return address at CFA - 8), and a function of 0x40 bytes that pushes rbp. */
function frames(): Uint8Array {
  const cie = new ByteWriter()
    .u32(0xffff_ffff)
    .u8(1)
    .string('')
    .uleb(1)
    .sleb(-8)
    .u8(16)
    .bytes([0x0c, 7, 8, 0x90, 1])
    .align(4);
  const program = new ByteWriter().bytes([0x41, 0x0e, 16, 0x86, 2]); // 1: rsp + 16, rbp at CFA - 16
  program.bytes([0x43, 0x0d, 6]); // 4: CFA from rbp
  program.bytes([0x02, 0x10, 0x0a, 0x0c, 7, 8, 0xc6]); // 0x14: remember; rsp + 8, rbp restored
  program.bytes([0x42, 0x0b]); // 0x16: as before
  program.bytes([0x42, 0x0f, 2, 0x77, 8, 0x16, 3, 1, 0x9c]); // 0x18: CFA and rbx from expressions
  program.align(4);
  const fde = new ByteWriter().u32(0).u64(TEXT).u64(0x40).bytes(program.build());
  return new ByteWriter().u32(cie.length).bytes(cie.build()).u32(fde.length).bytes(fde.build()).build();
}

function open(bytes: Uint8Array): CallFrames {
  const elf = new ElfBuilder();
  elf.section({ name: '.debug_frame', data: bytes });
  return new CallFrames(new DwarfSections(openElfBytes(elf.build()), memoryHost()));
}

describe('call frames', () => {
  const table = open(frames());
  const row = (offset: number): unknown[] | undefined => {
    const found = table.rowAt(at(offset));
    return found && [found.cfa, found.registers.get(6), found.registers.get(16)];
  };
  const returnAddress = { kind: 'offset', offset: -8 };

  it('have the rules of each place in a function', () => {
    expect(row(0)).toEqual([{ kind: 'register', register: 7, offset: 8 }, undefined, returnAddress]);
    expect(row(1)).toEqual([
      { kind: 'register', register: 7, offset: 16 },
      { kind: 'offset', offset: -16 },
      returnAddress,
    ]);
    expect(row(4)).toEqual([
      { kind: 'register', register: 6, offset: 16 },
      { kind: 'offset', offset: -16 },
      returnAddress,
    ]);
    expect(row(0x13)).toEqual(row(4));
    expect(row(0x14)).toEqual(row(0));
    expect(row(0x16)).toEqual(row(4));
    expect(row(0x18)?.[0]).toEqual({ kind: 'expression', expression: Uint8Array.of(0x77, 8) });
    expect(table.rowAt(at(0x3f))?.registers.get(3)).toEqual({
      kind: 'value-expression',
      expression: Uint8Array.of(0x9c),
    });
    expect(table.rowAt(at(0))?.returnAddressRegister).toBe(16);
  });

  it('say nothing of other addresses', () => {
    expect(row(-1)).toBeUndefined();
    expect(row(0x40)).toBeUndefined();
    expect(open(new Uint8Array(0)).rowAt(at(0))).toBeUndefined();
  });

  it('never do worse than an error of the family, whatever their bytes', () => {
    mutationRun(frames(), 3000, (bytes) => {
      const damaged = open(bytes);
      for (const offset of [0, 4, 0x14, 0x18]) damaged.rowAt(at(offset));
    });
  });
});
