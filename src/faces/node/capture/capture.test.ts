/** A capture from a QEMU that does everything right, and from many that do not: what is told, and which file remains. */

import { existsSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CoreBuilder } from '../../../../test/builders/core.ts';
import { FakeQemu, type Answers, type Line } from '../../../../test/builders/fake-qemu.ts';
import { OpenError } from '../../../base/errors.ts';
import { Capture, type Captured } from './capture.ts';
import { inspectDump } from './inspect.ts';
import type { CaptureOptions } from './arguments.ts';

const memory = 4096;
const dump = new CoreBuilder()
  .cpu(1, {})
  .qemuCpu({})
  .vmcoreinfo(['OSRELEASE=6.1.0'])
  .load(0, new Uint8Array(memory))
  .build();

type Json = Readonly<Record<string, unknown>>;

function pathOf(args: Json): string {
  return String(args['protocol']).replace(/^file:/, '');
}

function completed(line: Line, error?: string): void {
  const status = error === undefined ? 'completed' : 'failed';
  line.event('DUMP_COMPLETED', { result: { status, completed: memory, total: memory }, ...(error && { error }) });
}

/** Writes the file and says so a little later, as a detached QEMU does. */
const writes: Answers = {
  'dump-guest-memory': (line, args) => {
    line.answer({});
    setTimeout(() => {
      writeFileSync(pathOf(args), dump);
      completed(line);
    }, 20);
  },
};

/** A dump that goes on until the test ends it. */
function writesOn(half = true): { answers: Answers; end(error?: string): void } {
  let line: Line | undefined;
  let state: Json = { status: 'none', completed: 0, total: 0 };
  return {
    answers: {
      'query-dump': (to) => to.answer(state),
      'dump-guest-memory': (to, args) => {
        line = to;
        state = { status: 'active', completed: memory / 2, total: memory };
        if (half) writeFileSync(pathOf(args), dump.slice(0, dump.length / 2));
        to.answer({});
      },
    },
    end: (error) => line && completed(line, error),
  };
}

interface Attempt {
  readonly captured?: Captured | undefined;
  readonly error?: string;
  readonly said: string;
  readonly drawn: string;
}

interface Running {
  readonly work: Capture;
  readonly outcome: Promise<Attempt>;
}

function begin(qemu: FakeQemu, file: string, more: Partial<CaptureOptions> = {}): Running {
  let said = '';
  let drawn = '';
  const options: CaptureOptions = {
    address: { kind: 'unix', path: qemu.path },
    file,
    format: 'elf',
    paging: false,
    detach: false,
    noSpaceCheck: false,
    ...more,
  };
  const screen = { isTerminal: true, columns: 100, write: (text: string) => (drawn += text) };
  const work = new Capture(options, { screen, say: (line) => (said += `${line}\n`) }, (word) => word);
  const outcome = work.run().then(
    (captured) => ({ captured, said, drawn }),
    (error: unknown) => {
      if (error instanceof OpenError) return { error: error.message, said, drawn };
      throw error;
    },
  );
  return { work, outcome };
}

const run = (qemu: FakeQemu, file: string, more: Partial<CaptureOptions> = {}): Promise<Attempt> =>
  begin(qemu, file, more).outcome;

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('a capture', () => {
  it('asks QEMU for an absolute path, detached, and gives the file', async () => {
    await using qemu = await FakeQemu.start(writes);
    const file = join(qemu.folder, 'vmcore');
    const { captured, said } = await run(qemu, file);
    expect(captured).toMatchObject({ size: dump.length, file: { path: file } });
    expect(said).toBe(
      'guest: running (QEMU 7.2.22, 4.0 KiB of memory); it stands still until its memory is written, and goes on then\n',
    );
    expect(qemu.asked.at(-1)).toEqual({
      command: 'dump-guest-memory',
      args: { paging: false, protocol: `file:${file}`, detach: true },
    });
    expect(inspectDump(file)).toEqual({ format: 'ELF vmcore (QEMU)', vmcoreinfo: true, warnings: [] });
  });

  it('passes --format and --paging on', async () => {
    await using qemu = await FakeQemu.start(writes);
    await run(qemu, join(qemu.folder, 'a'), { format: 'kdump-zlib' });
    expect(qemu.asked.at(-1)?.args).toMatchObject({ format: 'kdump-zlib', paging: false });
    await run(qemu, join(qemu.folder, 'b'), { paging: true });
    expect(qemu.asked.at(-1)?.args).toMatchObject({ paging: true });
  });

  it('shows how far it is, and takes the bar away', async () => {
    const going = writesOn();
    await using qemu = await FakeQemu.start(going.answers);
    const { outcome } = begin(qemu, join(qemu.folder, 'vmcore'));
    await until(() => qemu.commands().filter((command) => command === 'query-dump').length > 2);
    writeFileSync(join(qemu.folder, 'vmcore'), dump);
    going.end();
    const { drawn, captured } = await outcome;
    expect(captured?.size).toBe(dump.length);
    expect(drawn).toContain(`[${'#'.repeat(20)}${'-'.repeat(20)}]  50 %  2.0 KiB of 4.0 KiB`);
    expect(drawn).toMatch(/\r\u001b\[K$/); // oxlint-disable-line no-control-regex -- what clears a line
  });

  it('ends, too, where only the state tells the end and no event comes', async () => {
    let asked = 0;
    await using qemu = await FakeQemu.start({
      'query-dump': (line) => line.answer({ status: asked++ > 0 ? 'completed' : 'none', completed: 9, total: 9 }),
      'dump-guest-memory': (line, args) => {
        writeFileSync(pathOf(args), dump);
        line.answer({});
      },
    });
    expect((await run(qemu, join(qemu.folder, 'vmcore'))).captured?.size).toBe(dump.length);
  });

  it('with --detach leaves at once, and says how to look after it', async () => {
    const going = writesOn();
    await using qemu = await FakeQemu.start(going.answers);
    const file = join(qemu.folder, 'vmcore');
    const { captured, said } = await run(qemu, file, { detach: true });
    expect(captured).toBeUndefined();
    expect(said).toContain(`QEMU writes ${file} now`);
    expect(said).toContain(`vmscope capture --qmp ${qemu.path} --status`);
    expect(existsSync(file)).toBe(true);
  });

  it('works with a QEMU that knows only the oldest commands, and answers when all is written', async () => {
    const unknown = (line: Line): void => line.refuse('not found', 'CommandNotFound');
    await using qemu = await FakeQemu.start({
      'query-dump': unknown,
      'query-dump-guest-memory-capability': unknown,
      'query-memory-size-summary': unknown,
      'dump-guest-memory': (line, args) => {
        if ('detach' in args) return line.refuse("Invalid parameter 'detach'");
        writeFileSync(pathOf(args), dump);
        setTimeout(() => line.answer({}), 20);
      },
    });
    const file = join(qemu.folder, 'vmcore');
    expect((await run(qemu, file)).captured?.size).toBe(dump.length);
    const detached = await run(qemu, `${file}2`, { detach: true });
    expect(detached.error).toContain('cannot --detach');
    expect(existsSync(`${file}2`)).toBe(false);
    expect((await run(qemu, `${file}3`, { format: 'kdump-zlib' })).error).toContain('does not offer kdump-zlib');
  });

  it('of such a QEMU that fails tells that, and removes the file', async () => {
    await using qemu = await FakeQemu.start({
      'dump-guest-memory': (line, args) => {
        if ('detach' in args) return line.refuse("Parameter 'detach' is unexpected");
        writeFileSync(pathOf(args), 'part');
        line.refuse('dump: failed to save memory');
      },
    });
    const file = join(qemu.folder, 'vmcore');
    expect((await run(qemu, file)).error).toMatch(
      /could not write .*failed to save memory\nThe partial file is removed/,
    );
    expect(existsSync(file)).toBe(false);
  });
});

describe('before anything is written', () => {
  it('what is there already is not touched, a link that leads nowhere among it', async () => {
    await using qemu = await FakeQemu.start(writes);
    const file = join(qemu.folder, 'vmcore');
    writeFileSync(file, 'precious');
    symlinkSync(join(qemu.folder, 'nowhere'), `${file}.link`);
    expect((await run(qemu, file)).error).toContain('is there already, and is not overwritten');
    expect((await run(qemu, `${file}.link`)).error).toContain('is there already');
    expect((await run(qemu, qemu.folder)).error).toContain('is a folder: name a file in it');
    expect((await run(qemu, join(file, 'x'))).error).toContain('a part of the path is no folder');
    expect((await run(qemu, join(qemu.folder, 'no', 'vmcore'))).error).toContain('no is not there');
    expect(readFileSync(file, 'utf8')).toBe('precious');
    expect(existsSync(join(qemu.folder, 'nowhere'))).toBe(false);
    expect(qemu.asked).toEqual([]);
  });

  const refusals: readonly [string, Answers, Partial<CaptureOptions>, RegExp][] = [
    [
      'a dump that goes on',
      { 'query-dump': (line) => line.answer({ status: 'active', completed: 1024, total: 2048 }) },
      {},
      /writing a dump already \(1.0 KiB of 2.0 KiB\)/,
    ],
    [
      'one that began just now',
      { 'dump-guest-memory': (line) => line.refuse('There is a dump in process, please wait.') },
      {},
      /There is a dump in process/,
    ],
    [
      'a format that is not offered',
      {},
      { format: 'kdump-lzo' },
      /7.2.22\) does not offer kdump-lzo, but: elf, kdump-zlib, win-dmp/,
    ],
    [
      'more memory than the disk has room',
      { 'query-memory-size-summary': (line) => line.answer({ 'base-memory': 2 ** 52, 'plugged-memory': 1 }) },
      {},
      /which does not fit: .*kdump-zlib.*--no-space-check/,
    ],
    [
      'a folder that QEMU does not see',
      { 'dump-guest-memory': (line) => line.refuse("Could not open '/x/vmcore': No such file or directory") },
      {},
      /QEMU cannot write .*\nQEMU opens the file itself[^]*virsh dump/,
    ],
    [
      'an incoming migration',
      { 'dump-guest-memory': (line) => line.refuse('Dump not allowed during incoming migration.') },
      {},
      /incoming migration/,
    ],
    ['a QEMU that ends while it is asked', { 'query-status': (line) => line.hangUp() }, {}, /closed the connection/],
    ['no answer that is QMP', { 'query-status': (line) => line.raw('what?\n') }, {}, /is no QMP: "what\?"/],
  ];
  it.each(refusals)('%s is told, and leaves no file', async (_, answers, more, message) => {
    await using qemu = await FakeQemu.start({ ...writes, ...answers });
    const file = join(qemu.folder, 'vmcore');
    expect((await run(qemu, file, more)).error).toMatch(message);
    expect(existsSync(file)).toBe(false);
  });

  it('too little room is only a warning for a compressed dump, and where the user insists', async () => {
    await using qemu = await FakeQemu.start({
      ...writes,
      'query-memory-size-summary': (line) => line.answer({ 'base-memory': 2 ** 52 }),
    });
    const file = join(qemu.folder, 'vmcore');
    for (const more of [{ format: 'kdump-zlib' }, { noSpaceCheck: true }] as const) {
      const { said, captured } = await run(qemu, file, more);
      expect(said).toContain('the dump may not fit');
      expect(captured).toBeDefined();
      rmSync(file);
    }
  });

  it('a QEMU that may not write a file of ours makes its own', async () => {
    await using qemu = await FakeQemu.start({
      'dump-guest-memory': (line, args) => {
        const path = pathOf(args);
        if (existsSync(path)) return line.refuse(`Could not open '${path}': Permission denied`);
        writeFileSync(path, dump);
        line.answer({});
        completed(line);
      },
    });
    const file = join(qemu.folder, 'vmcore');
    expect((await run(qemu, file)).captured?.size).toBe(dump.length);
    expect(qemu.commands().filter((command) => command === 'dump-guest-memory')).toHaveLength(2);
  });
});

describe('a dump that fails', () => {
  it.each([
    [
      'dump: failed to save memory: No space left on device',
      /No space left[^]*The disk is full[^]*partial file is rem/,
    ],
    ['dump: failed to save memory', /could not write .*: dump: failed to save memory\nThe partial file is removed\./],
  ])('"%s" is told, and its part removed', async (error, message) => {
    await using qemu = await FakeQemu.start({
      'dump-guest-memory': (line, args) => {
        line.answer({});
        writeFileSync(pathOf(args), 'part');
        completed(line, error);
      },
    });
    const file = join(qemu.folder, 'vmcore');
    expect((await run(qemu, file)).error).toMatch(message);
    expect(existsSync(file)).toBe(false);
  });

  it('never costs a file that took the place of ours', async () => {
    const going = writesOn();
    await using qemu = await FakeQemu.start(going.answers);
    const file = join(qemu.folder, 'vmcore');
    const { outcome } = begin(qemu, file);
    await until(() => qemu.commands().includes('dump-guest-memory'));
    renameSync(file, `${file}.moved`);
    writeFileSync(file, 'another');
    going.end('failed');
    expect((await outcome).error).toContain('could not write');
    expect(readFileSync(file, 'utf8')).toBe('another');
  });

  it('is kept where QEMU has ended: it is what is left of the guest', async () => {
    const going = writesOn();
    await using qemu = await FakeQemu.start(going.answers);
    const file = join(qemu.folder, 'vmcore');
    const { outcome } = begin(qemu, file);
    await until(() => qemu.commands().filter((command) => command === 'query-dump').length > 1);
    await qemu.die();
    expect((await outcome).error).toMatch(/and has ended, while it was writing .*\(2.0 KiB of 4.0 KiB so far\)/);
    expect(existsSync(file)).toBe(true);
  });

  it('is removed where QEMU has ended before it wrote anything', async () => {
    const going = writesOn(false);
    await using qemu = await FakeQemu.start(going.answers);
    const file = join(qemu.folder, 'vmcore');
    const { outcome } = begin(qemu, file);
    await until(() => qemu.commands().includes('dump-guest-memory'));
    await qemu.die();
    expect((await outcome).error).toContain('before it wrote anything');
    expect(existsSync(file)).toBe(false);
  });

  it('is kept where QEMU still runs, but talks no more', async () => {
    await using qemu = await FakeQemu.start({
      'dump-guest-memory': (line, args) => {
        writeFileSync(pathOf(args), 'part');
        line.hangUp();
      },
    });
    const file = join(qemu.folder, 'vmcore');
    expect((await run(qemu, file)).error).toMatch(/It still runs, and may write on: nothing was removed/);
    expect(existsSync(file)).toBe(true);
  });
});

describe('a dump that QEMU says is complete', () => {
  it('but that is not here is told, and our empty file removed', async () => {
    await using qemu = await FakeQemu.start({
      'dump-guest-memory': (line) => {
        line.answer({});
        completed(line);
      },
    });
    const file = join(qemu.folder, 'vmcore');
    expect((await run(qemu, file)).error).toContain('QEMU sees other folders than this shell');
    expect(existsSync(file)).toBe(false);
  });

  it('but that is smaller than the memory is told, and kept', async () => {
    await using qemu = await FakeQemu.start({
      'dump-guest-memory': (line, args) => {
        writeFileSync(pathOf(args), dump.slice(0, 1000));
        line.answer({});
        completed(line);
      },
    });
    const file = join(qemu.folder, 'vmcore');
    expect((await run(qemu, file)).error).toContain('it is cut off');
    expect(existsSync(file)).toBe(true);
  });
});

describe('a user who leaves', () => {
  it('before the dump began leaves no file, and QEMU is not asked for one', async () => {
    await using qemu = await FakeQemu.start({ ...writes, 'query-status': () => undefined });
    const file = join(qemu.folder, 'vmcore');
    const { work, outcome } = begin(qemu, file);
    await until(() => qemu.commands().includes('query-status'));
    expect(work.interrupt()).toBe('interrupted: no dump was begun');
    expect((await outcome).error).toContain('closed');
    expect(existsSync(file)).toBe(false);
    expect(qemu.commands()).not.toContain('dump-guest-memory');
  });

  it('while QEMU writes is told that it goes on, and the file stays', async () => {
    const going = writesOn();
    await using qemu = await FakeQemu.start(going.answers);
    const file = join(qemu.folder, 'vmcore');
    const { work, outcome } = begin(qemu, file);
    await until(() => qemu.commands().filter((command) => command === 'query-dump').length > 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const told = work.interrupt();
    expect(told).toContain(`QEMU writes ${file} to its end (2.0 KiB of 4.0 KiB so far)`);
    expect(told).toContain('--status');
    await outcome;
    expect(existsSync(file)).toBe(true);
  });
});

describe('what was written', () => {
  it('may have no VMCOREINFO, or be nothing that opens', async () => {
    await using qemu = await FakeQemu.start();
    const file = join(qemu.folder, 'vmcore');
    writeFileSync(file, new CoreBuilder().qemuCpu({}).load(0, new Uint8Array(16)).build());
    expect(inspectDump(file)).toMatchObject({ vmcoreinfo: false });
    writeFileSync(file, 'nothing');
    expect(inspectDump(file)).toMatchObject({ trouble: expect.stringContaining('no memory image') });
    writeFileSync(file, new CoreBuilder({ machine: 3 }).load(0, new Uint8Array(16)).build());
    expect(inspectDump(file)).toMatchObject({ trouble: expect.stringContaining('32-bit machine') });
    expect(inspectDump(`${file}.no`)).toMatchObject({ trouble: expect.stringContaining('no such file') });
  });
});
