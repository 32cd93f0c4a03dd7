import { beforeAll, describe, expect, it } from 'vitest';
import { virtAddr } from '../../base/addr.ts';
import { NeedResource } from '../../base/errors.ts';
import { disassemblerFor, loadDisassembler, type Disassembler } from '../disassembler.ts';
import { memoryOperandOf, type Instruction } from '../instruction.ts';

const at = virtAddr(0xffffffff81000000n);

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text.split(' '), (byte) => parseInt(byte, 16));
}

it('has to be loaded first, and says so', () => {
  expect(() => disassemblerFor('x86_64')).toThrow(NeedResource);
});

describe('the x86-64 disassembler', () => {
  let disassembler: Disassembler;
  beforeAll(async () => {
    await loadDisassembler('x86_64');
    disassembler = disassemblerFor('x86_64');
  });

  function only(text: string): Instruction {
    const [instruction, ...more] = disassembler.decode(bytesOf(text), at);
    expect(more).toEqual([]);
    if (instruction === undefined) throw new Error(`${text} was not decoded`);
    return instruction;
  }

  // What objdump 2.40 prints for the same bytes at the same address, with 0x before branch targets.
  it.each([
    ['0f 1f 44 00 00', 'nopl   0x0(%rax,%rax,1)'],
    ['66 66 2e 0f 1f 84 00 00 00 00 00', 'data16 cs nopw 0x0(%rax,%rax,1)'],
    ['66 90', 'xchg   %ax,%ax'],
    ['66 66 90', 'data16 xchg %ax,%ax'],
    ['e8 00 01 00 00', 'call   0xffffffff81000105'],
    ['2e e8 00 01 00 00', 'cs call 0xffffffff81000106'],
    ['2e 75 02', 'jne,pn 0xffffffff81000005'],
    ['ff 15 10 00 00 00', 'call   *0x10(%rip)'],
    ['ff d0', 'call   *%rax'],
    ['3e ff e0', 'notrack jmp *%rax'],
    ['ff 72 08', 'push   0x8(%rdx)'],
    ['c3', 'ret'],
    ['f3 c3', 'repz ret'],
    ['cc', 'int3'],
    ['0f 0b', 'ud2'],
    ['f3 48 a5', 'rep movsq %ds:(%rsi),%es:(%rdi)'],
    ['f3 48 ab', 'rep stos %rax,%es:(%rdi)'],
    ['f3 a6', 'repz cmpsb %es:(%rdi),%ds:(%rsi)'],
    ['ae', 'scas   %es:(%rdi),%al'],
    ['ec', 'in     (%dx),%al'],
    ['ee', 'out    %al,(%dx)'],
    ['d1 ea', 'shr    %edx'],
    ['c1 ea 01', 'shr    $0x1,%edx'],
    ['48 d1 67 10', 'shlq   0x10(%rdi)'],
    ['48 69 c0 c0 08 00 00', 'imul   $0x8c0,%rax,%rax'],
    ['48 69 c7 c0 08 00 00', 'imul   $0x8c0,%rdi,%rax'],
    ['65 48 8b 04 25 28 00 00 00', 'mov    %gs:0x28,%rax'],
    ['65 ff 05 fd e5 a0 58', 'incl   %gs:0x58a0e5fd(%rip)'],
    ['f0 48 0f b1 0a', 'lock cmpxchg %rcx,(%rdx)'],
    ['3e 0f ae 38', 'ds clflush (%rax)'],
    ['0f 21 d0', 'mov    %db2,%rax'],
    ['0f 01 c8', 'monitor %rax,%ecx,%edx'],
    ['0f 01 c9', 'mwait  %eax,%ecx'],
    ['49 75 f0', 'rex.WB jne 0xffffffff80fffff3'],
    ['48 cf', 'iretq'],
    ['cf', 'iret'],
    ['d1 32', 'shll   (%rdx)'],
    ['d7', 'xlat   %ds:(%rbx)'],
    ['8a bc e6 15 d7 0a 39', 'mov    0x390ad715(%rsi,%riz,8),%bh'],
    ['f3 0f 1e fa', 'endbr64'],
    ['0f 01 ca', 'clac'],
    // binutils 2.40 does not know these: it prints "repz clac", "repnz clac", "repnz (bad)" and "(bad)".
    ['f3 0f 01 ca', 'eretu'],
    ['f2 0f 01 ca', 'erets'],
    ['f2 0f 00 f7', 'lkgs   %di'],
    ['0f 01 c6', 'wrmsrns'],
  ])('%s is %s', (bytes, text) => {
    expect(disassembler.text(only(bytes))).toBe(text);
  });

  it.each([
    ['e8 00 01 00 00', 'call', 0xffffffff81000105n],
    ['ff d0', 'call', undefined],
    ['eb 10', 'jump', 0xffffffff81000012n],
    ['ff e0', 'jump', undefined],
    ['75 f0', 'branch', 0xffffffff80fffff2n],
    ['c3', 'return', undefined],
    ['0f 0b', 'trap', undefined],
    ['cc', 'trap', undefined],
    ['cd 80', 'other', undefined],
    ['90', 'other', undefined],
  ] as const)('%s is a %s', (bytes, kind, target) => {
    expect(only(bytes)).toMatchObject({ kind, target });
  });

  it('gives operands as data, the destination first', () => {
    expect(only('41 8a 44 4c f0')).toMatchObject({
      name: 'mov',
      operands: [
        { kind: 'register', name: 'al', whole: 'rax', size: 1 },
        { kind: 'memory', base: 'r12', index: 'rcx', scale: 2, displacement: -16n, size: 1, address: undefined },
      ],
    });
    expect(only('48 83 ec e0')).toMatchObject({ operands: [{ whole: 'rsp' }, { kind: 'immediate', value: -32n }] });
  });

  it('knows the address of memory that no register is needed for', () => {
    expect(memoryOperandOf(only('48 8b 05 10 00 00 00'))).toMatchObject({
      address: 0xffffffff81000017n,
      displacement: 16n,
      base: undefined,
      segment: undefined,
    });
    expect(memoryOperandOf(only('65 48 8b 04 25 28 00 00 00'))).toMatchObject({ segment: 'gs', address: 0x28n });
    expect(memoryOperandOf(only('65 48 8b 04 25 00 10 00 80'))).toMatchObject({
      segment: 'gs',
      address: 0xffffffff80001000n,
    });
  });

  it('says what an instruction does to registers', () => {
    expect(disassembler.effects(only('50'))).toEqual({ operands: ['read'], reads: ['rax', 'rsp'], writes: ['rsp'] });
    const move = disassembler.effects(only('89 d8'));
    expect(move).toEqual({ operands: ['write', 'read'], reads: ['rbx'], writes: ['rax'] });
    expect(disassembler.effects(only('48 0f 44 c3')).operands).toEqual(['maybe-write', 'read']);
  });

  it('goes on behind what is no instruction, and leaves out what is cut off', () => {
    const kinds = disassembler.decode(bytesOf('06 90 e8 00'), at).map(({ kind, address }) => [kind, address - at]);
    expect(kinds).toEqual([
      ['invalid', 0n],
      ['other', 1n],
    ]);
    const [bad] = disassembler.decode(bytesOf('06 90'), at);
    expect(bad && disassembler.text(bad)).toBe('(bad)');
    expect(bad && disassembler.effects(bad)).toEqual({ operands: [], reads: [], writes: [] });
  });

  it('stops after as many as are wanted', () => {
    expect(disassembler.decode(bytesOf('90 90 90'), at, 2)).toHaveLength(2);
    expect(disassembler.decode(new Uint8Array(0), at)).toEqual([]);
  });
});
