/**
 * What the kernel itself keeps of a panic: the CPU it happened on. kernel/panic.c, kernel/crash_core.c.
 *
 * `panic_cpu` is −1 where nothing panicked; since 7.x the CPU that panics may have been chosen by the administrator
 * (panic_force_cpu), and the one where the fault was is kept in `panic_redirect_cpu`.
 */

import { attempt } from '../base/errors.ts';
import type { Kernel } from './kernel.ts';

export interface PanicCpus {
  /** Undefined where nothing panicked, or the kernel does not say. */
  readonly panicCpu: number | undefined;
  /** The CPU that loaded the capture kernel; undefined where none did. */
  readonly crashingCpu: number | undefined;
}

export function readPanicCpus(kernel: Kernel): PanicCpus {
  return {
    panicCpu: cpuVariable(kernel, 'panic_redirect_cpu') ?? cpuVariable(kernel, 'panic_cpu'),
    crashingCpu: cpuVariable(kernel, 'crashing_cpu'),
  };
}

/** An int or atomic_t with a CPU in it, −1 for none. */
function cpuVariable(kernel: Kernel, name: string): number | undefined {
  const value = attempt(() => kernel.memory.s32(kernel.symbol(name)));
  return value === undefined || value < 0 ? undefined : value;
}
