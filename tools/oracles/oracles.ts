// Asks the oracles about a fixture, once, and keeps their answers beside the dump:
//
//   fixtures/<name>/oracle/drgn.json    what drgn says
//   fixtures/<name>/oracle/crash/       what crash says
//   fixtures/<name>/oracle/stamp.json   the hash of all that decided the answers
//
// A rebuilt fixture has no oracle folder, so answers are always those of the dump beside them.
import { existsSync } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fixture } from '../fixtures/fixtures.ts';
import { cachePath, hashOf, makeFolder } from '../lib/cache-folder.ts';
import { parseObject, stringMember } from '../lib/json.ts';
import { withLock } from '../lib/lock.ts';
import { note, step } from '../lib/progress.ts';
import { ensureChroot, oracleVersions, withWorkspace } from './chroot.ts';
import { askCrash } from './crash.ts';
import { crashQuestions, questionInputs } from './crash-questions.ts';
import { askDrgn, drgnInputs } from './drgn.ts';

export type Oracles = { readonly folder: string } | { readonly unavailable: string };

function oraclePath(fixture: Fixture): string {
  return join(fixture.folder, 'oracle');
}

async function inputsHash({ info }: Fixture): Promise<string> {
  return hashOf(await oracleVersions(), await drgnInputs(), await questionInputs(info.name));
}

async function isFresh(fixture: Fixture): Promise<boolean> {
  const file = join(oraclePath(fixture), 'stamp.json');
  if (!existsSync(file)) return false;
  return stringMember(parseObject(await readFile(file, 'utf8')), 'hash') === (await inputsHash(fixture));
}

async function ask(fixture: Fixture, folder: string): Promise<void> {
  await withWorkspace(fixture, async (workspace) => {
    const modules = await readdir(join(fixture.folder, 'modules'));
    const console = await readFile(join(fixture.folder, 'console.log'), 'utf8');
    const facts = await askDrgn(workspace, modules, join(folder, 'drgn.json'));
    if ('failure' in facts) note(`drgn cannot open ${fixture.info.name}: ${stringMember(facts, 'failure')}`);
    const failure = await askCrash(workspace, crashQuestions(fixture.info.name, facts, console), join(folder, 'crash'));
    if (failure !== undefined) note(`crash cannot open ${fixture.info.name}: ${failure}`);
  });
  const stamp = { hash: await inputsHash(fixture), versions: (await oracleVersions()).trim().split('\n') };
  await writeFile(join(folder, 'stamp.json'), `${JSON.stringify(stamp, undefined, 2)}\n`);
}

/** Makes sure that the oracles' answers on a fixture are there. Where they cannot be had, gives the reason. */
export async function ensureOracles(fixture: Fixture): Promise<Oracles> {
  const folder = oraclePath(fixture);
  if (existsSync(cachePath('oracles', 'sid')) && (await isFresh(fixture))) return { folder };
  return withLock(cachePath('lock'), async () => {
    const reason = await ensureChroot();
    if (reason !== undefined) return { unavailable: reason };
    if (!(await isFresh(fixture))) {
      await step(`asking crash and drgn about ${fixture.info.name}`, () =>
        makeFolder(folder, (at) => ask(fixture, at)),
      );
    }
    return { folder };
  });
}
