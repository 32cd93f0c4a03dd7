/** A QMP server that does as QEMU does, or as a test wants: each command is answered by a function. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Json = Readonly<Record<string, unknown>>;

export interface Asked {
  readonly command: string;
  readonly args: Json;
}

/** One client's connection, as the answering functions see it. */
export interface Line {
  /** As it is, with no end of line. */
  raw(text: string): void;
  answer(value: unknown): void;
  refuse(description: string, errorClass?: string): void;
  event(name: string, data: Json): void;
  hangUp(): void;
}

export type Answers = Readonly<Record<string, (line: Line, args: Json) => void>>;

export const greeting = '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}}, "capabilities": []}}\r\n';

const usual: Answers = {
  qmp_capabilities: (line) => line.answer({}),
  'query-status': (line) => line.answer({ status: 'running', running: true }),
  'query-dump': (line) => line.answer({ status: 'none', completed: 0, total: 0 }),
  'query-dump-guest-memory-capability': (line) => line.answer({ formats: ['elf', 'kdump-zlib', 'win-dmp'] }),
  'query-memory-size-summary': (line) => line.answer({ 'base-memory': 4096, 'plugged-memory': 0 }),
};

export class FakeQemu implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'vmscope-qmp-'));
  readonly path = join(this.folder, 'qmp');
  readonly asked: Asked[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(answers: Answers, hello: string) {
    this.#server = createServer((socket) => this.#serve(socket, { ...usual, ...answers }, hello));
  }

  /** @param hello what a client is sent first */
  static async start(answers: Answers = {}, hello = greeting): Promise<FakeQemu> {
    const qemu = new FakeQemu(answers, hello);
    await new Promise<void>((resolve) => qemu.#server.listen(qemu.path, resolve));
    return qemu;
  }

  commands(): string[] {
    return this.asked.map(({ command }) => command);
  }

  /** As when the process is killed. */
  async die(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.die();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #serve(socket: Socket, answers: Answers, hello: string): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.write(hello);
    let unread = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (unread + text).split('\n');
      unread = lines.pop() ?? '';
      for (const line of lines) this.#obey(socket, answers, line);
    });
  }

  #obey(socket: Socket, answers: Answers, text: string): void {
    const { execute, arguments: args = {}, id } = JSON.parse(text) as { execute: string; arguments?: Json; id: number };
    this.asked.push({ command: execute, args });
    const send = (message: Json): unknown => socket.write(`${JSON.stringify(message)}\r\n`);
    const line: Line = {
      raw: (raw) => socket.write(raw),
      answer: (value) => send({ return: value, id }),
      refuse: (desc, errorClass = 'GenericError') => send({ id, error: { class: errorClass, desc } }),
      event: (event, data) => send({ timestamp: { seconds: 1, microseconds: 2 }, event, data }),
      hangUp: () => socket.destroy(),
    };
    const answer = answers[execute];
    if (answer === undefined) line.refuse(`The command ${execute} has not been found`, 'CommandNotFound');
    else answer(line, args);
  }
}
