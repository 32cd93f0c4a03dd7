/** Bytes of an answer for a file of the user's: a new one, whole or not at all. */

import { rmSync, writeFileSync } from 'node:fs';
import { OpenError, UsageError } from '../../base/errors.ts';
import { systemMessage } from './system-message.ts';
import { userPath } from './user-path.ts';

/**
 * @throws UsageError where there is a file of that name
 * @throws OpenError where it cannot be written
 */
export function writeNewFile(name: string, bytes: Uint8Array): void {
  const path = userPath(name);
  try {
    writeFileSync(path, bytes, { flag: 'wx' });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST')
      throw new UsageError(`${path} is there already; it is not written over`);
    if (!(error instanceof Error && 'syscall' in error && error.syscall === 'open')) rmSync(path, { force: true });
    throw new OpenError(`cannot write ${path}: ${systemMessage(error)}`);
  }
}
