// Shows the program at work: makes the sample dump `nfs` where it is not there yet, builds, and asks the first
// questions about it, up to where the bad pointer came from. Progress goes to stderr, what vmscope says to stdout.
import { execFileSync, spawnSync } from 'node:child_process';
import { relative } from 'node:path';
import { ensureFixtures } from './fixtures/fixtures.ts';
import { step } from './lib/progress.ts';
import { projectFile } from './lib/project.ts';
import { ToolError, runTool } from './lib/tool-error.ts';

const sample = 'nfs';
const logLines = 25;

function show(program: string, vmcore: string, command: string): void {
  console.log(`\nvmscope> ${command}`);
  const { status } = spawnSync(process.execPath, [program, vmcore, '-c', command], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new ToolError(`vmscope failed on "${command}" (status ${status ?? 'none'}).`);
}

await runTool(async () => {
  await step('building dist/vmscope.js', async () => {
    execFileSync(process.execPath, [projectFile('tools/build.mjs')], { stdio: 'inherit' });
  });
  const [fixture] = await step(`sample dump ${sample}`, () => ensureFixtures([sample]));
  if (fixture === undefined) throw new ToolError(`The sample dump ${sample} could not be made.`);
  const vmcore = `${fixture.folder}/vmcore`;
  const program = projectFile('dist/vmscope.js');
  console.log(`\n${fixture.info.description}\nkernel ${fixture.info.release}`);
  for (const command of ['sys', `log | tail -n ${logLines}`, 'bt', 'origin rdi']) show(program, vmcore, command);
  console.log(
    `\nGo on at the prompt:  npx vmscope ${relative(process.cwd(), vmcore).startsWith('..') ? vmcore : relative(process.cwd(), vmcore)}`,
  );
});
