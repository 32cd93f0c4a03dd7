import { beforeAll, describe, expect, it } from 'vitest';
import { virtAddr } from '../../base/addr.ts';
import { disassemblerFor, loadDisassembler } from '../../disasm/disassembler.ts';
import type { Instruction } from '../../disasm/instruction.ts';
import { effectOf, targetFormula, type Effect } from './effect.ts';
import { evaluate, registersIn, type FormulaState } from './formula.ts';

const at = virtAddr(0xffffffff81000000n);
const high = 0xffff_8880_1234_5678n;

beforeAll(() => loadDisassembler('x86_64'));

function decoded(text: string): Instruction {
  const bytes = Uint8Array.from(text.split(' '), (byte) => parseInt(byte, 16));
  const [instruction] = disassemblerFor('x86_64').decode(bytes, at);
  if (instruction?.bytes.length !== bytes.length) throw new Error(`${text} is no single instruction`);
  return instruction;
}

function effect(text: string): Effect {
  return effectOf(decoded(text), disassemblerFor('x86_64'));
}

/** Memory holds its own address at every place, cut to the size asked for; behind gs nothing is known. */
function stateOf(registers: Readonly<Record<string, bigint>>): FormulaState {
  return {
    register: (name) => registers[name],
    memory: (address, { size, segment }) => (segment === undefined ? BigInt.asUintN(size * 8, address) : undefined),
  };
}

type Changes = Record<string, bigint | undefined>;

function changes(text: string, registers: Readonly<Record<string, bigint>>): Changes {
  const state = stateOf(registers);
  return Object.fromEntries([...effect(text).registers].map(([name, formula]) => [name, evaluate(formula, state)]));
}

describe('the effect of an instruction on registers', () => {
  it.each<[string, string, Record<string, bigint>, Changes]>([
    ['mov %rsi,%rdi', '48 89 f7', { rsi: high }, { rdi: high }],
    ['mov %esi,%edi clears the upper half', '89 f7', { rsi: high, rdi: high }, { rdi: 0x1234_5678n }],
    ['mov %sil,%dil keeps the rest', '40 88 f7', { rsi: 0xffn, rdi: high }, { rdi: high | 0xffn }],
    ['mov %ah,%bl', '88 e3', { rax: 0xabcdn, rbx: 0x1111n }, { rbx: 0x11abn }],
    ['mov 0x18(%rdi,%rcx,4),%eax', '8b 44 8f 18', { rdi: high, rcx: 2n }, { rax: 0x1234_5698n }],
    ['lea -0x8(%rbp),%rdi', '48 8d 7d f8', { rbp: 0n }, { rdi: 0xffff_ffff_ffff_fff8n }],
    ['lea 0x4(%rax,%rbx,8),%ecx', '8d 4c d8 04', { rax: high, rbx: 1n }, { rcx: 0x1234_5684n }],
    ['lea 0x10(%rip),%rdi', '48 8d 3d 10 00 00 00', {}, { rdi: at + 0x17n }],
    ['movzbl 0x3(%rdi),%eax', '0f b6 47 03', { rdi: high }, { rax: 0x7bn }],
    ['movslq %esi,%rax', '48 63 c6', { rsi: 0x8000_0000n }, { rax: 0xffff_ffff_8000_0000n }],
    ['movsbl %dl,%edx', '0f be d2', { rdx: 0x80n }, { rdx: 0xffff_ff80n }],
    ['movabs', '49 be 00 01 00 00 00 00 ad de', {}, { r14: 0xdead_0000_0000_0100n }],
    ['mov $0xffffffff,%eax', 'b8 ff ff ff ff', {}, { rax: 0xffff_ffffn }],
    ['mov $-1,%rax', '48 c7 c0 ff ff ff ff', {}, { rax: 0xffff_ffff_ffff_ffffn }],
    ['or $-1,%eax', '83 c8 ff', { rax: high }, { rax: 0xffff_ffffn }],
    ['xor %eax,%eax', '31 c0', {}, { rax: 0n }],
    ['add $-128,%rdi', '48 83 c7 80', { rdi: 0x100n }, { rdi: 0x80n }],
    ['sub %rsi,%rdi', '48 29 f7', { rsi: 1n, rdi: 0n }, { rdi: 0xffff_ffff_ffff_ffffn }],
    ['and $0xfff,%esi', '81 e6 ff 0f 00 00', { rsi: high }, { rsi: 0x678n }],
    ['shl $3,%rax', '48 c1 e0 03', { rax: high }, { rax: BigInt.asUintN(64, high << 3n) }],
    ['shr $2,%eax', 'c1 e8 02', { rax: high }, { rax: 0x048d_159en }],
    ['sar $2,%eax of a negative number', 'c1 f8 02', { rax: 0x8000_0000n }, { rax: 0xe000_0000n }],
    ['shl %cl,%rax', '48 d3 e0', { rax: 1n, rcx: 1n }, { rax: undefined }],
    ['neg %rax', '48 f7 d8', { rax: 1n }, { rax: 0xffff_ffff_ffff_ffffn }],
    ['not %eax', 'f7 d0', { rax: high }, { rax: 0xedcb_a987n }],
    ['inc %edi', 'ff c7', { rdi: 0xffff_ffffn }, { rdi: 0n }],
    ['imul $0x38,%rax,%rdi', '48 6b f8 38', { rax: 2n }, { rdi: 0x70n }],
    ['cmove of two values', '48 0f 44 fe', { rsi: 1n, rdi: 2n }, { rdi: undefined }],
    ['cmove of one value', '48 0f 44 fe', { rsi: 1n, rdi: 1n }, { rdi: 1n }],
    ['xchg %rax,%rdi', '48 97', { rax: 1n, rdi: 2n }, { rax: 2n, rdi: 1n }],
    ['cltq', '48 98', { rax: 0xffff_ffffn }, { rax: 0xffff_ffff_ffff_ffffn }],
    ['pop %r12', '41 5c', { rsp: high }, { rsp: high + 8n, r12: high }],
    ['leave', 'c9', { rbp: high }, { rsp: high + 8n, rbp: high }],
    ['test %rdi,%rdi', '48 85 ff', {}, {}],
    ['mul %rsi', '48 f7 e6', { rax: 1n, rsi: 1n }, { rax: undefined, rdx: undefined }],
    ['cpuid', '0f a2', { rax: 0n }, { rax: undefined, rbx: undefined, rcx: undefined, rdx: undefined }],
    ['sbb %eax,%eax', '19 c0', { rax: 0n }, { rax: undefined }],
    ['mov %gs:0x10,%rax', '65 48 8b 04 25 10 00 00 00', {}, { rax: undefined }],
  ])('%s', (_, bytes, before, after) => expect(changes(bytes, before)).toEqual(after));

  it('of a call is to lose what the callee need not save', () => {
    const lost = [...effect('ff d0').registers.keys()];
    expect(lost).toEqual(['rax', 'rcx', 'rdx', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11']);
    expect([...effect('0f 05').registers.keys()]).toContain('rbx');
  });
});

describe('the effect of an instruction on memory', () => {
  function stores(text: string, registers: Readonly<Record<string, bigint>>): (bigint | undefined)[][] {
    const state = stateOf(registers);
    return effect(text).stores.map(({ place, value }) => [
      evaluate(place.address, state),
      BigInt(place.size),
      evaluate(value, state),
    ]);
  }

  it.each<[string, string, Record<string, bigint>, (bigint | undefined)[][]]>([
    ['mov %rax,0x20(%rsp)', '48 89 44 24 20', { rax: 7n, rsp: high }, [[high + 0x20n, 8n, 7n]]],
    ['movw $0x12,(%rdi)', '66 c7 07 12 00', { rdi: high }, [[high, 2n, 0x12n]]],
    ['push %rbx', '53', { rbx: 5n, rsp: high }, [[high - 8n, 8n, 5n]]],
    ['push $-2', '6a fe', { rsp: high }, [[high - 8n, 8n, 0xffff_ffff_ffff_fffen]]],
    ['pushf', '9c', { rsp: high }, [[high - 8n, 8n, undefined]]],
    ['addl $1,0x8(%rdi)', '83 47 08 01', { rdi: high }, [[high + 8n, 4n, 0x1234_5681n]]],
    ['lock cmpxchg %rdx,(%rdi)', 'f0 48 0f b1 17', { rdi: high }, [[high, 8n, undefined]]],
  ])('%s', (_, bytes, before, after) => expect(stores(bytes, before)).toEqual(after));

  it.each([
    ['rep stos', 'f3 aa'],
    ['movups %xmm0,(%rdi)', '0f 11 07'],
    ['a call', 'ff d0'],
  ])('is not told of %s', (_, bytes) => expect(effect(bytes)).toMatchObject({ stores: [], storesElsewhere: true }));
});

it('knows what an indirect call reads its target from', () => {
  const target = targetFormula(decoded('ff 50 18'));
  expect(target && evaluate(target, stateOf({ rax: high }))).toBe(high + 0x18n);
  expect(target && registersIn(target)).toEqual(new Set(['rax']));
  expect(targetFormula(decoded('e8 00 00 00 00'))).toBeUndefined();
});
