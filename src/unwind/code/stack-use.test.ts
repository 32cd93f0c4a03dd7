/** What functions in machine code do with their stack. */

import { describe, expect, it } from 'vitest';
import { buildFunctions } from '../../../test/builders/functions.ts';
import { CODE_START } from '../../../test/builders/code.ts';
import { virtAddr } from '../../base/addr.ts';
import { loadDisassembler } from '../../disasm/disassembler.ts';
import { stackUse, type StackUse } from './stack-use.ts';

await loadDisassembler('x86_64');

/** At the instruction so many bytes behind the entry. */
function useAt(offset: number, bytes: string): StackUse | undefined {
  const spaced = bytes.replaceAll(' ', '').replaceAll(/..(?=.)/g, '$& ');
  const code = buildFunctions([{ name: 'f', bytes: spaced }]).at(CODE_START);
  const place = code?.indexAt(virtAddr(CODE_START + BigInt(offset)));
  return code === undefined || place === undefined ? undefined : stackUse(code, place);
}

const kept = (use: StackUse | undefined): unknown => use && { depth: use.depth, ...Object.fromEntries(use.kept) };
const inPlace = {
  rbx: 'in place',
  rbp: 'in place',
  r12: 'in place',
  r13: 'in place',
  r14: 'in place',
  r15: 'in place',
};

describe('the use of the stack', () => {
  // push %rbp; mov %rsp,%rbp; push %rbx; sub $0x20,%rsp; xor %ebx,%ebx; nop; lea -8(%rbp),%rsp; pop %rbx; pop %rbp; ret
  const plain = '55 4889e5 53 4883ec20 31db 90 488d65f8 5b 5d c3';

  it('is told at every place, with what was saved', () => {
    expect(kept(useAt(0, plain))).toEqual({ depth: 0, ...inPlace });
    expect(kept(useAt(1, plain))).toEqual({ depth: 8, ...inPlace });
    expect(kept(useAt(9, plain))).toEqual({ depth: 0x30, ...inPlace, rbp: 8 });
    expect(kept(useAt(11, plain))).toEqual({ depth: 0x30, ...inPlace, rbp: 8, rbx: 16 });
    expect(kept(useAt(18, plain))).toEqual({ depth: 0, ...inPlace });
  });

  it('is not told where the stack pointer is rounded down, and again behind its restoration', () => {
    // push %rbp; mov %rsp,%rbp; and $-16,%rsp; nop; leave; ret
    const rounded = '55 4889e5 4883e4f0 90 c9 c3';
    expect(useAt(8, rounded)).toBeUndefined();
    expect(kept(useAt(10, rounded))).toEqual({ depth: 0, ...inPlace });
  });

  it('is not told where two ways differ', () => {
    // test %edi,%edi; je 1f; push %rbx; 1: nop
    expect(useAt(5, '85ff 7401 53 90')).toBeUndefined();
    // test %edi,%edi; je 1f; push %rbx; pop %rbx; 1: nop
    expect(kept(useAt(6, '85ff 7402 53 5b 90'))).toEqual({ depth: 0, ...inPlace });
  });

  it('passes calls, which keep the stack, and flags on it', () => {
    // sub $0x98,%rsp; pushf; popq 0x90(%rsp); call f; nop; loops back
    const flags = '4881ec98000000 9c 8f842490000000 e8ecffffff 90';
    expect(kept(useAt(15, flags))).toEqual({ depth: 0x98, ...inPlace });
    expect(kept(useAt(20, flags))).toEqual({ depth: 0x98, ...inPlace });
  });

  it('forgets a saved register that is overwritten', () => {
    // push %rbx; movl $0,4(%rsp); xor %ebx,%ebx; nop
    expect(kept(useAt(11, '53 c744240400000000 31db 90'))).toEqual({
      depth: 8,
      rbp: 'in place',
      r12: 'in place',
      r13: 'in place',
      r14: 'in place',
      r15: 'in place',
    });
  });
});
