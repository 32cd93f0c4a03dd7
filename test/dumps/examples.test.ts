/**
 * Every example of every command's help, typed as it stands there, in text and in JSON, on three kernels. Commands that
 * are added to the table are tested by that. What an example names and a dump may not have is listed here, with what is
 * said then; anything else that fails is a bug.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VmcoreError } from '../../src/base/errors.ts';
import { parseLine } from '../../src/commands/line.ts';
import { commands } from '../../src/commands/table/index.ts';
import { LocalEngine, type Format } from '../../src/faces/node/engine.ts';
import { Fixture } from './fixture.ts';

const examples = commands.flatMap((command) => command.examples.map(({ line }) => ({ name: command.name, line })));

/** What an example may name that is not there, and what is said then. */
const mayBeMissing: readonly { readonly example: RegExp; readonly on?: RegExp; readonly said: RegExp }[] = [
  { example: /\bff[0-9a-f]{14}\b/, said: /\bff[0-9a-f]{14}\b/ },
  { example: / \/tmp\//, said: /^(?:mod -S )?\/tmp\/[^:]*: (?:no such file$|there is no such folder)/ },
  { example: /\bnfs/, on: /^sysrq/, said: /not found: nfs/ },
];

function isMissing(example: string, dump: string, message: string): boolean {
  return mayBeMissing.some(
    (rule) => rule.example.test(example) && (rule.on?.test(dump) ?? true) && rule.said.test(message),
  );
}

const folder = mkdtempSync(join(tmpdir(), 'vmscope-examples-'));
const before = process.cwd();
beforeAll(() => process.chdir(folder));
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

it('every command shows how it is used', () => {
  expect(commands.filter(({ examples: own }) => own.length === 0).map(({ name }) => name)).toEqual([]);
});

/** The output of a line, or the error it ends with. */
async function answer(engine: LocalEngine, line: string, format: Format): Promise<string | VmcoreError> {
  const parsed = parseLine(line);
  if (parsed.kind !== 'command') throw new Error(`${line} is no command`);
  let text = '';
  try {
    for await (const piece of engine.run({ line, words: parsed.words, format })) text += piece;
  } catch (error) {
    if (error instanceof VmcoreError) return error;
    throw error;
  }
  return text;
}

describe.each(['nfs', 'sysrq-6.12', 'sysrq-7.2'] as const)('examples on %s', (name) => {
  const fixture = new Fixture(name);
  const warnings: string[] = [];
  let engine: LocalEngine;
  beforeAll(async () => {
    engine = await LocalEngine.open(
      {
        files: [join(fixture.folder, 'vmcore')],
        moduleFolders: [],
        debugFolders: [],
        sourceFolders: [],
        strict: false,
        debuginfod: undefined,
      },
      { warn: (message) => warnings.push(message) },
    );
  });

  afterAll(() => expect(warnings).toEqual([]));

  it.each(examples)('$line', async ({ line }) => {
    // From the innermost frame no way leads down.
    if (line.startsWith('down')) await answer(engine, 'frame 5', 'text');
    const text = await answer(engine, line, 'text');
    const json = await answer(engine, line, 'json');
    if (typeof text !== 'string' || typeof json !== 'string') {
      const message = text instanceof Error ? text.message : 'text: answered';
      expect(json instanceof Error ? json.message : 'json: answered').toBe(message);
      expect(isMissing(line, name, message), `${line} fails: ${message}`).toBe(true);
      return;
    }
    check(line, text, json);
  });

  // Whatever else crash was asked; what is not taken here is refused in a sentence.
  it.each(name === 'nfs' ? fixture.crashCommands() : [])('as crash is asked: %s', async (line) => {
    const json = await answer(engine, line, 'json');
    rmSync(join(folder, 'raw.bin'), { force: true });
    const text = await answer(engine, line, 'text');
    rmSync(join(folder, 'raw.bin'), { force: true });
    expect(text instanceof Error ? text.message : '').toBe(json instanceof Error ? json.message : '');
    if (text instanceof Error) expect(['usage', 'lookup', 'fault', 'format', 'open']).toContain(text.code);
    else if (typeof json === 'string') check(line, text, json);
  });
});

function check(line: string, text: string, json: string): void {
  expect(text.endsWith('\n') || text === '').toBe(true);
  // oxlint-disable-next-line no-control-regex -- what a terminal would obey
  expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f]/);
  expect(text).not.toMatch(/\[object |\bNaN\b|(?<![\w-])undefined(?![\w-])/);

  const lines = json.split('\n');
  expect(lines.pop()).toBe('');
  expect(lines).toHaveLength(1);
  const parsed: unknown = JSON.parse(lines[0] ?? '');
  expect(parsed).toMatchObject({ command: line, ok: true });
  // A command that has nothing to say says so.
  const silent = text === '' ? ['.result is null'] : [];
  expect(faultsIn(parsed).filter((fault) => !silent.includes(fault))).toEqual([]);
}

/** What JSON has no business to hold: numbers that were rounded, what JSON.stringify makes of NaN, bytes as objects. */
function faultsIn(value: unknown, path = ''): string[] {
  if (value === null) return [`${path} is null`];
  if (typeof value === 'number') return Math.abs(value) > Number.MAX_SAFE_INTEGER ? [`${path} is ${value}`] : [];
  if (typeof value === 'string') return /^(?:undefined|NaN|\[object .*)$/.test(value) ? [`${path} is ${value}`] : [];
  if (typeof value !== 'object') return [];
  const entries = Object.entries(value);
  if (!Array.isArray(value) && isBytes(entries)) return [`${path} is bytes as an object`];
  const faults: string[] = [];
  for (const [key, entry] of entries) {
    faults.push(...faultsIn(entry, `${path}.${key}`));
    if (faults.length > 10) break;
  }
  return faults;
}

function isBytes(entries: readonly (readonly [string, unknown])[]): boolean {
  return (
    entries.length > 1 &&
    entries.every(([key, value], index) => key === String(index) && typeof value === 'number' && value < 256)
  );
}
