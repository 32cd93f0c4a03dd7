/**
 * One answer of a server into the file in the cache: from its beginning, or behind what an interrupted transfer left
 * (RFC 9110 sections 13.1.5 and 14). Sizes that a server names only bound what is taken.
 */

import { closeSync, ftruncateSync, openSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { checkCancelled } from '../../../base/cancel.ts';
import { VmcoreError } from '../../../base/errors.ts';
import { looksLikeElf } from '../../../formats/elf/elf-file.ts';
import { sizeText } from '../amounts.ts';
import { systemMessage } from '../system-message.ts';
import { writeBytesFully } from '../write-fully.ts';
import type { CacheEntry } from './cache.ts';
import { connectionText, HttpProblem } from './http.ts';
import type { Answer } from './race.ts';

/** Larger than any kernel with its debug information. */
const LARGEST = 2 ** 34;
/** How many bytes of a file tell that it is an ELF file. */
const MAGIC_SIZE = 4;

/** The cache cannot take it: no server can help. */
export class CacheProblem extends Error {}

export interface DownloadLimits {
  /** In bytes. */
  readonly largestFile: number | undefined;
  /** Is told how far it is. The total is undefined where the server does not tell. */
  readonly progress: (done: number, total: number | undefined) => void;
}

/**
 * @throws HttpProblem where the server fails; what came until then can be gone on with
 * @throws CacheProblem where the file cannot be written
 */
export async function download(answer: Answer, entry: CacheEntry, limits: DownloadLimits): Promise<void> {
  const { response, question, watch } = answer;
  const begin = beginOf(response, entry);
  const length = lengthOf(response.headers['content-length']);
  const total = length === undefined ? lengthOf(response.headers['x-debuginfod-size']) : begin + length;
  const largest = Math.min(LARGEST, limits.largestFile ?? LARGEST);
  const tooLarge = (): HttpProblem => new HttpProblem(`gives a file of more than ${sizeText(largest)}`);
  if (total !== undefined && total > largest) {
    watch.cancel();
    throw tooLarge();
  }
  const validator = validatorOf(response);
  const file = openPartial(entry, begin);
  let at = begin;
  const brokeOff = (): HttpProblem => new HttpProblem(`broke off after ${sizeText(at)} of ${sizeText(total ?? at)}`);
  try {
    entry.setOrigin(validator === undefined ? undefined : { url: question.url, validator });
    for await (const piece of response as AsyncIterable<Uint8Array>) {
      watch.received(piece.length);
      if (at === 0 && piece.length >= MAGIC_SIZE && !looksLikeElf(piece)) throw new HttpProblem('gives no ELF file');
      if (at + piece.length > largest) throw tooLarge();
      write(file, piece, at);
      at += piece.length;
      limits.progress(at, total);
      checkCancelled();
    }
    if (total !== undefined && at < total) throw brokeOff();
  } catch (error) {
    throw failure(error, answer, brokeOff);
  } finally {
    watch.end();
    response.destroy();
    closeSync(file);
  }
}

/** Where in the file the answer begins. */
function beginOf(response: IncomingMessage, entry: CacheEntry): number {
  if (response.statusCode !== 206) return 0;
  const begun = entry.begun()?.size ?? 0;
  const [, start] = /^bytes (\d{1,15})-/.exec(response.headers['content-range'] ?? '') ?? [];
  if (Number(start) === begun) return begun;
  throw new HttpProblem('gives another part of the file than it was asked for');
}

function openPartial(entry: CacheEntry, begin: number): number {
  try {
    const file = openSync(entry.partial, begin === 0 ? 'w' : 'r+', 0o600);
    ftruncateSync(file, begin);
    return file;
  } catch (error) {
    throw new CacheProblem(`${entry.partial}: ${systemMessage(error)}`);
  }
}

function write(file: number, piece: Uint8Array, at: number): void {
  try {
    writeBytesFully(file, piece, at);
  } catch (error) {
    throw new CacheProblem(`the cache cannot take it: ${systemMessage(error)}`);
  }
}

function failure(error: unknown, { watch }: Answer, brokeOff: () => HttpProblem): unknown {
  if (watch.problem !== undefined) return watch.problem;
  // The errors of Node's streams have a code, and so have those of the engine, which are no fault of the server.
  if (!(error instanceof Error && 'code' in error) || error instanceof VmcoreError) return error;
  return error.code === 'ECONNRESET' ? brokeOff() : new HttpProblem(connectionText(error));
}

function lengthOf(header: string | readonly string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

/** A weak tag does not promise the same bytes. */
function validatorOf({ headers }: IncomingMessage): string | undefined {
  const { etag } = headers;
  return etag !== undefined && !etag.startsWith('W/') ? etag : headers['last-modified'];
}
