/** HTTP GET (RFC 9110) with redirections followed. Nothing that a server says is believed but where it redirects to. */

import * as http from 'node:http';
import * as https from 'node:https';
import { messageOf } from '../../../base/errors.ts';

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
): Promise<http.IncomingMessage> {
  let url = parseUrl(address, address);
  for (let step = 0; step <= MOST_REDIRECTIONS; step++) {
    const answer = await request(url, headers, signal);
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

function request(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  const { request: send } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const asked = send(url, { headers: { ...headers, 'Accept-Encoding': 'identity' }, signal }, (answer) => {
      // Whoever reads the body hears of its errors; an answer that nobody reads has none.
      answer.on('error', () => undefined);
      resolve(answer);
    });
    asked.once('error', (error) => reject(new HttpProblem(connectionText(error))));
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
