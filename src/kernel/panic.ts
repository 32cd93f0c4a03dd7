/**
 * What the kernel itself keeps of a panic: the CPU it happened on. kernel/panic.c, kernel/crash_core.c.
 *
 * `panic_cpu` is −1 where nothing panicked; since 7.x the CPU that panics may have been chosen by the administrator
 * (panic_force_cpu), and the one where the fault was is kept in `panic_redirect_cpu`.
 */

import { attempt } from '../base/errors.ts';
import { readCpus } from './cpus.ts';
import type { Kernel } from './kernel.ts';

export interface PanicCpus {
  /** Undefined where nothing panicked, or `known` is false. */
  readonly panicCpu: number | undefined;
  /** The CPU that loaded the capture kernel; undefined where none did. */
  readonly crashingCpu: number | undefined;
  /** Whether panic_cpu could be read, and is a CPU or none: else nobody can say from it that nothing panicked. */
  readonly known: boolean;
}

export function readPanicCpus(kernel: Kernel): PanicCpus {
  const panicCpu = cpuVariable(kernel, 'panic_cpu');
  return {
    panicCpu: cpuVariable(kernel, 'panic_redirect_cpu').cpu ?? panicCpu.cpu,
    crashingCpu: cpuVariable(kernel, 'crashing_cpu').cpu,
    known: panicCpu.known,
  };
}

/** An int or atomic_t with a CPU in it, −1 for none. */
function cpuVariable(kernel: Kernel, name: string): { cpu: number | undefined; known: boolean } {
  const value = attempt(() => kernel.memory.s32(kernel.symbol(name)));
  const cpu = value !== undefined && readCpus(kernel).possible.includes(value) ? value : undefined;
  return { cpu, known: cpu !== undefined || value === NO_CPU };
}

/** PANIC_CPU_INVALID. */
const NO_CPU = -1;
