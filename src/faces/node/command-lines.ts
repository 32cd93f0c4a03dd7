/** Lines of commands: from the command line, from files, from standard input as they come. */

import { readFileSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { OpenError } from '../../base/errors.ts';
import type { CommandSource } from './arguments.ts';
import { systemMessage } from './system-message.ts';

const STANDARD_INPUT = 0;
const BUFFER_SIZE = 1 << 16;
const RETRY_MILLISECONDS = 5;

/** Throws OpenError where a file cannot be read. */
export function linesOfSources(sources: readonly CommandSource[]): readonly string[] {
  return sources.flatMap((source) => {
    if (source.kind === 'text') return source.text.split('\n');
    try {
      return readFileSync(source.path, 'utf8').split(/\r?\n/);
    } catch (error) {
      throw new OpenError(`${source.path}: ${systemMessage(error)}`);
    }
  });
}

/** A line is given as soon as it is whole: a program that talks to us through a pipe gets its answer. */
export function* linesOfStandardInput(): Generator<string, void, void> {
  const buffer = new Uint8Array(BUFFER_SIZE);
  const decoder = new StringDecoder();
  let rest = '';
  for (;;) {
    const count = readSome(buffer);
    if (count === 0) break;
    const lines = (rest + decoder.write(buffer.subarray(0, count))).split(/\r?\n/);
    rest = lines.pop() ?? '';
    yield* lines;
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
}

function readSome(buffer: Uint8Array): number {
  for (;;) {
    try {
      return readSync(STANDARD_INPUT, buffer, 0, buffer.length, null);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw new OpenError(`standard input: ${systemMessage(error)}`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MILLISECONDS);
    }
  }
}
