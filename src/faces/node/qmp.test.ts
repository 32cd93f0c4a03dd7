/** QMP as it comes in: in pieces, between events, not at all, or as something else. */

import { createServer } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FakeQemu, greeting, type Answers } from '../../../test/builders/fake-qemu.ts';
import { parseQmpAddress, Qmp, QmpError, type QmpEvent } from './qmp.ts';

async function troubleOf(work: Promise<unknown>): Promise<{ trouble: string; message: string }> {
  try {
    await work;
  } catch (error) {
    if (error instanceof QmpError) return { trouble: error.trouble, message: error.message };
    throw error;
  }
  return { trouble: 'none', message: '' };
}

const connect = (qemu: FakeQemu, greetingLimit = 5_000): Promise<Qmp> =>
  Qmp.connect({ kind: 'unix', path: qemu.path }, { greetingLimit });

describe('an address', () => {
  it.each([
    ['qmp.sock', { kind: 'unix', path: 'qmp.sock' }],
    ['/run/a:1/qmp', { kind: 'unix', path: '/run/a:1/qmp' }],
    ['unix:/run/qmp,server=on,wait=off', { kind: 'unix', path: '/run/qmp' }],
    ['unix:a:1', { kind: 'unix', path: 'a:1' }],
    ['/run/with,comma', { kind: 'unix', path: '/run/with,comma' }],
    ['localhost:4444', { kind: 'tcp', host: 'localhost', port: 4444 }],
    [':4444', { kind: 'tcp', host: 'localhost', port: 4444 }],
    ['[::1]:4444', { kind: 'tcp', host: '::1', port: 4444 }],
    ['tcp:127.0.0.1:4444,server=on', { kind: 'tcp', host: '127.0.0.1', port: 4444 }],
    ['tcp:nothing', undefined],
    ['host:99999', { kind: 'unix', path: 'host:99999' }],
    ['', undefined],
  ])('%s', (text, address) => {
    expect(parseQmpAddress(text)).toEqual(address);
  });
});

describe('a QEMU that speaks QMP', () => {
  it('is greeted, negotiated with and asked', async () => {
    await using qemu = await FakeQemu.start();
    const qmp = await connect(qemu);
    expect(qmp.version).toBe('7.2.22');
    expect(await qmp.execute('query-status')).toEqual({ status: 'running', running: true });
    expect(qemu.commands()).toEqual(['qmp_capabilities', 'query-status']);
    qmp.close();
  });

  it('is understood in pieces of a byte, a character cut in two among them', async () => {
    await using server = await piecewise(Buffer.from(greeting), (id) =>
      Buffer.from(`{"return": "größe", "id": ${id}}\r\n`),
    );
    const qmp = await Qmp.connect({ kind: 'tcp', host: '127.0.0.1', port: server.port });
    expect(await qmp.execute('any')).toBe('größe');
    qmp.close();
  });

  it('may send events before, between and with answers', async () => {
    await using qemu = await FakeQemu.start({
      'query-status': (line) => {
        line.event('STOP', {});
        line.raw('{"event": "RESUME", "timestamp": {}}\r\n\r\n{"event": "BALLOON", "data": {"actual": 5}}\n');
        line.answer({ status: 'paused' });
        line.event('STOP', {});
      },
    });
    const qmp = await connect(qemu);
    const events: QmpEvent[] = [];
    qmp.onEvent((event) => events.push(event));
    expect(await qmp.execute('query-status')).toEqual({ status: 'paused' });
    await qmp.execute('query-dump');
    expect(events).toEqual([
      { name: 'STOP', data: {} },
      { name: 'RESUME', data: {} },
      { name: 'BALLOON', data: { actual: 5 } },
      { name: 'STOP', data: {} },
    ]);
    qmp.close();
  });

  it('may answer in another order: each answer finds its command', async () => {
    let late: (() => void) | undefined;
    await using qemu = await FakeQemu.start({
      first: (line) => (late = () => line.answer(1)),
      second: (line) => {
        line.answer(2);
        late?.();
      },
    });
    const qmp = await connect(qemu);
    expect(await Promise.all([qmp.execute('first'), qmp.execute('second')])).toEqual([1, 2]);
    qmp.close();
  });

  it('may refuse, with what a terminal would obey made harmless', async () => {
    await using qemu = await FakeQemu.start({ bad: (line) => line.refuse('no \u001b[2J way') });
    const qmp = await connect(qemu);
    const error = await qmp.execute('bad').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ trouble: 'refused', errorClass: 'GenericError', description: 'no \\x1b[2J way' });
    expect(await troubleOf(qmp.execute('nosuch'))).toMatchObject({ message: expect.stringContaining('nosuch') });
    qmp.close();
  });

  it('may not answer in time; a late answer is no answer to the next command', async () => {
    let answer: (() => void) | undefined;
    await using qemu = await FakeQemu.start({ slow: (line) => (answer = () => line.answer('late')) });
    const qmp = await connect(qemu);
    expect(await troubleOf(qmp.execute('slow', {}, 50))).toMatchObject({ trouble: 'silent' });
    answer?.();
    expect(await qmp.execute('query-status')).toMatchObject({ running: true });
    qmp.close();
  });
});

describe('what does not work is told apart', () => {
  const cases: readonly [string, Answers, string, string, RegExp][] = [
    ['never greets', {}, '', 'silent', /did not greet within 0.2 s.*\n.*one client/],
    ['speaks to people', {}, "QEMU 7.2.22 monitor - type 'help'\r\n(qemu) ", 'not-qmp', /monitor for people/],
    ['is a web server', {}, 'HTTP/1.1 400 Bad Request\r\n\r\n', 'not-qmp', /no QMP: "HTTP\/1.1 400/],
    ['sends other JSON', {}, '{"hello": 1}\n', 'not-qmp', /no QMP: "\{"hello/],
    ['sends a JSON list', {}, '[]\n', 'not-qmp', /no QMP/],
    ['sends half a greeting', {}, greeting.slice(0, 20), 'silent', /did not greet/],
    ['hangs up at once', { qmp_capabilities: (line) => line.hangUp() }, greeting, 'closed', /closed the connection/],
    [
      'refuses to negotiate',
      { qmp_capabilities: (line) => line.refuse('no') },
      greeting,
      'refused',
      /capabilities: no/,
    ],
    ['turns to nonsense', { qmp_capabilities: (line) => line.raw('{"ret\n') }, greeting, 'not-qmp', /no QMP: "\{"ret"/],
  ];
  it.each(cases)('a server that %s', async (_, answers, hello, trouble, message) => {
    await using qemu = await FakeQemu.start(answers, hello);
    const found = await troubleOf(connect(qemu, 200));
    expect(found.trouble).toBe(trouble);
    expect(found.message).toMatch(message);
  });

  it('a server that closes in the middle of an answer', async () => {
    await using qemu = await FakeQemu.start({
      half: (line) => {
        line.raw('{"return": {');
        setTimeout(() => line.hangUp(), 20);
      },
    });
    const qmp = await connect(qemu);
    expect(await troubleOf(qmp.execute('half'))).toMatchObject({ trouble: 'closed' });
    expect(await troubleOf(qmp.execute('query-status'))).toMatchObject({ trouble: 'closed' });
  });

  it('sockets that are not there, are no sockets, have nobody behind them, have too long a path', async () => {
    const qemu = await FakeQemu.start();
    const unix = (path: string): Promise<Qmp> => Qmp.connect({ kind: 'unix', path });
    const file = join(qemu.folder, 'file');
    writeFileSync(file, '');
    expect((await troubleOf(unix(`${qemu.path}x`))).message).toContain('there is no such socket');
    expect((await troubleOf(unix(file))).message).toContain('is no socket');
    expect((await troubleOf(unix(join(file, 'x')))).message).toContain('a part of the path is no folder');
    expect((await troubleOf(unix(join(qemu.folder, 'x'.repeat(120))))).message).toContain('107 bytes');
    const port = await freePort();
    const tcp = await troubleOf(Qmp.connect({ kind: 'tcp', host: '127.0.0.1', port }));
    expect(tcp).toMatchObject({ trouble: 'unreachable', message: expect.stringContaining('nobody listens there') });
    await qemu[Symbol.asyncDispose]();
  });

  it('is left at once where the user wants to leave', async () => {
    await using qemu = await FakeQemu.start({}, '');
    const leave = new AbortController();
    const work = Qmp.connect({ kind: 'unix', path: qemu.path }, { signal: leave.signal });
    setTimeout(() => leave.abort(), 20);
    expect(await troubleOf(work)).toMatchObject({ trouble: 'closed' });
  });
});

/** Sends everything byte by byte, each in a packet of its own. */
async function piecewise(hello: Buffer, answer: (id: number) => Buffer): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer({ noDelay: true }, (socket) => {
    const queue: number[] = [...hello];
    const timer = setInterval(() => {
      const byte = queue.shift();
      if (byte !== undefined) socket.write(Uint8Array.of(byte));
    }, 1);
    socket.on('data', (data) => queue.push(...answer((JSON.parse(data.toString()) as { id: number }).id)));
    socket.on('close', () => clearInterval(timer));
  });
  const port = await listen(server);
  return { port, [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    }),
  );
}

/** A port where nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
