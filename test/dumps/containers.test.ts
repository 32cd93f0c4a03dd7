/**
 * One memory image in every form: the answers are the same in all of them. What a filter left out is told apart, and is
 * the same in all that were filtered alike.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { FaultError } from '../../src/base/errors.ts';
import { PAGE_SIZE } from '../../src/base/addr.ts';
import { parseLine } from '../../src/commands/line.ts';
import { LocalEngine, type Format } from '../../src/faces/node/engine.ts';
import { NodeHost } from '../../src/faces/node/host.ts';
import { startZstd } from '../../src/faces/node/zstd.ts';
import { openTarget, type Target } from '../../src/target/target.ts';
import { Fixture, type FixtureName } from './fixture.ts';

/** Asked in JSON, too. */
const basicCommands = ['sys', 'log', 'set', 'bt -a', 'ps', 'mod'];
const otherCommands = [
  'bt -a -f',
  'ps -m',
  'mod -t',
  'sym vfs_read',
  'rd linux_banner 32',
  'rd init_task 64',
  'vtop init_task',
  'struct task_struct init_task',
  'p init_uts_ns',
  'kmem -s',
  'foreach bt',
];

/** The forms of a fixture's memory, and which of them lack what makedumpfile's -d 31 leaves out. */
const images: readonly { readonly name: FixtureName; readonly filtered: RegExp }[] = [
  { name: 'kdump-6.1', filtered: /-d31$/ },
  { name: 'hang', filtered: /^$/ },
];

const questions = [
  ...[...basicCommands, ...otherCommands].map((line) => ({ line, format: 'text' as const })),
  ...basicCommands.map((line) => ({ line, format: 'json' as const })),
];

/** Which pages are compared: every so many. A prime, so that no structure of the memory goes with it. */
const strideInPages = 7;

async function open(fixture: Fixture, files: readonly string[]): Promise<LocalEngine> {
  const folders = {
    moduleFolders: [`${fixture.folder}/modules`],
    debugFolders: [],
    sourceFolders: [],
    debuginfod: undefined,
  };
  const listener = { warn: (message: string): void => expect.unreachable(message) };
  return LocalEngine.open({ files: [...files, `${fixture.folder}/vmlinux`], ...folders, strict: false }, listener);
}

/** What a user sees, but for the names of the dump's own files. */
async function answer(engine: LocalEngine, line: string, format: Format): Promise<string> {
  const parsed = parseLine(line);
  if (parsed.kind !== 'command') throw new Error(`${line} is no command`);
  let text = '';
  for await (const piece of engine.run({ line, words: parsed.words, format })) text += piece;
  return text
    .replace(/ *DUMPFILES?: .*(\n {14}.*)*/, 'DUMPFILE')
    .replace(/"(dumpfile|dumpfiles|dumpMarks|format)":(\[[^\]]*\]|"[^"]*")/g, '"$1":');
}

describe.each(images)('the memory of $name', ({ name, filtered }) => {
  const fixture = new Fixture(name);
  const forms = [...fixture.containers].map(([form, files]) => ({ form, files }));

  it('is there in every form of the recipe', () => {
    const expected = {
      'kdump-6.1': [
        'elf-d31',
        'flat-d31',
        'lzo-d31',
        'plain-d31',
        'split-d0',
        'zlib-d0',
        'zlib-d31',
        'zstd-d0',
        'zstd-d31',
      ],
      hang: ['qemu-zlib', 'qemu-zlib-flat'],
    };
    expect(forms.map(({ form }) => form)).toEqual(name === 'hang' ? expected.hang : expected['kdump-6.1']);
  });

  const expected = new Map<string, string>();
  beforeAll(async () => {
    const engine = await open(fixture, [`${fixture.folder}/vmcore`]);
    for (const { line, format } of questions) expected.set(`${line} ${format}`, await answer(engine, line, format));
  });

  it.each(forms)('gives the same answers as $form', async ({ files }) => {
    const engine = await open(fixture, files);
    for (const { line, format } of questions)
      expect(await answer(engine, line, format), `${line} ${format}`).toBe(expected.get(`${line} ${format}`));
  });

  const leftOut = new Map<string, Pages>();
  it.each(forms)('has the same pages as $form, or knows that they were left out', async ({ form, files }) => {
    const pages = compare(await targetOf(fixture, [`${fixture.folder}/vmcore`]), await targetOf(fixture, files));
    expect(pages.compared).toBeGreaterThan(1000);
    if (!filtered.test(form)) expect([...pages.excluded, ...pages.excludedZeros]).toEqual([]);
    else leftOut.set(form, pages);
  });

  if (!forms.some(({ form }) => filtered.test(form))) return;
  it('lacks the same pages wherever it was filtered alike', () => {
    const elf = leftOut.get('elf-d31');
    leftOut.delete('elf-d31');
    const [one, ...others] = leftOut.values();
    expect(one?.excluded.length).toBeGreaterThan(1000);
    for (const other of others) expect(other).toEqual(one);
    // An ELF dump has no page that stands for all zeros, and short gaps are cheaper to keep than to leave out.
    const all = new Set(one?.excluded);
    expect(elf?.excluded.filter((page) => !all.has(page))).toEqual([]);
  });

  it('says of a page that a filter left it out', async () => {
    const [page = 0] = leftOut.get('lzo-d31')?.excluded ?? [];
    const engine = await open(fixture, fixture.containers.get('lzo-d31') ?? []);
    await expect(answer(engine, `rd -p ${page.toString(16)}`, 'text')).rejects.toThrow(/excluded by the dump filter/);
  });
});

/** makedumpfile is older than this kernel: it takes pages of slabs for free ones or for a user's. */
describe('a dump from which a filter has left out too much', () => {
  const fixture = new Fixture('kdump-7.2');

  it('has the stacks of the whole one, or says what was left out', async () => {
    const whole = stacksByTask(await answer(await open(fixture, [`${fixture.folder}/vmcore`]), 'foreach bt', 'text'));
    const engine = await open(fixture, fixture.containers.get('zstd-d31') ?? []);
    const stacks = stacksByTask(await answer(engine, 'foreach bt', 'text'));
    expect(stacks.size).toBeGreaterThan(0);
    for (const [task, stack] of stacks)
      if (stack !== whole.get(task)) expect(stack, task).toContain('excluded by the dump filter');
  });
});

function stacksByTask(text: string): Map<string, string> {
  const stacks = text.split('\n\n').map((stack) => stack.trimEnd());
  return new Map(stacks.map((stack) => [/TASK: (\w+)/.exec(stack)?.[1] ?? '', stack]));
}

interface Pages {
  readonly compared: number;
  /** Addresses of pages that were left out though they hold something. */
  readonly excluded: readonly number[];
  readonly excludedZeros: readonly number[];
}

async function targetOf(fixture: Fixture, dumps: readonly string[]): Promise<Target> {
  const host = new NodeHost();
  host.useZstd(await startZstd());
  const vmlinux = `${fixture.folder}/vmlinux`;
  return openTarget(host, { dumps, vmlinux, debugFolders: [], moduleFolders: [] });
}

/** Every few pages of one memory image in another, which may lack some. */
function compare(whole: Target, other: Target): Pages {
  const theirs = new Uint8Array(PAGE_SIZE);
  const ours = new Uint8Array(PAGE_SIZE);
  const excluded: number[] = [];
  const excludedZeros: number[] = [];
  let compared = 0;
  for (const { start, size } of whole.image.rangesWithin(0, whole.image.end)) {
    for (
      let at = Math.ceil(start / PAGE_SIZE) * PAGE_SIZE;
      at + PAGE_SIZE <= start + size;
      at += strideInPages * PAGE_SIZE
    ) {
      whole.physical.read(at, ours);
      try {
        other.physical.read(at, theirs);
      } catch (error) {
        if (!(error instanceof FaultError) || error.why !== 'excluded') throw error;
        (ours.every((byte) => byte === 0) ? excludedZeros : excluded).push(at);
        continue;
      }
      compared++;
      if (Buffer.compare(ours, theirs) !== 0) expect.fail(`the page at ${at.toString(16)} differs`);
    }
  }
  return { compared, excluded, excludedZeros };
}
