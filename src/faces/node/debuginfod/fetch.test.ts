/** A debug file from servers that are what they should be, and from others: they stall, lie, break off, send anything. */

import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { debugFile } from '../../../../test/builders/debug-file.ts';
import {
  DebugServer,
  gives,
  givesPart,
  LAST_MODIFIED,
  says,
  stalls,
  type Answer,
} from '../../../../test/builders/debug-server.ts';
import { memoryHost } from '../../../../test/builders/host.ts';
import type { FetchedFile } from '../../../base/host.ts';
import { fetchDebugFile } from './fetch.ts';

const ID = 'ab'.repeat(20);
const file = debugFile({ buildId: ID, padding: 300_000 });
const otherBuild = debugFile({ buildId: 'cd'.repeat(20), padding: 300_000 });

let cache = '';
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'vmscope-debuginfod-'));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

let said = '';
function fetchFrom(
  servers: readonly (DebugServer | string)[],
  environment: Readonly<Record<string, string>> = {},
  buildId = ID,
): Promise<FetchedFile> {
  const variables: Record<string, string> = {
    DEBUGINFOD_CACHE_PATH: cache,
    DEBUGINFOD_RETRY_LIMIT: '0',
    ...environment,
  };
  const host = { ...memoryHost(), environment: (name: string) => variables[name] };
  said = '';
  return fetchDebugFile(
    buildId,
    servers.map((server) => (typeof server === 'string' ? server : server.url)),
    host,
    { isTerminal: false, columns: undefined, write: (text) => (said += text) },
  );
}

const cached = (): string => join(cache, ID, 'debuginfo');
const inCache = (): string[] => (existsSync(join(cache, ID)) ? readdirSync(join(cache, ID)) : []);

function expectWhole(fetched: FetchedFile): void {
  expect(fetched).toEqual({ path: cached() });
  expect(readFileSync(cached()).equals(file)).toBe(true);
  expect(inCache()).toEqual(['debuginfo']);
}

async function problemOf(
  answers: readonly Answer[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  await using server = await DebugServer.start(...answers);
  const fetched = await fetchFrom([server], environment);
  return 'problem' in fetched ? fetched.problem.replace(server.url, 'SERVER') : `fetched ${fetched.path}`;
}

describe('a debug file', () => {
  it('is asked for by its build-id, and kept where every client finds it', async () => {
    await using server = await DebugServer.start(gives(file));
    expectWhole(await fetchFrom([`${server.url}/`]));
    expect(server.requests.map(({ url }) => url)).toEqual([`/buildid/${ID}/debuginfo`]);
    expect(statSync(cached()).mode & 0o777).toBe(0o400);
    expect(statSync(join(cache, ID)).mode & 0o777).toBe(0o700);
    expect(said).toBe(`vmscope: fetching the debug file of build-id ${ID} from ${server.url}/\n`);
  });

  it('comes from the first of several servers that has it', async () => {
    await using none = await DebugServer.start(says(404));
    await using slow = await DebugServer.start(stalls);
    await using good = await DebugServer.start(gives(file));
    expectWhole(await fetchFrom([none, slow, 'http://127.0.0.1:1', good]));
  });

  it('may be behind redirections', async () => {
    await using server = await DebugServer.start(says(302, { Location: '/elsewhere' }), gives(file));
    expectWhole(await fetchFrom([server]));
    expect(server.requests.map(({ url }) => url)).toEqual([`/buildid/${ID}/debuginfo`, '/elsewhere']);
  });

  it('is asked for with what the user wants to be sent', async () => {
    const headers = join(cache, 'headers');
    writeFileSync(headers, 'X-Token: secret\n\nno header at all\n');
    await using server = await DebugServer.start(gives(file));
    await fetchFrom([server], { DEBUGINFOD_HEADERS_FILE: headers, DEBUGINFOD_MAXSIZE: '9000000' });
    expect(server.requests[0]?.headers).toMatchObject({
      'x-token': 'secret',
      'x-debuginfod-maxsize': '9000000',
      'accept-encoding': 'identity',
    });
  });
});

describe('behind a proxy', () => {
  it('a server is asked through it', async () => {
    await using proxy = await DebugServer.start(gives(file));
    const address = proxy.url.replace('//', '//me:pass%20word@');
    expectWhole(await fetchFrom(['http://debug.example/files'], { http_proxy: address }));
    expect(proxy.requests[0]?.url).toBe(`http://debug.example/files/buildid/${ID}/debuginfo`);
    expect(proxy.requests[0]?.headers).toMatchObject({
      host: 'debug.example',
      'proxy-authorization': `Basic ${Buffer.from('me:pass word').toString('base64')}`,
    });
  });

  it('but not where the user has excepted it', async () => {
    await using server = await DebugServer.start(gives(file));
    for (const exceptions of ['127.0.0.1', 'example.org, .0.0.1', '*']) {
      expectWhole(await fetchFrom([server], { all_proxy: 'http://127.0.0.1:1', no_proxy: exceptions }));
      rmSync(cached());
    }
    expect(await fetchFrom([server], { all_proxy: 'http://127.0.0.1:1', no_proxy: '0.0.2' })).toMatchObject({
      problem: expect.stringContaining('refuses connections'),
    });
  });

  it('what stands against it is said', async () => {
    await using proxy = await DebugServer.start(says(200));
    const problem = async (variable: string): Promise<string> => {
      const fetched = await fetchFrom(['https://debug.example'], { https_proxy: variable });
      return 'problem' in fetched ? fetched.problem.replace('https://debug.example is behind ', '') : '';
    };
    expect(await problem('http://127.0.0.1:1')).toBe('the proxy 127.0.0.1:1, which refuses connections');
    expect(await problem(proxy.url)).toMatch(/^the proxy 127\.0\.0\.1:\d+, which closed the connection$/);
    expect(await problem('socks5://127.0.0.1:1')).toBe('a proxy of a kind that is not spoken here: socks5:');
    expect(await problem('http://[')).toContain('whose address is none');
  });
});

describe('a transfer that breaks off', () => {
  it('is gone on with where the server can', async () => {
    await using server = await DebugServer.start(givesPart(file, 120_000), gives(file));
    expectWhole(await fetchFrom([server], { DEBUGINFOD_RETRY_LIMIT: '1' }));
    expect(server.requests[1]?.headers).toMatchObject({ range: 'bytes=120000-', 'if-range': LAST_MODIFIED });
  });

  it('is gone on with by the next run, and by another process when ours has died', async () => {
    await using server = await DebugServer.start(givesPart(file, 120_000), givesPart(file, 150_000), gives(file));
    expect(await fetchFrom([server])).toMatchObject({
      problem: expect.stringMatching(/ broke off after 117 KiB of \d+ KiB$/),
    });
    const [part = '', origin = ''] = inCache().toSorted();
    expect([part, origin]).toEqual([expect.stringMatching(/^debuginfo\.vmscope-.*-\d+$/), `${part}.from`]);
    // As another process would have left it.
    const dead = spawnSync('true').pid;
    const renamed = (name: string): string => join(cache, ID, name.replace(`-${process.pid}`, `-${dead}`));
    for (const name of [part, origin]) {
      writeFileSync(renamed(name), readFileSync(join(cache, ID, name)));
      rmSync(join(cache, ID, name));
    }
    await fetchFrom([server]);
    expect(server.requests[1]?.headers.range).toBe('bytes=120000-');
    expectWhole(await fetchFrom([server]));
  });

  it('begins anew where the server cannot, or has another file by now', async () => {
    const whole: Answer = (response) => {
      response.writeHead(200, { 'Content-Length': file.length });
      response.end(file);
    };
    await using server = await DebugServer.start(givesPart(otherBuild, 120_000), whole);
    expectWhole(await fetchFrom([server], { DEBUGINFOD_RETRY_LIMIT: '1' }));
    await using strange = await DebugServer.start(givesPart(file, 120_000), says(416), gives(file));
    rmSync(cached());
    expectWhole(await fetchFrom([strange], { DEBUGINFOD_RETRY_LIMIT: '2' }));
    expect(strange.requests.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=120000-', undefined]);
  });

  it('is not joined with another part than the one that is missing', async () => {
    const elsewhere: Answer = (response) => {
      response.writeHead(206, { 'Content-Range': `bytes 5-${file.length - 1}/${file.length}` });
      response.end(file.subarray(5));
    };
    const problem = await problemOf([givesPart(file, 120_000), elsewhere], { DEBUGINFOD_RETRY_LIMIT: '1' });
    expect(problem).toBe('SERVER gives another part of the file than it was asked for');
    expect(existsSync(cached())).toBe(false);
  });
});

describe('a server that is not believed', () => {
  it.each<[string, Answer, string]>([
    ['of another build', gives(otherBuild), `gives a file of another build (build-id ${'cd'.repeat(20)})`],
    ['without a build-id', gives(debugFile({ buildId: '' })), 'gives a file of another build (build-id none)'],
    ['a page', says(200, { 'Content-Type': 'text/html' }, '<html>please log in</html>'), 'gives no ELF file'],
    ['nothing', says(200, {}, ''), 'gives no ELF file'],
    ['cut off', gives(file.subarray(0, file.length - 100)), 'gives a file that is cut off'],
    ['packed', gives(file, { 'Content-Encoding': 'gzip' }), 'sends it packed (gzip), which was not asked for'],
  ])('%s', async (_, answer, problem) => {
    expect(await problemOf([answer])).toBe(`SERVER ${problem}`);
    expect(inCache().filter((name) => name === 'debuginfo')).toEqual([]);
  });

  it('does not keep another from being asked', async () => {
    await using liar = await DebugServer.start(gives(otherBuild));
    await using good = await DebugServer.start(says(503), gives(file));
    expectWhole(await fetchFrom([liar, good], { DEBUGINFOD_RETRY_LIMIT: '1' }));
    expect(liar.requests).toHaveLength(1);
  });

  it('redirects in a circle, to a file, or to nowhere', async () => {
    expect(await problemOf([says(302, { Location: `/buildid/${ID}/debuginfo` })])).toBe('SERVER redirects without end');
    expect(await problemOf([says(302, { Location: 'file:///etc/passwd' })])).toContain('file is not spoken here');
    expect(await problemOf([says(301, { Location: 'http://[bad' })])).toBe('SERVER is no address');
    expect(await problemOf([says(302)])).toBe('SERVER answers with status 302');
  });

  it('names sizes that are none, or too large', async () => {
    const raw =
      (head: string, body: Uint8Array | string = file): Answer =>
      (response) => {
        response.socket?.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n`);
        response.socket?.end(body);
      };
    expect(await problemOf([raw('Content-Length: many')])).toMatch(/^SERVER .*Content-Length/);
    expect(await problemOf([raw('Content-Length: -5')])).toMatch(/^SERVER .*Content-Length/);
    expect(await problemOf([raw(`Content-Length: ${file.length * 2}`)])).toMatch(/^SERVER broke off after/);
    expect(await problemOf([raw('Content-Length: 99999999999999')])).toBe('SERVER gives a file of more than 16.0 GiB');
    expect(await problemOf([raw('no header')])).toMatch(/^SERVER /);
    const limit = { DEBUGINFOD_MAXSIZE: '100000' };
    expect(await problemOf([gives(file)], limit)).toBe('SERVER gives a file of more than 97.7 KiB');
    expect(await problemOf([raw('X-DEBUGINFOD-SIZE: 5')], limit)).toBe('SERVER gives a file of more than 97.7 KiB');
    expect(await problemOf([says(406)], limit)).toContain('larger than $DEBUGINFOD_MAXSIZE');
  });
});

describe('a server that is too slow', () => {
  it('is left when it gives less than 100 KiB in the time that is allowed', async () => {
    const drips: Answer = (response) => {
      response.writeHead(200, { 'Content-Length': file.length });
      response.write(file.subarray(0, 64));
    };
    for (const answer of [stalls, drips])
      expect(await problemOf([answer], { DEBUGINFOD_TIMEOUT: '1' })).toBe(
        'SERVER gave less than 100 KiB within 1 s ($DEBUGINFOD_TIMEOUT)',
      );
  });

  it('is not asked again when it did not answer at all', async () => {
    await using server = await DebugServer.start(stalls);
    await fetchFrom([server], { DEBUGINFOD_TIMEOUT: '1', DEBUGINFOD_RETRY_LIMIT: '5' });
    expect(server.requests).toHaveLength(1);
  });

  it('is left when the whole takes longer than the user wants', async () => {
    const problem = await problemOf([stalls], {
      DEBUGINFOD_MAXTIME: '1',
      DEBUGINFOD_TIMEOUT: '0',
      DEBUGINFOD_RETRY_LIMIT: '9',
    });
    expect(problem).toMatch(/^not fetched within 1 s \(\$DEBUGINFOD_MAXTIME\)/);
  });
});

describe('what no server has', () => {
  it('is remembered as other clients do, for as long as the cache says', async () => {
    await using server = await DebugServer.start(says(404), gives(file));
    expect(await fetchFrom([server])).toEqual({ problem: `${server.url} has no such file (404)`, asked: true });
    expect(inCache()).toEqual(['debuginfo']);
    expect(statSync(cached()).size).toBe(0);
    expect(await fetchFrom([server])).toMatchObject({ problem: expect.stringContaining('the servers had none') });
    expect(server.requests).toHaveLength(1);
    writeFileSync(join(cache, 'cache_miss_s'), '5');
    const longAgo = Date.now() / 1000 - 60;
    utimesSync(cached(), longAgo, longAgo);
    expectWhole(await fetchFrom([server]));
  });

  it('is asked for again where a server failed otherwise, and is not remembered', async () => {
    expect(await problemOf([says(503)], { DEBUGINFOD_RETRY_LIMIT: '2' })).toBe('SERVER is not available now (503)');
    expect(inCache()).toEqual([]);
    await using server = await DebugServer.start(says(503), says(500), gives(file));
    expectWhole(await fetchFrom([server], { DEBUGINFOD_RETRY_LIMIT: '2' }));
  });

  it('is told of every server', async () => {
    await using none = await DebugServer.start(says(404));
    const { problem = '' } = (await fetchFrom([none, 'http://127.0.0.1:1', 'ftp://127.0.0.1'])) as { problem?: string };
    expect(problem.split('; ').toSorted()).toEqual(
      [
        `${none.url} has no such file (404)`,
        'ftp://127.0.0.1 ftp is not spoken here, only http and https',
        'http://127.0.0.1:1 refuses connections',
      ].toSorted(),
    );
    expect(inCache()).toEqual([]);
  });
});

describe('nothing is asked', () => {
  it('of what is no build-id: it would become a path', async () => {
    for (const id of ['../../etc', 'ab/cd', '', 'AB'])
      expect(await fetchFrom(['http://127.0.0.1:1'], {}, id)).toMatchObject({
        problem: expect.stringContaining('is no build-id'),
      });
    expect(readdirSync(cache)).toEqual([]);
  });

  it('without a place for the answer', async () => {
    expect(await fetchFrom(['http://127.0.0.1:1'], { DEBUGINFOD_CACHE_PATH: '' })).toMatchObject({
      problem: expect.stringContaining('$HOME is not set'),
    });
    writeFileSync(join(cache, 'file'), '');
    expect(await fetchFrom(['http://127.0.0.1:1'], { DEBUGINFOD_CACHE_PATH: join(cache, 'file') })).toMatchObject({
      problem: expect.stringContaining(join(cache, 'file')),
    });
  });
});
