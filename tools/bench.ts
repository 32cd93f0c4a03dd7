/**
 * Whole processes, page cache warm: vmscope's `bt` beside crash's and drgn's on the full kernel's dump, where those two
 * can be had (a Debian sid in the cache folder). Medians of several runs, peak memory, and ratios.
 * usage: npm run bench [-- RUNS [FIXTURE]]
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureFixtures, type Fixture } from './fixtures/fixtures.ts';
import { measure, measureInside, median, repeat, type Measure, type Row } from './lib/measure.ts';
import { runTool } from './lib/tool-error.ts';
import { ensureChroot, withWorkspace } from './oracles/chroot.ts';

/** What drgn needs for the same: the dump, its debug files, the stack of the task that crashed. */
const drgnScript = `
import sys, drgn
prog = drgn.Program()
prog.set_core_dump(sys.argv[1])
prog.load_debug_info(sys.argv[2:])
print(prog.crashed_thread().stack_trace())
`;

async function peers(fixture: Fixture, runs: number): Promise<Row[]> {
  const missing = await ensureChroot();
  if (missing !== undefined) {
    console.error(`crash and drgn are left out: ${missing}`);
    return [];
  }
  return withWorkspace(fixture, async (workspace) => {
    await writeFile(join(workspace.folder, 'stack.py'), drgnScript);
    await writeFile(join(workspace.folder, 'commands'), 'bt\nquit\n');
    const inside = async (...command: string[]): Promise<Measure> => measureInside(workspace, command);
    return [
      await repeat('crash: bt', runs, () => inside('crash', '-s', '-i', 'commands', 'vmlinux', 'vmcore')),
      await repeat('drgn: stack trace', runs, () =>
        inside('python3', 'stack.py', 'vmcore', 'vmlinux', 'modules/nfs.ko'),
      ),
    ];
  });
}

/** What an analysis asks next. */
const commands = [
  'bt -V',
  'bt -FFF',
  'foreach bt -V',
  'struct task_struct',
  'p init_task',
  'dis vfs_write',
  'search -k deadbeef',
];

async function commandRows(runs: number, node: string, program: string, dump: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const command of commands)
    rows.push(await repeat(`vmscope: ${command}`, runs, () => measure(node, [program, dump, '-c', command])));
  return rows;
}

function print(rows: readonly Row[]): void {
  const base = median(rows.find((row) => row.what === 'vmscope: bt')?.measures.map((entry) => entry.seconds) ?? []);
  console.log('| what | median s | min s | peak MiB | time, vmscope = 1 |');
  console.log('|---|---|---|---|---|');
  for (const { what, measures } of rows) {
    const seconds = measures.map((entry) => entry.seconds);
    const peak = Math.max(...measures.map((entry) => entry.peakMiB));
    console.log(
      `| ${what} | ${median(seconds).toFixed(3)} | ${Math.min(...seconds).toFixed(3)} | ${peak.toFixed(0)} | ${(median(seconds) / base).toFixed(2)} |`,
    );
  }
}

await runTool(async () => {
  const runs = Number(process.argv[2] ?? 7);
  const name = process.argv[3] ?? 'nfs-4level-amd64';
  const [fixture] = await ensureFixtures([name]);
  if (fixture === undefined) return;
  const { buildProgram } = (await import(new URL('../../../tools/build.mjs', import.meta.url).href)) as {
    buildProgram: () => Promise<string>;
  };
  const program = await buildProgram();
  const dump = join(fixture.folder, 'vmcore');
  const node = process.execPath;
  console.error(`${name}: ${fixture.info.release}, medians of ${runs} runs after one warm-up`);
  print([
    await repeat('an empty Node script', runs, () => measure(node, ['-e', '0'])),
    await repeat('vmscope: --version', runs, () => measure(node, [program, '--version'])),
    await repeat('vmscope: bt', runs, () => measure(node, [program, dump, '-c', 'bt'])),
    ...(await commandRows(runs, node, program, dump)),
    await repeat('vmscope: bt -a; ps; log', runs, () => measure(node, [program, dump, '-c', 'bt -a; ps; log'])),
    await repeat('vmscope: foreach bt', runs, () => measure(node, [program, dump, '-c', 'foreach bt'])),
    ...(await peers(fixture, runs)),
  ]);
});
