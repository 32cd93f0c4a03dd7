/** What every dump format gives: physical memory, the processors' state, and what the dump says of itself. */

import type { PhysAddr } from '../base/addr.ts';
import type { Architecture, Registers } from '../arch/architecture.ts';
import type { QemuCpuState } from './qemu-cpu-state.ts';
import type { VmcoreInfo } from './vmcoreinfo.ts';

/** A contiguous run of physical memory that the dump holds. */
export interface PhysicalRange {
  readonly start: PhysAddr;
  /** In bytes. */
  readonly size: number;
}

/** The state of one processor as the dump's notes have it, in the order of the notes. */
export interface CpuNote {
  /** pr_pid of NT_PRSTATUS: a task's pid in a kdump, CPU index + 1 in QEMU's. */
  readonly pid: number;
  readonly registers: Registers | undefined;
  readonly qemu: QemuCpuState | undefined;
}

export interface DumpImage {
  /** For people: "ELF vmcore (QEMU)". */
  readonly format: string;
  readonly path: string;
  readonly architecture: Architecture;
  /** Sorted, without overlaps. */
  readonly ranges: readonly PhysicalRange[];
  readonly cpus: readonly CpuNote[];
  readonly vmcoreinfo: VmcoreInfo | undefined;
  /** What is wrong with the file, for the user: cut off, a damaged note. */
  readonly warnings: readonly string[];
  /** Fills `target` with physical memory. Throws FaultError where any byte of it is not in the dump. */
  read(address: number, target: Uint8Array): void;
}
