/** Where in its code a task is: what a disassembly marks. */

import type { VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Task } from '../kernel/tasks.ts';
import type { Unwinder } from '../unwind/unwinder.ts';
import type { CurrentPlaces } from './disassembly.ts';
import { stackOfTask, walkStack } from './stack-walk.ts';

/** The places of a task's stack; none where it cannot be walked. */
export function currentPlaces(kernel: Kernel, unwinder: Unwinder, task: Task): CurrentPlaces {
  const exact = new Set<VirtAddr>();
  const returns = new Set<VirtAddr>();
  for (const frame of attempt(() => walkStack(unwinder, stackOfTask(kernel, task)).frames) ?? []) {
    if (frame.origin === 'scan') continue;
    if (frame.exact) exact.add(frame.ip);
    else returns.add(frame.ip);
  }
  return { exact, returns };
}
