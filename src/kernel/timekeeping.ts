/**
 * Time when the dump was taken: kernel include/linux/timekeeper_internal.h.
 *
 * Probes, newest first: `timekeeper_data[0]` of struct tk_data (22c62b9a84b8, v6.17); `tk_core` of struct tk_data
 * (8c4799b184, v6.13); `tk_core` of an anonymous struct, a seqcount and then the timekeeper.
 */

import { addVirt } from '../base/addr.ts';
import { LookupError } from '../base/errors.ts';
import { memberOf, type StructView } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';

export interface KernelTime {
  /** Seconds since 1970, UTC. */
  readonly wallSeconds: number;
  /** Seconds since boot, without time asleep. */
  readonly uptimeSeconds: number;
  /** When the kernel's monotonic clock was zero: nanoseconds since 1970, UTC. */
  readonly bootNanoseconds: bigint;
}

/** @throws LookupError, FaultError */
export function readTime(kernel: Kernel): KernelTime {
  const keeper = timekeeper(kernel);
  const wallSeconds = keeper.number('xtime_sec');
  const toMonotonic = keeper.integer('wall_to_monotonic.tv_sec');
  return {
    wallSeconds,
    uptimeSeconds: wallSeconds + Number(toMonotonic),
    bootNanoseconds: -(toMonotonic * 1_000_000_000n + keeper.integer('wall_to_monotonic.tv_nsec')),
  };
}

function timekeeper(kernel: Kernel): StructView {
  const symbol = kernel.firstSymbol('timekeeper_data', 'tk_core');
  const data = kernel.types.compound('struct', 'tk_data');
  const member = data && memberOf(data, 'timekeeper');
  if (member !== undefined) return kernel.struct('timekeeper', addVirt(symbol, member.offset));
  const lock = kernel.types.compound('struct', 'seqcount_raw_spinlock') ?? kernel.types.compound('struct', 'seqcount');
  if (lock === undefined) throw new LookupError('struct', 'seqcount');
  return kernel.struct('timekeeper', addVirt(symbol, Math.ceil(lock.size / 8) * 8));
}
