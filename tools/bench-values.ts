/**
 * How many arguments and locals of every distinct frame of every task are known, beside drgn on the same dump: the
 * tables of docs/values.md.
 * usage: npm run bench:values
 */

import { loadDisassembler } from '../src/disasm/disassembler.ts';
import { contradictions, countKnowledge, surveyValues, type SurveyedVariable } from '../test/dumps/value-survey.ts';
import { Fixture, fixtureNames } from '../test/dumps/fixture.ts';
import { ensureFixtures } from './fixtures/fixtures.ts';
import { ensureOracles } from './oracles/oracles.ts';
import { runTool } from './lib/tool-error.ts';

function countRow(name: string, what: string, variables: readonly SurveyedVariable[]): string {
  const { total, known, inferred, optimizedOut, lost, unreadable, failed, compared, ofTheseOurs, ofTheseDrgns } =
    countKnowledge(variables);
  const more = ofTheseDrgns === 0 ? '' : `${((ofTheseOurs / ofTheseDrgns - 1) * 100).toFixed(1)} %`;
  const peer = compared === 0 ? ['', '', ''] : [compared, ofTheseOurs, ofTheseDrgns];
  const cells = [name, what, total, known, inferred, optimizedOut, lost, unreadable, failed, ...peer, more];
  return `| ${cells.join(' | ')} |`;
}

/** Why values are missing or inferred, the commonest first; names of functions and registers are left out. */
function causes(variables: readonly SurveyedVariable[]): string[] {
  const counts = new Map<string, number>();
  for (const { knowledge, why = '' } of variables) {
    if (knowledge === 'known') continue;
    const key = `${knowledge}: ${causeOf(why)}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([cause, count]) => `| ${cause} | ${count} |`);
}

/** What the notes of followed values have in common, what weighs most first. */
const followed: readonly (readonly [RegExp, string])[] = [
  [/as it was passed/, 'as it was passed: nothing keeps it since'],
  [/handed on by/, 'handed on by functions that ended in a jump'],
  [/indirect call/, 'passed by an indirect call'],
  [/has kept it/, 'from a copy that the function has kept'],
  [/set by/, 'set by an instruction of the caller'],
];

function causeOf(why: string): string {
  return (
    followed.find(([pattern]) => pattern.test(why))?.[1] ??
    why
      .replace(/called \S+, which went on to \S+ by/, 'called another function, which went on by')
      .replaceAll(/\b(?:r[a-z]{2}|r\d+)\b/g, 'a register')
  );
}

await runTool(async () => {
  await loadDisassembler('x86_64');
  for (const fixture of await ensureFixtures([...fixtureNames])) {
    const oracles = await ensureOracles(fixture);
    if ('unavailable' in oracles) console.error(`${fixture.info.name}: without drgn (${oracles.unavailable})`);
  }
  const surveys = fixtureNames.map((name) => ({ name, variables: surveyValues(new Fixture(name)) }));
  const titles =
    'total | known | inferred | optimised out | lost | unreadable | failed | in drgn, too | vmscope knows of these | drgn knows | more';
  console.log(`| dump | what | ${titles} |`);
  console.log(`|---|---|${'---:|'.repeat(11)}`);
  for (const { name, variables } of surveys) {
    const isArgument = ({ argument }: SurveyedVariable): boolean => argument;
    console.log(countRow(name, 'arguments', variables.filter(isArgument)));
    console.log(
      countRow(
        name,
        'locals',
        variables.filter((variable) => !isArgument(variable)),
      ),
    );
  }
  for (const { name, variables } of surveys)
    for (const { where, ours, drgn } of contradictions(variables))
      console.log(`${name}: ${where} is ${ours?.toString(16)}, drgn has ${drgn?.toString(16)}`);
  console.log('\n| arguments of nfs that are not known, and why | count |\n|---|---:|');
  const [first] = surveys;
  for (const row of causes(first?.variables.filter(({ argument }) => argument) ?? [])) console.log(row);
});
