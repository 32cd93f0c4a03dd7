/**
 * One memory image in several forms: how fast the reader is by itself, and `search` and `rd` of whole processes beside
 * crash's. What a process takes to open the dump is measured apart, and taken off. All times are the processor's, which a
 * busy machine changes least.
 * usage: npm run bench:dumps [-- RUNS]
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NodeHost } from '../src/faces/node/host.ts';
import { startZstd } from '../src/faces/node/zstd.ts';
import { FileSource } from '../src/bytes/byte-source.ts';
import { openDump } from '../src/formats/registry.ts';
import { PhysicalMemory } from '../src/memory/physical-memory.ts';
import { CountingSource } from '../test/builders/counting-source.ts';
import { ensureFixtures, type Fixture } from './fixtures/fixtures.ts';
import { median, processorTimeIn, withProcessorTime } from './lib/measure.ts';
import { run } from './lib/process.ts';
import { runTool, ToolError } from './lib/tool-error.ts';
import { ensureChroot, withWorkspace } from './oracles/chroot.ts';

const forms = ['containers/zlib-d0', 'containers/zstd-d0', 'containers/lzo-d31', 'vmcore'];
const pageSize = 4096;
const randomReads = 20_000;
/** Enough of each that what opening the dump takes does not drown it. */
const randomCommands = 4000;
const searches = 3;
const noise = 0.05;
const host = new NodeHost();
host.useZstd(await startZstd());

/** What was read of a dump to open it, and how fast it is read. */
interface ReaderSpeed {
  readonly openedBytes: number;
  /** In 10^6 bytes of output a second. */
  readonly sweep: number;
  /** Of 8 bytes. */
  readonly microsecondsPerRead: number;
  readonly bytes: number;
}

function sourceOf(path: string): FileSource {
  const file = host.open(path);
  if (file === undefined) throw new ToolError(`${path}: ${host.whyNot(path)}`);
  return new FileSource(file);
}

function readerSpeed(path: string, random: readonly number[]): ReaderSpeed {
  const file = sourceOf(path);
  const source = new CountingSource(file.name, file.size, (offset, target) => void file.readInto(offset, target));
  const image = openDump([source], host);
  const openedBytes = source.bytesRead;
  const page = new Uint8Array(pageSize);
  let bytes = 0;
  const swept = secondsOf(() => {
    for (const { start, size } of image.rangesWithin(0, image.end)) {
      for (let at: number = start; at + pageSize <= start + size; at += pageSize) {
        image.read(at, page);
        bytes += pageSize;
      }
    }
  });
  const memory = new PhysicalMemory(image);
  const word = new Uint8Array(8);
  const read = secondsOf(() => {
    for (const address of random) memory.read(address, word);
  });
  return { openedBytes, sweep: bytes / 1e6 / swept, microsecondsPerRead: (read / random.length) * 1e6, bytes };
}

function secondsOf(work: () => void): number {
  const started = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1e6;
}

/** Addresses of words in memory that the most filtered form has, too; always the same ones. */
function randomAddresses(fixture: Fixture): number[] {
  const file = sourceOf(join(fixture.folder, 'containers/lzo-d31'));
  const image = openDump([file], host);
  const pages: number[] = [];
  for (const { start, size } of image.rangesWithin(0, image.end))
    for (let at: number = start; at + pageSize <= start + size; at += pageSize) pages.push(at);
  let state = 1;
  return Array.from({ length: randomReads }, () => {
    state = (state * 48_271) % 0x7fff_ffff;
    const page = pages[state % pages.length] ?? 0;
    return page + ((state >> 8) & 0xff8);
  });
}

/** In seconds. */
interface ProcessTimes {
  /** To open the dump and read one word. */
  readonly open: number;
  /** Of all memory, once. */
  readonly search: number;
  /** Of one word. */
  readonly read: number;
}

const search = 'search -p -w deadbeef';

/** @param run runs a program's commands, and gives the time they took */
async function processTimes(
  runs: number,
  reads: readonly string[],
  run: (commands: readonly string[]) => Promise<number>,
): Promise<ProcessTimes> {
  const time = async (commands: readonly string[]): Promise<number> => {
    const times: number[] = [];
    for (let count = 0; count < runs; count++) times.push(await run(commands));
    return Math.min(...times);
  };
  const open = await time(['rd linux_banner']);
  const searched = await time(Array.from({ length: searches }, () => search));
  return { open, search: (searched - open) / searches, read: ((await time(reads)) - open) / reads.length };
}

async function timeHere(command: readonly string[]): Promise<number> {
  const [program, ...args] = withProcessorTime(command);
  return processorTimeIn((await run(program, args)).stderr);
}

async function crashTimes(
  fixture: Fixture,
  form: string,
  runs: number,
  reads: readonly string[],
): Promise<ProcessTimes | undefined> {
  if ((await ensureChroot()) !== undefined) return undefined;
  return withWorkspace(fixture, (workspace) =>
    processTimes(runs, reads, async (commands) => {
      await writeFile(join(workspace.folder, 'commands'), [...commands, 'quit', ''].join('\n'));
      const [program, ...args] = withProcessorTime(['crash', '-s', '-i', 'commands', 'vmlinux', form]);
      return processorTimeIn((await workspace.run(program, args)).stderr);
    }),
  );
}

function cells(times: ProcessTimes | undefined, bytes: number): string[] {
  if (times === undefined) return ['', '', ''];
  const { open, search: searched, read } = times;
  // What opening the dump takes differs by some per cent from run to run: less than that cannot be told.
  const least = (open * noise) / randomCommands;
  const milliseconds = read < least ? `< ${(least * 1000).toFixed(2)}` : (read * 1000).toFixed(2);
  return [open.toFixed(2), (bytes / 1e6 / searched).toFixed(0), milliseconds];
}

await runTool(async () => {
  const runs = Number(process.argv[2] ?? 3);
  const [fixture] = await ensureFixtures(['kdump-6.1']);
  if (fixture === undefined) return;
  const { buildProgram } = (await import(new URL('../../../tools/build.mjs', import.meta.url).href)) as {
    buildProgram: () => Promise<string>;
  };
  const program = await buildProgram();
  const random = randomAddresses(fixture);
  const reads = random.slice(0, randomCommands).map((address) => `rd -p ${address.toString(16)}`);
  console.log(
    '| form | read to open | sweep MB/s | random read µs | open s | `search` MB/s | `rd` ms | crash: open s | `search` MB/s | `rd` ms |',
  );
  console.log(`|---|${'---:|'.repeat(9)}`);
  for (const form of forms) {
    const path = join(fixture.folder, form);
    const speeds = Array.from({ length: runs + 1 }, () => readerSpeed(path, random)).slice(1);
    const [first] = speeds;
    if (first === undefined) return;
    const vmscope = await processTimes(runs, reads, (commands) =>
      timeHere([process.execPath, program, path, join(fixture.folder, 'vmlinux'), '-c', commands.join('; ')]),
    );
    const crash = await crashTimes(fixture, form, runs, reads);
    const row = [
      form.replace('containers/', ''),
      `${(first.openedBytes / 1024).toFixed(0)} KiB`,
      median(speeds.map(({ sweep }) => sweep)).toFixed(0),
      median(speeds.map(({ microsecondsPerRead }) => microsecondsPerRead)).toFixed(1),
      ...cells(vmscope, first.bytes),
      ...cells(crash, first.bytes),
    ];
    console.log(`| ${row.join(' | ')} |`);
  }
});
