/**
 * HTTP GET (RFC 9110) with redirections followed, through the proxies that the user has. Nothing that a server says is
 * believed but where it redirects to.
 */

import * as http from 'node:http';
import * as https from 'node:https';
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { messageOf } from '../../../base/errors.ts';
import { proxyFor, proxyHeaders, type Environment } from './proxy.ts';

const MOST_REDIRECTIONS = 10;

/** Why a server gave nothing, for the user. */
export class HttpProblem extends Error {
  /** Undefined where there was no answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

/** @throws HttpProblem where there is no answer; any status is one */
export async function get(
  address: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  environment: Environment,
): Promise<http.IncomingMessage> {
  let url = parseUrl(address, address);
  for (let step = 0; step <= MOST_REDIRECTIONS; step++) {
    const answer = await request(url, headers, signal, proxyOf(url, environment));
    const { statusCode = 0 } = answer;
    const { location } = answer.headers;
    if (statusCode < 300 || statusCode >= 400 || location === undefined) return answer;
    answer.destroy();
    const next = parseUrl(location, url.href);
    if (url.protocol === 'https:' && next.protocol !== 'https:')
      throw new HttpProblem(`redirects from https to ${next.protocol.slice(0, -1)}`);
    url = next;
  }
  throw new HttpProblem('redirects without end');
}

function parseUrl(text: string, base: string): URL {
  let url: URL;
  try {
    url = new URL(text, base);
  } catch {
    throw new HttpProblem('is no address');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new HttpProblem(`${url.protocol.slice(0, -1)} is not spoken here, only http and https`);
  return url;
}

function proxyOf(url: URL, environment: Environment): URL | undefined {
  try {
    return proxyFor(url, environment);
  } catch {
    throw new HttpProblem('is behind a proxy whose address is none (http_proxy, https_proxy, all_proxy)');
  }
}

async function request(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  proxy: URL | undefined,
): Promise<http.IncomingMessage> {
  const options = { headers: { ...headers, 'Accept-Encoding': 'identity' }, signal };
  if (proxy === undefined)
    return answerTo(url.protocol === 'https:' ? https.request(url, options) : http.request(url, options));
  if (proxy.protocol !== 'http:')
    throw new HttpProblem(`is behind a proxy of a kind that is not spoken here: ${proxy.protocol}`);
  if (url.protocol === 'http:') {
    const whole = { ...options.headers, ...proxyHeaders(proxy), Host: url.host };
    return answerTo(http.request(proxy, { ...options, headers: whole, path: url.href }));
  }
  const socket = await tunnelTo(url, proxy, signal);
  const secure = { ...options, agent: false, createConnection: () => connect({ socket, servername: url.hostname }) };
  return answerTo(https.request(url, secure));
}

function answerTo(asked: http.ClientRequest): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    asked.once('response', (answer) => {
      // Whoever reads the body hears of its errors; an answer that nobody reads has none.
      answer.on('error', () => undefined);
      resolve(answer);
    });
    asked.once('error', (error) => reject(new HttpProblem(connectionText(error))));
    asked.end();
  });
}

/** Through a proxy to a server that it does not hear: RFC 9110 section 9.3.6. */
function tunnelTo(url: URL, proxy: URL, signal: AbortSignal): Promise<Duplex> {
  const place = `${url.hostname}:${url.port === '' ? '443' : url.port}`;
  return new Promise((resolve, reject) => {
    const headers = { ...proxyHeaders(proxy), Host: place };
    const asked = http.request(proxy, { method: 'CONNECT', path: place, headers, signal, agent: false });
    asked.once('connect', (answer, socket) => {
      if (answer.statusCode === 200) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(new HttpProblem(`is behind the proxy ${proxy.host}, which answers with status ${answer.statusCode ?? 0}`));
    });
    asked.once('error', (error) =>
      reject(new HttpProblem(`is behind the proxy ${proxy.host}, which ${connectionText(error)}`)),
    );
    asked.end();
  });
}

const connectionTexts: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such server',
  EAI_AGAIN: 'its address could not be looked up',
  ECONNREFUSED: 'refuses connections',
  ECONNRESET: 'closed the connection',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ETIMEDOUT: 'does not answer',
};

export function connectionText(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return connectionTexts[code] ?? messageOf(error);
}
