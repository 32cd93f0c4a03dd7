/**
 * Stopping a long command. A signal handler does not run while a synchronous loop does, so the face that runs the
 * engine in a worker shares one flag with it; long loops look at it through `checkCancelled` every thousand steps.
 */

import { Cancelled } from './errors.ts';

let flag: Int32Array | undefined;

/** Names the shared flag: element 0 is set to 1 by whoever wants the running command to stop. */
export function watchCancelFlag(shared: Int32Array): void {
  flag = shared;
}

/** Throws Cancelled where the running command was asked to stop. */
export function checkCancelled(): void {
  if (flag !== undefined && Atomics.load(flag, 0) !== 0) throw new Cancelled();
}
