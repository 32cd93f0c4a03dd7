/**
 * Speaks QMP, QEMU's control protocol: one JSON object a line over a stream socket, a greeting first, events between
 * the answers (docs/interop/qmp-spec.rst in the QEMU tree). QEMU serves one client a socket: a second one is connected,
 * but never greeted, so everything here has a time limit.
 */

import { lstatSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { messageOf, OpenError } from '../../base/errors.ts';
import { escapeLine } from '../../render/text/escape.ts';
import { systemMessage } from './system-message.ts';

export type QmpAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

export type JsonObject = Readonly<Record<string, unknown>>;

export interface QmpEvent {
  readonly name: string;
  readonly data: JsonObject;
}

export type QmpTrouble =
  /** There is no socket, nobody listens, it may not be used. */
  | 'unreachable'
  /** No greeting or no answer in time. */
  | 'silent'
  /** What came is no QMP. */
  | 'not-qmp'
  /** The connection ended. */
  | 'closed'
  /** QEMU answered with an error. */
  | 'refused';

/** Why QEMU could not be asked, or what it answered instead. */
export class QmpError extends OpenError {
  readonly trouble: QmpTrouble;
  /** Of a refusal: QEMU's own words. */
  readonly description: string;
  /** Of a refusal: CommandNotFound, GenericError … */
  readonly errorClass: string;

  constructor(trouble: QmpTrouble, message: string, description = '', errorClass = '') {
    super(message);
    this.trouble = trouble;
    this.description = description;
    this.errorClass = errorClass;
  }
}

const GREETING_LIMIT = 5_000;
const ANSWER_LIMIT = 30_000;
/** sizeof(sockaddr_un.sun_path) less its zero; Node cuts a longer path off and connects to what that names. */
const LONGEST_SOCKET_PATH = 107;
/** No answer is as long: what sends more without an end of line is no QEMU. */
const LONGEST_LINE = 1 << 24;

export interface ConnectOptions {
  /** In milliseconds. */
  readonly greetingLimit?: number;
  /** Closes the connection, at any time. */
  readonly signal?: AbortSignal;
}

interface Waiting {
  readonly command: string;
  resolve(value: unknown): void;
  reject(error: QmpError): void;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function stringOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

/** `PATH`, `HOST:PORT`, or either as QEMU's own option has it: `unix:PATH,server=on`, `tcp:HOST:PORT`. */
export function parseQmpAddress(text: string): QmpAddress | undefined {
  const [, scheme, rest = ''] = /^(?:(unix|tcp):)?([^]*)$/.exec(text) ?? [];
  const name = scheme === undefined ? rest : rest.replace(/,.*$/s, '');
  const [, host = '', digits = ''] = /^(.*):(\d{1,5})$/.exec(name) ?? [];
  const port = Number(digits);
  const isPort = digits !== '' && port > 0 && port < 0x10000;
  if (scheme !== 'unix' && isPort && !host.includes('/'))
    return { kind: 'tcp', host: host.replace(/^\[(.*)\]$/, '$1') || 'localhost', port };
  return scheme === 'tcp' || name === '' ? undefined : { kind: 'unix', path: name };
}

/** The address as the user would write it. */
export function addressText(address: QmpAddress): string {
  if (address.kind === 'unix') return escapeLine(address.path);
  return escapeLine(`${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`);
}

export class Qmp {
  readonly #socket: Socket;
  readonly #name: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners: ((event: QmpEvent) => void)[] = [];
  #greeted: ((version: string) => void) | undefined;
  #ended: QmpError | undefined;
  #onEnd: ((error: QmpError) => void) | undefined;
  #unread = '';
  #lastId = 0;
  /** Of QEMU: "7.2.22". */
  version = '';

  private constructor(address: QmpAddress) {
    this.#name = addressText(address);
    this.#socket = createConnection(address.kind === 'unix' ? { path: address.path } : address);
    this.#socket.setEncoding('utf8');
    this.#socket.on('data', (text: string) => this.#take(text));
    this.#socket.on('error', (error) => this.#end(connectionError(address, error)));
    this.#socket.on('close', () => this.#end(this.#closedError()));
  }

  /**
   * Connects, waits for the greeting and ends the negotiation.
   * @throws QmpError
   */
  static async connect(
    address: QmpAddress,
    { greetingLimit = GREETING_LIMIT, signal }: ConnectOptions = {},
  ): Promise<Qmp> {
    if (address.kind === 'unix' && Buffer.byteLength(address.path) > LONGEST_SOCKET_PATH) {
      throw new QmpError(
        'unreachable',
        `${escapeLine(address.path)}: the path of a socket may have ${LONGEST_SOCKET_PATH} bytes at most; go to its folder and name it from there, or make a short link to it`,
      );
    }
    const qmp = new Qmp(address);
    signal?.addEventListener('abort', () => qmp.close());
    try {
      qmp.version = await qmp.#greeting(greetingLimit);
      await qmp.execute('qmp_capabilities');
      return qmp;
    } catch (error) {
      qmp.close();
      throw error;
    }
  }

  /**
   * What QEMU returns to one command.
   * @param limit in milliseconds
   * @throws QmpError
   */
  execute(command: string, args?: JsonObject, limit = ANSWER_LIMIT): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = Number.isFinite(limit)
        ? setTimeout(() => settle(() => reject(this.#silentError(command, limit))), limit)
        : undefined;
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        how();
      };
      this.#waiting.set(id, {
        command,
        resolve: (value) => settle(() => resolve(value)),
        reject: (error) => settle(() => reject(error)),
      });
      this.#socket.write(`${JSON.stringify({ execute: command, ...(args && { arguments: args }), id })}\n`);
    });
  }

  onEvent(listener: (event: QmpEvent) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#socket.destroy();
  }

  #greeting(limit: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#notGreeted(limit)), limit);
      this.#greeted = (version) => {
        clearTimeout(timer);
        this.#greeted = undefined;
        this.#onEnd = undefined;
        resolve(version);
      };
      this.#onEnd = (error) => {
        clearTimeout(timer);
        reject(error);
      };
    });
  }

  #take(text: string): void {
    const lines = (this.#unread + text).split('\n');
    this.#unread = lines.pop() ?? '';
    if (this.#unread.length > LONGEST_LINE) this.#end(this.#notQmp(this.#unread));
    for (const line of lines) {
      if (this.#ended !== undefined) return;
      if (line.trim() !== '') this.#takeLine(line);
    }
  }

  #takeLine(line: string): void {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      // Told below.
    }
    if (!isObject(message)) return this.#end(this.#notQmp(line));
    if (this.#greeted !== undefined) {
      if (!isObject(message['QMP'])) return this.#end(this.#notQmp(line));
      return this.#greeted(versionOf(message['QMP']));
    }
    if (typeof message['event'] === 'string') {
      const event = { name: message['event'], data: isObject(message['data']) ? message['data'] : {} };
      for (const listener of this.#listeners) listener(event);
      return;
    }
    this.#takeAnswer(message);
  }

  /** An answer without an id is to the oldest command: QEMU could not read that one. */
  #takeAnswer(message: JsonObject): void {
    const id = typeof message['id'] === 'number' ? message['id'] : this.#waiting.keys().next().value;
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (waiting === undefined) return;
    const error = message['error'];
    if (!isObject(error)) return waiting.resolve(message['return']);
    const description = escapeLine(stringOr(error['desc'], 'no reason is given'));
    waiting.reject(
      new QmpError(
        'refused',
        `QEMU refuses ${waiting.command}: ${description}`,
        description,
        stringOr(error['class'], ''),
      ),
    );
  }

  #end(error: QmpError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#socket.destroy();
    this.#onEnd?.(error);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
  }

  #closedError(): QmpError {
    return new QmpError('closed', `${this.#name}: QEMU closed the connection`);
  }

  #silentError(command: string, limit: number): QmpError {
    return new QmpError('silent', `${this.#name}: QEMU did not answer ${command} within ${limit / 1000} s`);
  }

  #notGreeted(limit: number): QmpError {
    return new QmpError(
      'silent',
      [
        `${this.#name}: QEMU did not greet within ${limit / 1000} s.`,
        'It serves one client a socket at a time: another one (libvirt, socat, another vmscope) may be connected.',
        'End that one, or use another socket (QEMU takes several -qmp options), or its monitor (docs/capture.md).',
        'QEMU is silent, too, while it writes a dump that was not detached, while its process is stopped, and where',
        'the socket is not for QMP (a guest agent).',
      ].join('\n'),
    );
  }

  #notQmp(line: string): QmpError {
    const human = /^QEMU \S+ monitor/.test(line);
    const begin = escapeLine(line.trim().slice(0, 60));
    return new QmpError(
      'not-qmp',
      human
        ? `${this.#name}: this is QEMU's monitor for people, not QMP: start QEMU with -qmp, or type at that monitor: dump-guest-memory FILE`
        : `${this.#name}: what answers is no QMP: "${begin}"`,
    );
  }
}

function versionOf(greeting: JsonObject): string {
  const version = isObject(greeting['version']) ? greeting['version']['qemu'] : undefined;
  if (!isObject(version)) return 'of unknown version';
  return [version['major'], version['minor'], version['micro']].map(String).join('.');
}

function connectionError(address: QmpAddress, error: Error): QmpError {
  const name = addressText(address);
  const code = 'code' in error ? error.code : undefined;
  const unreachable = (text: string): QmpError => new QmpError('unreachable', `${name}: ${text}`);
  if (code === 'EPIPE' || code === 'ECONNRESET') return new QmpError('closed', `${name}: QEMU closed the connection`);
  if (code === 'EAGAIN')
    return new QmpError('silent', `${name}: is busy: other clients wait already, and QEMU serves one at a time`);
  if (address.kind === 'tcp') {
    if (code === 'ECONNREFUSED') return unreachable('nobody listens there: does QEMU run, with -qmp tcp:…,server=on?');
    if (code === 'ENOTFOUND') return unreachable('there is no such host');
    return unreachable(messageOf(error));
  }
  if (code === 'ENOENT')
    return unreachable(`there is no such socket: does QEMU run, with -qmp unix:${name},server=on,wait=off?`);
  if (code === 'ECONNREFUSED')
    return unreachable(isSocket(address.path) ? 'nobody listens: the QEMU that made it has ended' : 'is no socket');
  if (code === 'EACCES')
    return unreachable("permission denied: the socket is for QEMU's user and root; try it with sudo");
  return unreachable(systemMessage(error));
}

function isSocket(path: string): boolean {
  try {
    return lstatSync(path).isSocket() || lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}
