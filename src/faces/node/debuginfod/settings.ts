/**
 * What the user's environment says of debuginfod: debuginfod-client-config(7), "ENVIRONMENT VARIABLES" and "CACHE".
 * Whatever is no number counts as zero, as it does there.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../../../base/host.ts';
import { debuginfodCache } from '../../../target/cache-folders.ts';
import { version } from '../version.ts';
import type { Environment } from './proxy.ts';

export interface Settings {
  /** The folder that all clients share; undefined where the user has no home. */
  readonly cache: string | undefined;
  /** A server that gives less than 100 KiB in this time is left. Undefined: no limit. */
  readonly timeoutMilliseconds: number | undefined;
  /** For a whole file. Undefined: no limit. */
  readonly longestMilliseconds: number | undefined;
  /** In bytes. Undefined: no limit of the user's. */
  readonly largestFile: number | undefined;
  /** How often is asked again where it failed otherwise than by "not found". */
  readonly retries: number;
  readonly verbose: boolean;
  /** How long "not found" holds. */
  readonly missMilliseconds: number;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the proxies, too. */
  readonly environment: Environment;
}

const DEFAULT_TIMEOUT = 90;
const DEFAULT_RETRIES = 2;
const DEFAULT_MISS = 600;

export function settingsOf(host: Host): Settings {
  const number = (name: string): number | undefined => {
    const text = host.environment(name);
    return text === undefined ? undefined : leadingNumber(text);
  };
  const limit = (value: number, unit: number): number | undefined => (value > 0 ? value * unit : undefined);
  const cache = debuginfodCache(host);
  const largestFile = limit(number('DEBUGINFOD_MAXSIZE') ?? 0, 1);
  return {
    cache,
    timeoutMilliseconds: limit(number('DEBUGINFOD_TIMEOUT') ?? DEFAULT_TIMEOUT, 1000),
    longestMilliseconds: limit(number('DEBUGINFOD_MAXTIME') ?? 0, 1000),
    largestFile,
    retries: Math.max(0, number('DEBUGINFOD_RETRY_LIMIT') ?? DEFAULT_RETRIES),
    verbose: host.environment('DEBUGINFOD_VERBOSE') !== undefined,
    missMilliseconds: missSeconds(cache) * 1000,
    environment: (name) => host.environment(name),
    headers: {
      'User-Agent': `vmscope/${version}`,
      ...(largestFile === undefined ? {} : { 'X-DEBUGINFOD-MAXSIZE': String(largestFile) }),
      ...headersIn(host.environment('DEBUGINFOD_HEADERS_FILE')),
    },
  };
}

/** The cache says itself how long: its file cache_miss_s. */
function missSeconds(cache: string | undefined): number {
  const text = cache === undefined ? undefined : textOf(join(cache, 'cache_miss_s'));
  return text !== undefined && /^\s*\d/.test(text) ? leadingNumber(text) : DEFAULT_MISS;
}

/** "Name: value", a line each. What is none is left out. */
function headersIn(path: string | undefined): Record<string, string> {
  const lines = path === undefined || path === '' ? [] : (textOf(path) ?? '').split(/\r?\n/);
  return Object.fromEntries(
    lines.flatMap((line): [string, string][] => {
      const [, name, value] = /^([\w-]+):\s*([\x20-\x7e]*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value.trim()]];
    }),
  );
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function leadingNumber(text: string): number {
  const value = Number.parseInt(text, 10);
  return Number.isSafeInteger(value) ? value : 0;
}
