import { beforeAll, describe, expect, it } from 'vitest';
import { virtAddr } from '../../base/addr.ts';
import { disassemblerFor, loadDisassembler } from '../../disasm/disassembler.ts';
import { CODE_START, type BuiltFunction } from '../../../test/builders/code.ts';
import { buildCodeSource, buildFunctions } from '../../../test/builders/functions.ts';
import { jumpersTo } from './jumpers.ts';
import { possibleExits } from './jump-scan.ts';
import { tailWays } from './tail-ways.ts';
import { thunkAt } from './thunks.ts';

beforeAll(() => loadDisassembler('x86_64'));

const functions: readonly BuiltFunction[] = [
  // test %rsi,%rsi · je second · mov $1,%esi · jmp third
  { name: 'first', bytes: '48 85 f6 74 07 be 01 00 00 00 eb 02' },
  // jmp target
  { name: 'second', bytes: 'eb 09' },
  // mov $2,%edx · jmp target
  { name: 'third', bytes: 'ba 02 00 00 00 eb 02' },
  // jmp *%rax
  { name: 'far', bytes: 'ff e0' },
  // jmp to itself
  { name: 'target', bytes: 'eb fe' },
];

function ways(from: string, to: string): readonly string[] | string {
  const all = buildFunctions(functions);
  const [start = CODE_START] = all.source.named(from);
  const [end = CODE_START] = all.source.named(to);
  const code = all.at(start);
  if (code === undefined) throw new Error(`no ${from}`);
  const found = tailWays(all, code, end);
  return typeof found === 'string'
    ? found
    : found.map((way) => way.map((step) => `${step.code.name} ${step.jump}`).join(', '));
}

describe('the ways by tail jumps', () => {
  it('are all that there are', () => {
    expect(ways('first', 'target')).toEqual(['first 1, second 0', 'first 3, third 1']);
    expect(ways('third', 'target')).toEqual(['third 1']);
  });

  it('are none where no jump leads', () => {
    expect(ways('second', 'first')).toBe('no jump leads there from second');
    expect(ways('far', 'target')).toBe('no jump leads there from far');
  });
});

it('finds the functions that end in a jump to another', () => {
  const all = buildFunctions([
    // jmp target
    { name: 'jumps', bytes: 'e9 13 00 00 00' },
    // mov $0xe9,%al · or $0,%eax · add %al,(%rax): from its second byte on it looks like a jump
    { name: 'looks', bytes: 'b0 e9 0d 00 00 00 00' },
    // jae target · ret
    { name: 'branches', bytes: '0f 83 06 00 00 00 c3' },
    // call target
    { name: 'calls', bytes: 'e8 00 00 00 00' },
    { name: 'target', bytes: 'c3' },
  ]);
  const [target = CODE_START] = all.source.named('target');
  expect(target - CODE_START).toBe(24n);
  expect(jumpersTo(all, target).map(({ code, jump }) => `${code.name} ${jump}`)).toEqual(['jumps 0', 'branches 0']);
});

it('finds every place that jumps may lead to outside', () => {
  const code = (text: string): Uint8Array => Uint8Array.from(text.split(' '), (byte) => parseInt(byte, 16));
  expect(possibleExits(code('90 e9 10 00 00 00'))).toEqual(new Set([0x16]));
  expect(possibleExits(code('0f 85 f0 ff ff ff'))).toEqual(new Set([-10]));
  expect(possibleExits(code('eb 02 90 74 10'))).toEqual(new Set([0x15]));
  expect(possibleExits(code('eb 01 90 90'))).toEqual(new Set());
  expect(possibleExits(code('e9 10 00'))).toEqual(new Set());
});

it.each([
  ['a jump', '__x86_indirect_thunk_array', 'ff e0', { kind: 'jump', register: 'rax' }],
  ['a jump behind a fence', '__x86_indirect_thunk_rdx', '0f ae e8 ff e2', { kind: 'jump', register: 'rdx' }],
  ['a retpoline', '__x86_indirect_thunk_r11', 'e8 01 00 00 00 cc 4c 89 1c 24 c3', { kind: 'jump', register: 'r11' }],
  ['a return', '__x86_return_thunk', 'e9 00 01 00 00', { kind: 'return' }],
  ['another thunk', 'preempt_schedule_thunk', '55 48 89 e5', undefined],
  ['a function', 'other', 'ff e0', undefined],
] as const)('tells %s by its code', (_, name, bytes, thunk) => {
  const padded = `${bytes}${' cc'.repeat(40)}`;
  expect(thunkAt(buildCodeSource([{ name, bytes: padded }]), disassemblerFor('x86_64'), virtAddr(CODE_START))).toEqual(
    thunk,
  );
});
