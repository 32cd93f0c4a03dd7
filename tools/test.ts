/**
 * The whole test run: checks, build, real dumps, oracles, tests. Prints one line a check, and at the end
 * `N passed, N failed`. Exit status 1 where anything failed.
 * usage: npm test
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { browserImpurities } from './checks/browser.ts';
import { layerViolations } from './checks/layers.ts';
import { readmeGaps } from './checks/readmes.ts';
import { ensureFixtures, fixtureNames } from './fixtures/fixtures.ts';
import { note } from './lib/progress.ts';
import { runTool, ToolError } from './lib/tool-error.ts';
import { ensureDebugTools } from './oracles/debug-tools.ts';
import { ensureOracles } from './oracles/oracles.ts';

const root = process.cwd();
const results = 'node_modules/.cache/vmscope-tools/results.json';
/** What the ordinary run of damaged inputs must not fall below (test/builders/mutate.ts). */
const LEAST_MUTATED_INPUTS = 20_000;
const bin = (name: string): string => `${root}/node_modules/.bin/${name}`;

let passed = 0;
let failed = 0;

function report(name: string, problems: readonly string[]): void {
  if (problems.length === 0) passed++;
  else failed++;
  note(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name}`);
  for (const problem of problems) note(`       ${problem}`);
}

/** A program that says nothing where all is well. */
function check(name: string, program: string, args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  const output = `${stdout}\n${stderr}\n${error?.message ?? ''}`.trim().split('\n');
  report(name, status === 0 ? [] : output.slice(-40));
}

async function prepareDumps(): Promise<void> {
  await ensureDebugTools();
  const names = fixtureNames('default');
  const fixtures = await ensureFixtures(names);
  for (const fixture of fixtures) {
    const oracles = await ensureOracles(fixture);
    if ('unavailable' in oracles)
      note(`skipped: comparisons with crash and drgn on ${fixture.info.name}: ${oracles.unavailable}`);
  }
}

function runTests(): void {
  mkdirSync('node_modules/.cache/vmscope-tools', { recursive: true });
  const { status } = spawnSync(
    bin('vitest'),
    ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${results}`],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
    readFileSync(results, 'utf8'),
  ) as VitestResults;
  passed += numPassedTests;
  failed += numFailedTests;
  const broken = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
  failed += broken;
  if (status !== 0 && numFailedTests === 0 && broken === 0) report('vitest', [`ended with exit status ${status}`]);
  const mutated = testResults.flatMap((file) => file.assertionResults).map(({ meta }) => meta?.mutatedInputs ?? 0);
  const inputs = mutated.reduce((sum, count) => sum + count, 0);
  report(
    `${inputs} mutated inputs`,
    inputs < LEAST_MUTATED_INPUTS ? [`at least ${LEAST_MUTATED_INPUTS} are wanted`] : [],
  );
  if (numPendingTests > 0)
    note(`${numPendingTests} comparisons do not apply: an oracle cannot open that dump (test/dumps/README.md)`);
}

interface VitestResults {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly Assertion[] }[];
}

interface Assertion {
  /** What a test tells of itself. */
  readonly meta?: { readonly mutatedInputs?: number };
}

await runTool(async () => {
  check('format', bin('oxfmt'), ['--check', '.']);
  check('lint', bin('oxlint'), ['--type-aware', '--deny-warnings']);
  check('types', bin('tsc'), ['-p', 'tsconfig.json']);
  check('types of the engine, without Node', bin('tsc'), ['-p', 'tsconfig.engine.json']);
  report('layers', layerViolations(root));
  report('README tables', readmeGaps(root));
  report('browser bundle', await browserImpurities(root));
  check('build', process.execPath, ['tools/build.mjs']);
  await prepareDumps();
  runTests();
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0) throw new ToolError('not all passed');
});
