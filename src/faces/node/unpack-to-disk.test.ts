/** A packed kernel becomes a file of the cache, whole or not at all. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { debugFile } from '../../../test/builders/debug-file.ts';
import { OpenError } from '../../base/errors.ts';
import { unpackToDisk } from './unpack-to-disk.ts';

const ID = 'ab'.repeat(20);
const kernel = debugFile({ buildId: ID, padding: 3_000_000 });
const folder = mkdtempSync(join(tmpdir(), 'vmscope-unpack-'));
const cache = join(folder, 'cache');
const codecs = [
  ['xz', 'xz'],
  ['zst', 'zstd'],
  ['gz', 'gzip'],
] as const;

beforeAll(() => {
  for (const [name, bytes] of [
    ['vmlinux', kernel],
    ['nameless', debugFile({ buildId: '' })],
  ] as const) {
    writeFileSync(join(folder, name), bytes);
    for (const [codec, program] of codecs)
      writeFileSync(join(folder, `${name}.${codec}`), execFileSync(program, ['-c', join(folder, name)]));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(codecs)('%s', (codec) => {
  it('is kept by its build-id', async () => {
    rmSync(cache, { recursive: true, force: true });
    const path = await unpackToDisk(join(folder, `vmlinux.${codec}`), codec, cache);
    expect(path).toBe(join(cache, ID, 'vmlinux'));
    expect(readFileSync(path).equals(kernel)).toBe(true);
    expect(readdirSync(cache)).toEqual([ID]);
  });

  it('without a build-id is kept by what was packed', async () => {
    const path = await unpackToDisk(join(folder, `nameless.${codec}`), codec, cache);
    expect(path).toMatch(/\/[0-9a-f]{64}\/vmlinux$/);
  });

  it('that is cut off leaves nothing', async () => {
    rmSync(cache, { recursive: true, force: true });
    const cut = join(folder, `cut.${codec}`);
    writeFileSync(cut, readFileSync(join(folder, `vmlinux.${codec}`)));
    truncateSync(cut, readFileSync(cut).length - 1000);
    await expect(unpackToDisk(cut, codec, cache)).rejects.toThrow(OpenError);
    expect(readdirSync(cache)).toEqual([]);
  });
});

it('where nothing can be written says so', async () => {
  const packed = join(folder, 'vmlinux.xz');
  await expect(unpackToDisk(packed, 'xz', join(packed, 'below'))).rejects.toThrow(/cannot be unpacked into .*below/);
  expect(existsSync(join(packed, 'below'))).toBe(false);
});
