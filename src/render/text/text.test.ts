/** Text: control characters, dates, the log, stacks with what is not known. */

import { describe, expect, it } from 'vitest';
import { virtAddr } from '../../base/addr.ts';
import type { Backtrace, BacktraceFrame } from '../../query/backtrace.ts';
import type { LogReport } from '../../query/log.ts';
import { toJson } from '../json.ts';
import { renderBacktrace } from './backtrace.ts';
import { duration, elapsed, utcDate } from './date.ts';
import { escapeControl, escapeLine } from './escape.ts';
import { renderLog } from './log.ts';

describe('escaping', () => {
  it('shows what a terminal would obey, and leaves text alone', () => {
    expect(escapeControl('a\u001b[31mb\tc\nd\u0007\u009b\u007fé')).toBe('a\\x1b[31mb\tc\nd\\x07\\x9b\\x7fé');
    expect(escapeLine('a\nb\r')).toBe('a\\nb\\x0d');
  });
});

describe('dates', () => {
  it('are in UTC, as crash prints them', () => {
    expect(utcDate(0)).toBe('Thu Jan  1 00:00:00 UTC 1970');
    expect(utcDate(1_795_405_821)).toBe(
      `${new Date(1_795_405_821_000).toUTCString().slice(0, 3)} Nov 23 03:50:21 UTC 2026`,
    );
    expect(utcDate(Number.MAX_SAFE_INTEGER)).toBe('(invalid date)');
  });

  it('have durations and times gone by', () => {
    expect(duration(59.9)).toBe('00:00:59');
    expect(duration(93_784)).toBe('1 days, 02:03:04');
    expect(elapsed(4_000_000n)).toBe('0 00:00:00.004');
    expect(elapsed(90_061_001_999_999n)).toBe('1 01:01:01.001');
  });
});

describe('the log', () => {
  const report = (show: Partial<LogReport['show']>, text = 'first\nsecond'): string[] => [
    ...renderLog({
      type: 'log',
      lost: 0,
      bootNanoseconds: 1_000_000_000_000n,
      show: { time: 'seconds', level: false, dictionary: false, ...show },
      records: [
        {
          sequence: 1n,
          time: 12_000_345_678n,
          facility: 0,
          level: 3,
          caller: undefined,
          text,
          dictionary: ['SUBSYSTEM=pci'],
        },
      ],
    }),
  ];

  it('indents further lines, and shows what is asked for', () => {
    expect(report({})).toEqual(['[   12.000345] first', '               second']);
    expect(report({ time: 'none' })).toEqual(['first', 'second']);
    expect(report({ level: true, dictionary: true })).toEqual([
      '[   12.000345] <3>first',
      '                  second',
      '                  SUBSYSTEM=pci',
    ]);
    expect(report({ time: 'date' }, 'x')).toEqual(['[Thu Jan  1 00:16:52 UTC 1970] x']);
    expect(report({}, '\u001b[2J')).toEqual(['[   12.000345] \\x1b[2J']);
  });
});

const frame = (number: number, more: Partial<BacktraceFrame> = {}): BacktraceFrame => ({
  number,
  slot: virtAddr(0xff33_380e_c001_3bd0n),
  address: virtAddr(0xffff_ffff_c059_86c7n),
  symbol: 'nfs_updatepage',
  functionName: 'nfs_updatepage',
  offset: 0x997,
  module: 'nfs',
  source: { file: 'fs/nfs/write.c', line: 204, column: 3 },
  inlined: [],
  origin: 'orc',
  stack: '',
  exception: undefined,
  recovered: undefined,
  words: undefined,
  variables: undefined,
  ...more,
});
const trace = (frames: readonly BacktraceFrame[], more: Partial<Backtrace> = {}): Backtrace => ({
  type: 'backtrace',
  show: { offsets: 'none', radix: 10, lines: false, words: 'none', variables: 'none' },
  header: { pid: 1, task: virtAddr(0xff1b_1f4d_4022_0000n), cpu: 0, command: 'in\u001bit' },
  frames,
  missing: [],
  userRegisters: undefined,
  beginning: undefined,
  incomplete: undefined,
  inferences: [],
  hidden: undefined,
  ...more,
});

describe('a stack', () => {
  it('has crash’s line form, inlined calls below', () => {
    const inlined = [
      { number: 1, name: 'spin_lock', source: { file: 'include/linux/spinlock.h', line: 351, column: 0 } },
      { number: 2, name: 'f', source: undefined },
    ];
    expect([...renderBacktrace(trace([frame(5, { inlined })]))]).toEqual([
      'PID: 1        TASK: ff1b1f4d40220000  CPU: 0    COMMAND: "in\\x1bit"',
      ' #5 [ff33380ec0013bd0] nfs_updatepage at ffffffffc05986c7 [nfs]',
      '    #5.1 spin_lock (inlined) at include/linux/spinlock.h: 351',
      '    #5.2 f (inlined)',
    ]);
  });

  it('that does not begin where its CPU came to its end says so first', () => {
    const lines = [...renderBacktrace(trace([frame(0)], { beginning: 'what CPU 1 did then is not known' }))];
    expect(lines[1]).toBe('    (what CPU 1 did then is not known)');
    expect(lines[2]).toMatch(/^ #0 /);
  });

  it('has offsets and lines where asked for', () => {
    const lines = [
      ...renderBacktrace(
        trace([frame(15)], { show: { offsets: 'decimal', radix: 10, lines: true, words: 'none', variables: 'none' } }),
      ),
    ];
    expect(lines.slice(1)).toEqual([
      '#15 [ff33380ec0013bd0] nfs_updatepage+2455 at ffffffffc05986c7 [nfs]',
      '    fs/nfs/write.c: 204',
    ]);
    expect(
      [
        ...renderBacktrace(
          trace([frame(1)], { show: { offsets: 'hex', radix: 16, lines: false, words: 'none', variables: 'none' } }),
        ),
      ][1],
    ).toContain('nfs_updatepage+0x997 at');
  });

  it('shows registers that are not known as such, and those that are', () => {
    const lines = [
      ...renderBacktrace(
        trace([frame(6, { exception: { rip: 0xffff_ffff_8100_0013n, rsp: 1n, rflags: 0x10246n, cs: 0x10n } })]),
      ),
    ];
    expect(lines[2]).toBe('    [exception RIP: nfs_updatepage+2455]');
    expect(lines[3]).toBe('    RIP: ffffffff81000013  RSP: 0000000000000001  RFLAGS: 00010246');
    expect(lines[4]?.match(/\(unknown\)/g)).toHaveLength(3);
    expect(lines[9]).toMatch(/^ {4}ORIG_RAX: \(unknown\) +CS: 0010 {2}SS: \(unknown\)/);
  });

  it('marks guesses, unknown functions, other stacks, and why it ends', () => {
    const frames = [
      frame(0, { stack: 'IRQ' }),
      frame(1, { origin: 'scan', symbol: undefined, module: undefined }),
      frame(2, { recovered: 'kretprobe' }),
    ];
    const lines = [...renderBacktrace(trace(frames, { incomplete: 'no code' }))];
    expect(lines[2]).toBe('--- <IRQ stack> ---');
    expect(lines[3]).toBe(' #1 [ff33380ec0013bd0] (unknown) at ffffffffc05986c7 ?');
    expect(lines[4]).toContain('(return address recovered from kretprobe)');
    expect(lines.at(-1)).toBe('    (the stack ends here: no code)');
  });

  it('is JSON with addresses as text and nothing that is undefined', () => {
    const json = JSON.stringify(toJson(trace([frame(0)])));
    expect(json).toContain('"task":"0xff1b1f4d40220000"');
    expect(json).not.toContain('incomplete');
    expect(json).toContain('"address":"0xffffffffc05986c7"');
  });
});
