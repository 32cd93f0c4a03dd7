import { describe, expect, it } from 'vitest';
import { virtAddr } from '../../base/addr.ts';
import type { BacktraceFrame } from '../../query/backtrace.ts';
import type { OriginInstruction, OriginList, OriginReport, OriginRow, OriginStop } from '../../query/origin-report.ts';
import { renderOrigin } from './origin.ts';

const frame = (number: number, symbol: string): BacktraceFrame => ({
  number,
  slot: virtAddr(0xffffc90000000000n),
  address: virtAddr(0xffffffff81000010n),
  symbol,
  offset: 16,
  module: undefined,
  functionName: symbol,
  source: undefined,
  inlined: [],
  origin: 'orc',
  stack: '',
  exception: undefined,
  recovered: undefined,
  words: undefined,
  variables: undefined,
});

const instruction = (text: string, offset: number): OriginInstruction => ({
  address: virtAddr(0xffffffff81000000n + BigInt(offset)),
  functionName: 'f',
  offset,
  text,
  source: undefined,
  target: undefined,
});

const row = (part: Partial<OriginRow>): OriginRow => ({
  frame: 1,
  left: false,
  subject: 'rax',
  value: undefined,
  isAddress: false,
  isStale: false,
  cause: { kind: 'computed' },
  instruction: instruction('mov %rbx,%rax', 4),
  expression: undefined,
  variable: undefined,
  writers: [],
  notes: [],
  others: [],
  ...part,
});

function lines(rows: readonly OriginRow[], stop: OriginStop, last?: OriginList['last']): string[] {
  const report: OriginReport = {
    type: 'origin',
    frame: frame(1, 'f'),
    inlined: 0,
    expression: undefined,
    frames: [frame(1, 'f'), frame(2, 'g')],
    origin: { rows, last, stop },
  };
  return [...renderOrigin(report)].slice(1).map((line) => line.replaceAll(/ {2,}/g, '  '));
}

describe('an origin in text', () => {
  const known = (value: bigint) =>
    ({ value, provenance: { kind: 'known' }, target: undefined, text: undefined, poison: undefined }) as const;

  it('is a step a line: value, instruction, names, place', () => {
    const step = row({ value: known(5n), variable: 'count', expression: 'req->count' });
    expect(lines([step], { kind: 'constant' })).toEqual([
      '  rax = 0x5  <- mov %rbx,%rax  count = req->count  (f+4)',
      '  ends: a constant',
    ]);
  });

  it('marks what is inferred, and says once from what', () => {
    const inferred = { ...known(5n), provenance: { kind: 'inferred', how: 'because' } } as const;
    const steps = [row({ value: inferred, notes: ['because'] }), row({ value: inferred })];
    const last = { subject: 'rbx', value: undefined, isAddress: false, variable: 'dev' };
    expect(lines(steps, { kind: 'unknown', why: 'nobody knows' }, last)).toEqual([
      '  rax = ~0x5  <~ mov %rbx,%rax  (f+4)',
      '  rax = ~0x5  <- mov %rbx,%rax  (f+4)',
      '  rbx = ?  <- dev: not known: nobody knows',
      '  (~ because)',
    ]);
  });

  it('tells memory that holds what was read from memory that has changed', () => {
    const load = (now: bigint | undefined, value: OriginRow['value'], isStale = false): string =>
      lines([row({ cause: { kind: 'loaded', address: virtAddr(0x1000n), now }, value, isStale })], {
        kind: 'constant',
      })[1] ?? '';
    expect(load(5n, known(5n))).toBe('  memory at 1000 still holds 0x5');
    expect(load(6n, known(5n))).toBe('  memory at 1000 holds 0x6 now: it has changed since it was read');
    expect(load(6n, undefined)).toBe('  memory at 1000 holds 0x6 now; it may have changed since it was read');
    expect(load(6n, undefined, true)).toBe('  memory at 1000 holds 0x6 now: it has changed since it was read');
    expect(load(undefined, known(5n))).toBe('  memory at 1000 cannot be read');
  });

  it('begins the caller’s steps with its frame, and lists what may have been', () => {
    const handed = row({
      cause: { kind: 'handed', functionName: 'f', parameter: 'dev' },
      instruction: instruction('call 0xffffffff81000000', 9),
    });
    const candidates = [
      { instruction: instruction('cmove %esi,%edi', 7), taken: 'rsi', value: known(1n) },
      { instruction: undefined, taken: undefined, value: undefined },
    ];
    const text = lines([handed, row({ frame: 2 })], { kind: 'several', inLoop: false, candidates });
    expect(text).toEqual([
      '  rax = ?  <- argument dev of f  (called at f+9)',
      ' #2 [ffffc90000000000] g at ffffffff81000010',
      '  rax = ?  <- mov %rbx,%rax  (f+4)',
      '  ends: one of these, and nothing tells which:',
      '  cmove %esi,%edi: rsi  = 0x1  (f+7)',
      '  what the function was handed',
    ]);
  });

  it('shows no control characters of the kernel', () => {
    const step = row({ value: { ...known(1n), text: 'a\u001b[31m' } });
    expect(lines([step], { kind: 'constant' }).join('')).not.toContain('\u001b');
  });
});
