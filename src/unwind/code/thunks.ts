/**
 * The kernel's thunks against speculation, told by their code, which is patched to what the processor needs:
 * arch/x86/lib/retpoline.S. They stand for a jump to a register, or for a return.
 */

import { addVirt, type VirtAddr } from '../../base/addr.ts';
import type { Disassembler } from '../../disasm/disassembler.ts';
import type { Instruction } from '../../disasm/instruction.ts';
import type { CodeSource } from './code-source.ts';

export type Thunk = { readonly kind: 'jump'; readonly register: string } | { readonly kind: 'return' };

/** In bytes: no thunk is longer. */
const LONGEST = 32;

/** Undefined of any other code. */
export function thunkAt(source: CodeSource, disassembler: Disassembler, address: VirtAddr): Thunk | undefined {
  const range = source.rangeAt(address);
  const name = range?.name;
  // Some are made at run time, without a name.
  if (name !== undefined && !name.includes('thunk')) return undefined;
  if (name?.endsWith('return_thunk') === true) return { kind: 'return' };
  const bytes = source.read(address, range === undefined ? LONGEST : Math.min(LONGEST, Number(range.end - address)));
  const code = bytes === undefined ? [] : disassembler.decode(bytes, address);
  const first = code.find((instruction) => !isPadding(instruction));
  if (first === undefined) return undefined;
  return ofJump(first) ?? ofRetpoline(first, code);
}

function isPadding({ name, kind }: Instruction): boolean {
  return kind === 'other' && (name === 'lfence' || name === 'nop' || name === 'endbr64');
}

function ofJump({ kind, operands: [operand] }: Instruction): Thunk | undefined {
  if (kind === 'return') return { kind: 'return' };
  return kind === 'jump' && operand?.kind === 'register' ? { kind: 'jump', register: operand.whole } : undefined;
}

/** A call over a trap, to code that returns to a register in place of its caller. */
function ofRetpoline({ kind, target, address }: Instruction, code: readonly Instruction[]): Thunk | undefined {
  if (kind !== 'call' || target === undefined || target < address || target >= addVirt(address, LONGEST))
    return undefined;
  const landing = code.find((instruction) => instruction.address === target);
  const [to, from] = landing?.operands ?? [];
  const isStackTop = to?.kind === 'memory' && to.base === 'rsp' && to.index === undefined && to.displacement === 0n;
  return landing?.name === 'mov' && isStackTop && from?.kind === 'register'
    ? { kind: 'jump', register: from.whole }
    : undefined;
}
