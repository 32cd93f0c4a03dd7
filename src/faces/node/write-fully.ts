/** Text to a file descriptor, all of it before the next line runs: output and errors keep their order. */

import { writeSync } from 'node:fs';
import { OpenError } from '../../base/errors.ts';
import { escapeControl } from '../../render/text/escape.ts';
import { systemMessage } from './system-message.ts';

const RETRY_MILLISECONDS = 2;

/** False where nobody reads any more (EPIPE). */
export function writeFully(descriptor: number, text: string): boolean {
  const bytes = new TextEncoder().encode(text);
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EPIPE') return false;
      if (code !== 'EAGAIN') throw error;
      // Somebody who shares the pipe made it non-blocking, and it is full.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MILLISECONDS);
    }
  }
  return true;
}

/** Bytes at a position of a file. */
export function writeBytesFully(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
}

/** Standard output did not take what we wrote: what comes after need not be tried. */
export class OutputError extends OpenError {}

/**
 * Text to standard output or standard error. False where nobody reads any more.
 * @throws OutputError where it cannot be written
 */
export function writeStandard(descriptor: 1 | 2, text: string): boolean {
  try {
    return writeFully(descriptor, text);
  } catch (error) {
    throw new OutputError(`${descriptor === 1 ? 'stdout' : 'stderr'}: ${systemMessage(error)}`);
  }
}

/**
 * A message to standard error. Names in it may be a stranger's: what a terminal would obey is shown, not sent. Where it
 * cannot be written there is nobody left to tell.
 */
export function complain(message: string): void {
  try {
    writeFully(2, `${escapeControl(message)}\n`);
  } catch {
    // Nothing is left to do.
  }
}

/** Text to standard output as the whole answer of a program: gives its exit status. */
export function tell(text: string): 0 | 1 {
  try {
    writeStandard(1, text);
    return 0;
  } catch (error) {
    if (!(error instanceof OutputError)) throw error;
    complain(`vmscope: ${error.message}`);
    return 1;
  }
}
