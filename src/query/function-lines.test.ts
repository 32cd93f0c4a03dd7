import { beforeAll, describe, expect, it } from 'vitest';
import { LookupError, UsageError } from '../base/errors.ts';
import { loadDisassembler } from '../disasm/disassembler.ts';
import { renderFunctionLines } from '../render/text/function-lines.ts';
import { buildCode, CODE_START, type BuiltFunction, type CodeOptions } from '../../test/builders/code.ts';
import { parseFunctionAddresses } from './function-address.ts';
import { eachFunctionLines, type FunctionLines } from './function-lines.ts';

beforeAll(() => loadDisassembler('x86_64'));

/** push; call; mov; call; ud2; ret: a call ends at 6 and at 13. */
const BODY = '55 e8 00 00 00 00 89 d8 e8 00 00 00 00 0f 0b c3';
const one: BuiltFunction = { name: 'one', bytes: BODY };
const linesByOffset: CodeOptions = {
  frames: (address) => [
    { functionName: 'inner', source: { file: 'a.h', line: Number(address - CODE_START), column: 0 }, inlined: true },
    { functionName: 'one', source: { file: 'a.c', line: 1, column: 0 }, inlined: false },
  ],
};

function ask(
  text: string,
  functions: readonly BuiltFunction[] = [one],
  options: CodeOptions = linesByOffset,
): FunctionLines[] {
  return [...eachFunctionLines(buildCode(functions, options), parseFunctionAddresses(text.split(' ')))];
}

function lookUps(text: string, functions?: readonly BuiltFunction[], options?: CodeOptions): unknown[] {
  const [answer] = ask(text, functions, options);
  return answer?.candidates[0]?.lines.map(({ lookUp, offset }) => [lookUp, offset]) ?? [];
}

describe('which address is looked up', () => {
  it.each([
    ['one+6', [['call', 5]], 'behind a call: the call'],
    ['one+1', [['exact', 1]], 'behind what is no call: the address itself'],
    ['one+0', [['exact', 0]], 'the start of a function: nothing ends there'],
    ['RIP: 0010:one+6/0x10', [['exact', 6]], 'an instruction pointer: itself, call or not'],
    [
      'one+13',
      [
        ['call', 12],
        ['exact', 13],
      ],
      'a ud2 behind a call: a BUG, or a call that returns to it',
    ],
    [
      'one+7',
      [
        ['call', 6],
        ['exact', 7],
      ],
      'inside of an instruction: who knows',
    ],
    ['one+4', [['call', 3]], 'inside of a call: the kernel made it shorter'],
    ['one+16', [['exact', 16]], 'the end of the function, behind what is no call'],
  ])('%s', (text, expected) => {
    expect(lookUps(text)).toEqual(expected);
  });

  it('of a function that ends with its call, the call', () => {
    expect(lookUps('dies+5/5', [{ name: 'dies', bytes: 'e8 00 00 00 00' }])).toEqual([['call', 4]]);
  });

  it('of the call to the tracer, which the running kernel does not have, both', () => {
    const traced = { name: 'traced', bytes: 'f3 0f 1e fa e8 00 00 00 00 c3' };
    expect(lookUps('traced+9', [traced], { asBuilt: true })).toEqual([
      ['call', 8],
      ['exact', 9],
    ]);
    expect(lookUps('traced+9', [traced])).toEqual([['call', 8]]);
  });

  it('both where the code cannot be read', () => {
    expect(lookUps('one+6', [one], { unreadable: true })).toEqual([
      ['call', 5],
      ['exact', 6],
    ]);
  });
});

describe('which function is meant', () => {
  const two: BuiltFunction = { name: 'one', bytes: '90 90 90 c3', module: 'nfs' };

  it('is told by its size, as the kernel counts it or as the symbol has it', () => {
    const padded: BuiltFunction = { name: 'padded', bytes: 'c3 cc cc cc', size: 1 };
    for (const text of ['padded+0/1', 'padded+0/4']) expect(ask(text, [padded, one])[0]?.note, text).toBeUndefined();
    expect(ask('one+1/4', [one, two])[0]?.candidates).toHaveLength(1);
    expect(ask('one+1/0x10', [one, two])[0]?.candidates[0]?.module).toBeUndefined();
    expect(ask('one+1 [nfs]', [one, two])[0]?.candidates[0]?.module).toBe('nfs');
  });

  it('is all of them where nothing tells', () => {
    const [answer] = ask('one+1', [one, two]);
    expect(answer?.candidates).toHaveLength(2);
    expect(answer?.note).toContain('no size tells them apart');
    expect(ask('one+1/0x999', [one, two])[0]?.note).toBe('size 0x999 fits none of them, whose sizes are 0x10, 0x4');
    expect(ask('one+1/0x999', [one])[0]?.note).toContain('another build?');
  });

  it('is none that is too short', () => {
    expect(ask('one+6', [one, two])[0]?.candidates).toHaveLength(1);
    expect(() => ask('one+0x11')).toThrow(UsageError);
    expect(() => ask('one+0x11')).toThrow('one+0x11: the offset is behind the end of the function (size 0x10)');
  });

  it('is looked for among all names', () => {
    expect(() => ask('onne+1')).toThrow(LookupError);
    expect(() => ask('onne+1')).toThrow('did you mean one?');
    expect(() => ask('x+1 y+1')).toThrow(/x.*\n.*y/);
  });
});

describe('the text', () => {
  it('is that of the script of the kernel, with what was looked up', () => {
    expect(ask('one+6/0x10').flatMap((answer) => [...renderFunctionLines(answer)])).toEqual([
      'one+0x6/0x10:',
      '(lines of one+0x5: a call ends there)',
      'inner at a.h:5',
      ' (inlined by) one at a.c:1',
      '',
    ]);
  });

  it('says which is which where both are shown, and that they are the same', () => {
    const text = (options: CodeOptions): string[] =>
      ask('one+13', [one], options).flatMap((answer) => [...renderFunctionLines(answer)]);
    expect(text(linesByOffset).filter((line) => line.startsWith('('))).toEqual([
      expect.stringMatching(/^\(if it is a return address: lines of one\+0xc: in doubt/),
      expect.stringMatching(/^\(if it is an instruction pointer: lines of one\+0xd: in doubt/),
    ]);
    const same = { frames: () => [{ functionName: 'one', source: undefined, inlined: false }] };
    expect(text(same).slice(1)).toEqual([
      expect.stringMatching(/^\(lines of one\+0xc and of one\+0xd, which are the same: in doubt/),
      'one at ??:0',
      '',
    ]);
  });
});
