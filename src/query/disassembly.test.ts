import { beforeAll, describe, expect, it } from 'vitest';
import { addVirt, virtAddr } from '../base/addr.ts';
import { FaultError, LookupError } from '../base/errors.ts';
import { loadDisassembler } from '../disasm/disassembler.ts';
import { readPages } from '../kernel/code.ts';
import { renderDisassembly } from '../render/text/disassembly.ts';
import { buildCode, CODE_START, type BuiltFunction, type CodeOptions } from '../../test/builders/code.ts';
import { disassemble, type DisassemblyRequest } from './disassembly.ts';

beforeAll(() => loadDisassembler('x86_64'));

/** one: a nop for the tracer, a per-CPU load, a call to two, ret; two: endbr64, the nop, a variable, ud2, a jump. */
const functions = [
  { name: 'one', bytes: '0f 1f 44 00 00 65 48 8b 04 25 20 00 00 00 e8 01 00 00 00 c3' },
  { name: 'two', bytes: 'f3 0f 1e fa 0f 1f 44 00 00 8b 05 e3 ff ff ff 0f 0b eb f2 c3' },
];
const TWO = addVirt(CODE_START, 20);

function ask(request: Partial<DisassemblyRequest>, options: CodeOptions = {}): string[] {
  return askOf(functions, request, options);
}

function askOf(
  built: readonly BuiltFunction[],
  request: Partial<DisassemblyRequest>,
  options: CodeOptions = {},
): string[] {
  const view = buildCode(built, options);
  const whole = {
    address: CODE_START,
    extent: 'function',
    count: undefined,
    mayBeReturn: true,
    radix: 10,
    lines: false,
    symbols: true,
    bugBytes: 0,
    places: undefined,
  } as const;
  return [...renderDisassembly(disassemble(view, { ...whole, ...request }))];
}

const wholeOne = [
  '0xffffffff81000000 <one>:\tnopl   0x0(%rax,%rax,1) [FTRACE NOP]',
  '0xffffffff81000005 <one+5>:\tmov    %gs:0x20,%rax        # 0x20 <current_task> (per-cpu)',
  '0xffffffff8100000e <one+14>:\tcall   0xffffffff81000014 <two>',
  '0xffffffff81000013 <one+19>:\tret',
];

describe('dis', () => {
  it('prints a whole function, and names what its instructions refer to', () => {
    expect(ask({})).toEqual(wholeOne);
    expect(ask({ address: TWO, radix: 16 })).toEqual([
      '0xffffffff81000014 <two>:\tendbr64',
      '0xffffffff81000018 <two+0x4>:\tnopl   0x0(%rax,%rax,1) [FTRACE NOP]',
      '0xffffffff8100001d <two+0x9>:\tmov    -0x1d(%rip),%eax        # 0xffffffff81000006 <one+0x6>',
      '0xffffffff81000023 <two+0xf>:\tud2',
      '0xffffffff81000025 <two+0x11>:\tjmp    0xffffffff81000019 <two+0x5>',
      '0xffffffff81000027 <two+0x13>:\tret',
    ]);
  });

  it('prints as many as are wanted, from any address on', () => {
    expect(ask({ extent: 'from', count: 2 })).toEqual(wholeOne.slice(0, 2));
    expect(ask({ extent: 'from', address: addVirt(CODE_START, 14) })).toEqual([wholeOne[2]]);
    expect(ask({ extent: 'from', address: addVirt(TWO, 17), count: 9 })).toEqual([
      '0xffffffff81000025 <two+17>:\tjmp    0xffffffff81000019 <two+5>',
      '0xffffffff81000027 <two+19>:\tret',
      '(ffffffff81000028: the code ends)',
    ]);
  });

  it('prints very many, and says where it stops', () => {
    const nop = '0f 1f 84 00 00 00 00 00';
    const built = [{ name: 'nops', bytes: Array.from({ length: 140_000 }, () => nop).join(' ') }];
    const lines = askOf(built, { extent: 'from', count: 200_000 });
    expect(lines).toHaveLength((1 << 20) / 8 + 1);
    expect(lines.at(-1)).toBe('(cut after 131072 of 200000 instructions: dis reads 1048576 bytes at the most)');
  });

  it('prints what is before an address in its function, and what is behind it', () => {
    const address = addVirt(CODE_START, 14);
    expect(ask({ extent: 'reverse', address })).toEqual(wholeOne.slice(0, 3));
    expect(ask({ extent: 'reverse', address, count: 2 })).toEqual(wholeOne.slice(1, 3));
    expect(ask({ extent: 'forward', address })).toEqual(wholeOne.slice(2));
    expect(ask({ extent: 'forward', address, count: 1 })).toEqual(wholeOne.slice(2, 3));
  });

  it('says that an address is inside of an instruction', () => {
    const note = '(ffffffff81000007 is inside of an instruction, the one at ffffffff81000005)';
    const address = addVirt(CODE_START, 7);
    expect(ask({ extent: 'reverse', address })).toEqual([...wholeOne.slice(0, 2), note]);
    expect(ask({ extent: 'forward', address })).toEqual([...wholeOne.slice(1), note]);
  });

  it('goes back into the function whose call would return to the start of another', () => {
    const built = [
      { name: 'dies', bytes: '90 e8 00 00 00 00' },
      { name: 'other', bytes: 'c3' },
    ];
    const address = addVirt(CODE_START, 6);
    const lines = (mayBeReturn: boolean): string[] =>
      askOf(built, { extent: 'reverse', address, mayBeReturn }).map((line) => line.slice(0, 40));
    expect(lines(true)).toEqual([
      '0xffffffff81000000 <dies>:\tnop',
      expect.stringMatching(/^0xffffffff81000001 <dies\+1>:\tcall /),
      expect.stringMatching(/^\(ffffffff81000006 is the end of dies: /),
    ]);
    expect(lines(false)).toEqual(['0xffffffff81000006 <other>:\tret']);
  });

  it('marks where the current task is: the instruction itself, or the call that has not returned', () => {
    const returns = new Set([addVirt(CODE_START, 19), addVirt(CODE_START, 5)]);
    const marked = (exact: readonly number[]): number[] =>
      ask({ places: { exact: new Set(exact.map((offset) => addVirt(CODE_START, offset))), returns } }).flatMap(
        (line, index) => (/^0x.* <==$/.test(line) ? [index] : []),
      );
    expect(marked([])).toEqual([2]);
    expect(marked([5])).toEqual([1, 2]);
  });

  it('shows lines where they change, with the functions they were inlined into', () => {
    const frames: CodeOptions['frames'] = (address) => {
      const outer = { functionName: 'one', source: { file: 'a.c', line: 7, column: 3 }, inlined: false };
      const column = Number(address - CODE_START);
      const inner = { functionName: 'get', source: { file: 'a.h', line: 2, column }, inlined: true };
      return column < 5 || column > 14 ? [outer] : [inner, outer];
    };
    expect(ask({ lines: true }, { frames }).filter((line) => !line.startsWith('0x'))).toEqual([
      'a.c: 7',
      'a.h: 2 (get)',
      '  inlined into one at a.c: 7',
      'a.c: 7',
    ]);
  });

  it('says from where on bytes are not from the dump', () => {
    const lines = ask({}, { substituteFrom: addVirt(CODE_START, 14) });
    expect(lines).toEqual([...wholeOne.slice(0, 2), '(bytes from vmlinux)', ...wholeOne.slice(2)]);
  });

  it('skips what old kernels keep behind a ud2', () => {
    const lines = ask({ address: TWO, bugBytes: 2 });
    expect(lines.map((line) => line.split('\t')[1]).slice(-2)).toEqual(['ud2', 'ret']);
  });

  it('leaves the columns of the mark in user mode, as gdb does, and names nothing', () => {
    expect(ask({ symbols: false, extent: 'from', count: 2 })[1]).toMatch(
      /^ {3}0xffffffff81000005.*:\tmov {4}%gs:0x20,%rax$/,
    );
  });

  it('fails where there is nothing', () => {
    expect(() => ask({ extent: 'from' }, { unreadable: true })).toThrow(FaultError);
    expect(() => ask({ address: virtAddr(0x1000n) })).toThrow(LookupError);
    const top = virtAddr(-1n);
    const nothing = (): never => {
      throw new FaultError('kernel virtual', top, 'not-mapped');
    };
    expect(() => readPages(top, 15, nothing)).toThrow(FaultError);
  });
});
