// What drgn says of a fixture, as JSON (facts.py says in what form).
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type JsonObject, parseObject } from '../lib/json.ts';
import { lastLines } from '../lib/process.ts';
import { projectFile } from '../lib/project.ts';
import type { Workspace } from './chroot.ts';

const script = 'facts.py';

function scriptFile(): string {
  return projectFile(join('tools', 'oracles', script));
}

/** What decides drgn's answers, beside the dump and drgn itself. */
export async function drgnInputs(): Promise<string> {
  return readFile(scriptFile(), 'utf8');
}

/** Asks drgn. Where it cannot open the dump, the JSON is `{"failure": MESSAGE}`. */
export async function askDrgn(workspace: Workspace, modules: readonly string[], output: string): Promise<JsonObject> {
  await copyFile(scriptFile(), join(workspace.folder, script));
  const files = ['vmcore', 'vmlinux', ...modules.map((name) => `modules/${name}`)];
  const { status, stdout, stderr } = await workspace.run('python3', [script, ...files]);
  const text = status === 0 ? stdout : JSON.stringify({ failure: lastLines(stderr, 1) });
  await writeFile(output, text);
  return parseObject(text);
}
