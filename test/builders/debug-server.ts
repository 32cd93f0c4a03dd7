/** A web server on the loopback interface that answers as a test says, and remembers what it was asked. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

export class DebugServer implements AsyncDisposable {
  readonly requests: IncomingMessage[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly url: string;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** @param answers to the first request, the second …; the last one to all others */
  static async start(...answers: readonly Answer[]): Promise<DebugServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const own = new DebugServer(server, typeof address === 'object' && address !== null ? address.port : 0);
    server.on('connection', (socket) => {
      own.#sockets.add(socket);
      socket.once('close', () => own.#sockets.delete(socket));
    });
    server.on('request', (request, response) => {
      const answer = answers[Math.min(own.requests.length, answers.length - 1)];
      own.requests.push(request);
      answer?.(response, request);
    });
    return own;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export const LAST_MODIFIED = 'Thu, 26 Nov 2026 17:12:56 GMT';

/** A file, or the part of it that is asked for where it is still the same. */
export function gives(file: Uint8Array, headers: Readonly<Record<string, string>> = {}): Answer {
  return (response, request) => {
    const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    const from = request.headers['if-range'] === LAST_MODIFIED && start !== undefined ? Number(start) : 0;
    response.writeHead(from > 0 ? 206 : 200, {
      'Content-Length': file.length - from,
      'Last-Modified': LAST_MODIFIED,
      ...(from > 0 ? { 'Content-Range': `bytes ${from}-${file.length - 1}/${file.length}` } : {}),
      ...headers,
    });
    response.end(file.subarray(from));
  };
}

/** As much of a file, then the connection is closed. */
export function givesPart(file: Uint8Array, length: number): Answer {
  return (response) => {
    response.writeHead(200, { 'Content-Length': file.length, 'Last-Modified': LAST_MODIFIED });
    response.write(file.subarray(0, length), () => setTimeout(() => response.destroy(), 20));
  };
}

export function says(status: number, headers: Readonly<Record<string, string>> = {}, body = 'no'): Answer {
  return (response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
}

/** The connection stays open, and nothing comes. */
export const stalls: Answer = () => undefined;
