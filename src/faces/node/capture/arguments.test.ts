/** What may stand behind `vmscope capture`, and how amounts and progress are shown. */

import { describe, expect, it } from 'vitest';
import { sizeText, timeText } from '../amounts.ts';
import { parseCaptureArguments } from './arguments.ts';
import { Progress } from '../progress.ts';

const parse = (line: string): ReturnType<typeof parseCaptureArguments> => parseCaptureArguments(line.split(' '));

describe('the words behind capture', () => {
  it('say where QEMU is and where the dump goes', () => {
    expect(parse('--qmp q -o f')).toEqual({
      kind: 'capture',
      options: {
        address: { kind: 'unix', path: 'q' },
        file: 'f',
        format: 'elf',
        paging: false,
        detach: false,
        noSpaceCheck: false,
      },
    });
    expect(parse('--output=f --detach --no-space-check --qmp=localhost:1 --format=kdump-snappy')).toMatchObject({
      kind: 'capture',
      options: { address: { kind: 'tcp' }, format: 'kdump-snappy', detach: true, noSpaceCheck: true },
    });
    expect(parse('--status --qmp q')).toEqual({ kind: 'status', address: { kind: 'unix', path: 'q' } });
    expect(parse('--help')).toEqual({ kind: 'help' });
  });

  it.each([
    ['-o f', /socket is missing: --qmp SOCKET/],
    ['--qmp q', /file to write is missing: -o FILE/],
    ['--qmp q f', /f belongs to no option/],
    ['--qmp q -o', /-o wants a value: FILE/],
    ['--qmp q -o f --format zip', /no format zip; there are elf, kdump-zlib/],
    ['--qmp q -o f --format kdump-zlib --paging', /kdump-zlib without --paging only/],
    ['--qmp q -o f --pagin', /no option --pagin; did you mean --paging\?/],
    ['--qmp q -o f --status', /--status begins no dump/],
    ['--qmp tcp:q -o f', /tcp:q is neither the path of a socket nor HOST:PORT/],
    ['--qmp q -o f --detach=yes', /--detach takes no value/],
    ['--qmp q \u001b[2J', /\\x1b\[2J belongs/],
  ])('%s is wrong', (line, message) => {
    const parsed = parse(line);
    expect(parsed.kind).toBe('wrong');
    expect('message' in parsed && parsed.message).toMatch(message);
    expect('message' in parsed && parsed.message).toContain('"vmscope capture --help" lists the options');
  });
});

describe('amounts', () => {
  it('are of a size that is read at a glance', () => {
    expect([0, 1023, 1024, 67_372_795, 2 ** 30 - 1, 5.5 * 2 ** 30, 3 * 2 ** 40, 2 ** 52].map(sizeText)).toEqual([
      '0 bytes',
      '1023 bytes',
      '1.0 KiB',
      '64.3 MiB',
      '1024 MiB',
      '5.5 GiB',
      '3.0 TiB',
      '4096 TiB',
    ]);
    expect([0, 99, 100, 9_949, 9_950, 59_400, 59_500, 3_725_000].map(timeText)).toEqual([
      'less than 0.1 s',
      'less than 0.1 s',
      '0.1 s',
      '9.9 s',
      '10 s',
      '59 s',
      '1 min 0 s',
      '62 min 5 s',
    ]);
  });
});

describe('progress', () => {
  interface Watched {
    readonly progress: Progress;
    readonly at: (time: number) => void;
    readonly text: () => string;
  }

  function watched(isTerminal: boolean, columns = 100): Watched {
    let now = 0;
    let text = '';
    const progress = new Progress({ isTerminal, columns, write: (more) => (text += more) }, () => now);
    return { progress, at: (time) => (now = time), text: () => text };
  }

  it('is a bar that a terminal redraws and in the end forgets', () => {
    const { progress, at, text } = watched(true);
    at(2_000);
    progress.update(2 ** 20, 2 ** 22);
    progress.clear();
    expect(text()).toBe(
      `\r\u001b[K[${'#'.repeat(10)}${'-'.repeat(30)}]  25 %  1.0 MiB of 4.0 MiB  512 KiB/s  6.0 s left\r\u001b[K`,
    );
  });

  it('never is wider than the terminal', () => {
    for (const columns of [10, 40, 60, 200]) {
      const { progress, at, text } = watched(true, columns);
      at(2_000);
      progress.update(1, 3);
      expect(text().replace('\r\u001b[K', '').length).toBeLessThan(columns);
    }
  });

  it('is a line now and then elsewhere, and nothing where nothing is known', () => {
    const { progress, at, text } = watched(false);
    progress.update(0, 0);
    for (let time = 0; time <= 11_000; time += 200) {
      at(time);
      progress.update(time, 20_000);
    }
    progress.update(40_000, 20_000);
    progress.clear();
    expect(text()).toBe(
      '25 %  4.9 KiB of 19.5 KiB  1000 bytes/s  15 s left\n50 %  9.8 KiB of 19.5 KiB  1000 bytes/s  10 s left\n',
    );
  });
});
