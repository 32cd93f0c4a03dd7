/** Debug sections as objcopy compresses them, in a relocatable file: they read as the plain ones do. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { declare } from '../../src/debuginfo/types/declaration.ts';
import { Resources } from '../../src/faces/node/resources.ts';
import { openCodeFile } from '../../src/target/code-file.ts';
import { Fixture } from './fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmscope-sections-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const plain = join(new Fixture('nfs').folder, 'modules/nfs.ko');

/** Lines and types of a function, which lie in most of the sections there are. */
async function read(path: string): Promise<string[]> {
  const warnings: string[] = [];
  const resources = new Resources({ warn: (message) => warnings.push(message) }, []);
  const lines = await resources.run(() => {
    const file = openCodeFile(resources.host, path);
    const dwarf = file.dwarf();
    const [symbol] = file.symbols.named('nfs_updatepage');
    const type = dwarf?.types.compound('struct', 'nfs_page');
    if (dwarf === undefined || symbol === undefined || type === undefined) return [];
    const start = Number(BigInt.asIntN(64, symbol.address));
    return [
      ...type.members.map((member) => `${declare(member.type, member.name ?? '')} @${member.offset}`),
      ...Array.from({ length: symbol.size }, (_, at) =>
        dwarf
          .framesAt(start + at)
          .map(({ functionName, source }) => `${functionName} ${source?.file}:${source?.line}`)
          .join(' < '),
      ),
    ];
  });
  expect(warnings).toEqual([]);
  return lines;
}

describe('debug sections compressed by', () => {
  it.each(['zlib', 'zlib-gnu', 'zstd'])('%s', async (form) => {
    const packed = join(folder, `${form}.ko`);
    execFileSync('objcopy', [`--compress-debug-sections=${form}`, plain, packed]);
    const expected = await read(plain);
    expect(expected.length).toBeGreaterThan(1000);
    expect(await read(packed)).toEqual(expected);
  });
});
