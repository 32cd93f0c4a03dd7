/** Text to a file descriptor, all of it before the next line runs: output and errors keep their order. */

import { writeSync } from 'node:fs';

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
