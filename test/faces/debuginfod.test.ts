/**
 * The program beside a real debuginfod server on the loopback interface, and the client that comes with it: what one
 * fetched the other finds.
 */

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FetchedFile } from '../../src/base/host.ts';
import { fetchDebugFile } from '../../src/faces/node/debuginfod/fetch.ts';
import { NodeHost } from '../../src/faces/node/host.ts';
import { buildIdOfElf } from '../../src/formats/elf/build-id.ts';
import { openElf } from '../../src/target/find-vmlinux.ts';
import { memoryHost } from '../builders/host.ts';
import { debugTool } from '../../tools/oracles/debug-tools.ts';
import { sample, useProgram, vmcore, vmlinux } from './program.ts';

const LONGEST_SCAN = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'vmscope-debuginfod-'));
const lonely = join(folder, 'lonely');
const cache = join(folder, 'cache');
const program = useProgram();
const buildId = buildIdOfElf(openElf(new NodeHost(), vmlinux)) ?? '';
const env = { XDG_CACHE_HOME: cache, HOME: folder, DEBUGINFOD_CACHE_PATH: '', DEBUGINFOD_URLS: '' };
const fetched = join(cache, 'debuginfod_client', buildId, 'debuginfo');

let server: ChildProcess;
let url = '';

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Whether the server has a file. */
async function serves(id: string): Promise<boolean> {
  const answer = await fetch(`${url}/buildid/${id}/debuginfo`).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.status === 200;
}

beforeAll(async () => {
  mkdirSync(lonely);
  symlinkSync(vmcore, join(lonely, 'vmcore'));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const { path, env: tool } = debugTool('debuginfod');
  const places = [dirname(realpathSync(vmlinux)), realpathSync(join(sample, 'modules'))];
  server = spawn(path, ['-F', '-p', String(port), '-d', join(folder, 'index.sqlite'), '-t', '0', ...places], {
    env: { ...tool, HOME: folder, DEBUGINFOD_URLS: '' },
    stdio: 'ignore',
  });
  const deadline = Date.now() + LONGEST_SCAN;
  while (!(await serves(buildId))) {
    if (Date.now() > deadline || server.exitCode !== null) throw new Error('debuginfod does not serve the vmlinux');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
});

afterAll(async () => {
  if (server.exitCode === null) {
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

describe('debuginfod', () => {
  it('is not asked unless the user wants it', async () => {
    const run = await program.run([join(lonely, 'vmcore'), '-c', 'set'], { env });
    expect(run.stderr).toContain('debuginfod: not asked: $DEBUGINFOD_URLS is not set, and --debuginfod was not given');
    expect(existsSync(cache)).toBe(false);
  });

  it('gives the vmlinux, which is then found by every client', async () => {
    const run = await program.run([`--debuginfod=${url}`, join(lonely, 'vmcore'), '-c', 'sys'], { env });
    expect(run.stderr).toContain(`vmscope: fetching the debug file of build-id ${buildId} from ${url}\n`);
    expect(run.stdout).toContain(`KERNEL: ${fetched} `);
    expect(statSync(fetched).size).toBe(statSync(vmlinux).size);
    const again = await program.run([join(lonely, 'vmcore'), '-c', 'sys'], { env });
    expect(again.stdout).toBe(run.stdout);
    expect(again.stderr).not.toContain('fetching');
    const find = debugTool('debuginfod-find');
    const words = ['debuginfo', buildId];
    const nowhere = { ...find.env, ...env, DEBUGINFOD_URLS: 'http://127.0.0.1:1' };
    expect(execFileSync(find.path, words, { env: nowhere, encoding: 'utf8' }).trim()).toBe(fetched);
  });

  it('gives the files of modules, too, by $DEBUGINFOD_URLS', async () => {
    // Apart from its modules.
    const alone = join(folder, 'vmlinux');
    symlinkSync(realpathSync(vmlinux), alone);
    const words = [alone, join(lonely, 'vmcore'), '-c', 'bt'];
    const run = await program.run(words, { env: { ...env, DEBUGINFOD_URLS: `http://127.0.0.1:1 ${url}` } });
    const whole = await program.run([vmcore, '-c', 'bt'], { env });
    expect(whole.stdout).toContain('nfs_inode_add_request (inlined)');
    expect(run.stdout).toBe(whole.stdout);
    expect(readdirSync(join(cache, 'debuginfod_client')).length).toBeGreaterThan(1);
  });

  it('that has no such file is remembered for all clients', async () => {
    const find = debugTool('debuginfod-find');
    const variables: Record<string, string | undefined> = { ...find.env, ...env, DEBUGINFOD_URLS: url };
    const ask = (id: string): Promise<FetchedFile> =>
      fetchDebugFile(id, [url], { ...memoryHost(), environment: (name) => variables[name] });
    const [theirs, ours] = ['ab'.repeat(20), 'cd'.repeat(20)];
    expect(() => execFileSync(find.path, ['debuginfo', theirs], { env: variables, stdio: 'ignore' })).toThrow();
    expect(await ask(theirs)).toMatchObject({ problem: expect.stringContaining('the servers had none') });
    expect(await ask(ours)).toEqual({ problem: `${url} has no such file (404)`, asked: true });
    const marker = statSync(join(cache, 'debuginfod_client', ours, 'debuginfo'));
    expect(() => execFileSync(find.path, ['debuginfo', ours], { env: variables, stdio: 'ignore' })).toThrow();
    expect(statSync(join(cache, 'debuginfod_client', ours, 'debuginfo')).mtimeMs).toBe(marker.mtimeMs);
  });
});
