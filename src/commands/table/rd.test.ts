/** rd on the memory of a synthetic kernel: holes, directions, per-CPU variables, texts. */

import { describe, expect, it } from 'vitest';
import { encode } from '../../../test/builders/byte-writer.ts';
import { KernelBuilder } from '../../../test/builders/kernel.ts';
import { FaultError } from '../../base/errors.ts';
import { toJson } from '../../render/json.ts';
import { renderText } from '../../render/text/index.ts';
import { invocationOf, runCommand } from '../run.ts';
import { Session } from '../session.ts';

const HEAP = 0xffff_8880_0000_0000n;

function rd(builder: KernelBuilder, line: string): { text: string[]; json: unknown[] } {
  const results = [...runCommand(new Session(builder.target()), invocationOf(['rd', ...line.split(' ')]))];
  return { text: results.flatMap((result) => [...renderText(result)]), json: results.map((result) => toJson(result)) };
}

/** Three pages, the second of which is not there. */
function withHole(): KernelBuilder {
  const builder = new KernelBuilder();
  builder.allocate(4096);
  builder.gap();
  builder.allocate(4096);
  builder.u64(HEAP + 0xff8n, 0x41n).u64(HEAP + 0x2000n, 0x42n);
  return builder;
}

describe('a hole', () => {
  it('is one line, and what follows is shown', () => {
    const { text, json } = rd(withHole(), 'ffff888000000ff8 514');
    expect(text).toEqual([
      'ffff888000000ff8:  0000000000000041                    A.......',
      '(cannot read kernel virtual address ffff888000001000: not mapped; 4096 bytes are left out)',
      'ffff888000002000:  0000000000000042                    B.......',
    ]);
    expect(json).toMatchObject([
      { address: '0xffff888000000ff8', words: ['0x41'], hole: { size: 4096 } },
      { address: '0xffff888000002000', words: ['0x42'] },
    ]);
  });

  it('at the beginning is an error', () => {
    expect(() => rd(withHole(), 'ffff888000001ff8 2')).toThrow(FaultError);
    expect(() => rd(withHole(), '-R ffff888000002000 2')).toThrow(FaultError);
  });

  it('ends a string, and is said', () => {
    const builder = withHole().write(HEAP + 0xffcn, encode('abcd'));
    expect(rd(builder, '-a ffff888000000ffc').text).toEqual([
      'ffff888000000ffc:  abcd',
      '(cannot read kernel virtual address ffff888000001000: not mapped)',
    ]);
    expect(rd(builder, '-r x ffff888000000ff0 16').json).toMatchObject([{ type: 'raw-memory', path: 'x', bytes: 16 }]);
    expect(() => rd(builder, '-r x ffff888000000ff0 17')).toThrow(FaultError);
  });
});

describe('a text', () => {
  it('of a count is what is printable, each run by its address', () => {
    const builder = new KernelBuilder();
    builder.allocate(4096);
    builder.write(HEAP, encode(`\u0001ab\u001bc${'x'.repeat(61)}\u0000`));
    expect(rd(builder, '-a ffff888000000000 100').text).toEqual([
      'ffff888000000001:  ab',
      `ffff888000000004:  c${'x'.repeat(59)}`,
      'ffff888000000040:  xx',
    ]);
  });
});

describe('numbers', () => {
  const builder = new KernelBuilder();
  builder.allocate(4096);
  builder.u64(HEAP, 0xffff_ffff_8000_00ffn);

  it.each([
    ['-d', '    -2147483393 '],
    ['-D', '18446744071562068223 '],
    ['-d -32', ' -2147483393           -1 '],
    ['-D -32', '  2147483903   4294967295 '],
    ['-d -16', '  255 -32768    -1    -1 '],
    ['-d -8', ' -1   0   0 -128  -1  -1  -1  -1 '],
    ['-N -32 -x', 'ff000080 ffffffff '],
    ['-N -16 -x', 'ff00 0080 ffff ffff '],
    ['-N -16 -d', ' -256   128    -1    -1 '],
  ])('%s', (options, shown) => {
    const unit = Number(/-(8|16|32)\b/.exec(options)?.[1] ?? 64);
    const { text } = rd(builder, `${options} ffff888000000000 ${64 / unit}`);
    expect(text.map((line) => line.slice('ffff888000000000:  '.length))).toEqual([shown]);
  });
});
