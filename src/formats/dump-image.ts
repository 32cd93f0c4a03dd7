/** What every dump format gives: physical memory, the processors' state, and what the dump says of itself. */

import type { PhysAddr } from '../base/addr.ts';
import type { Host } from '../base/host.ts';
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

/**
 * What of the memory is not there, in crash's words. PARTIAL DUMP: a filter left pages out. INCOMPLETE: the program
 * that wrote it ran out of space, the file was cut off, or a part of a split dump is not named. EXCLUDED VMEMMAP: unused parts of the array of struct page were left out.
 */
export type DumpMark = 'PARTIAL DUMP' | 'INCOMPLETE' | 'EXCLUDED VMEMMAP' | 'LIVE SYSTEM';

/** What packed pages are unpacked with; the host's. */
export type PageCodecs = Pick<Host, 'inflate' | 'unzstd'>;

export interface DumpImage {
  /** For people: "ELF vmcore (QEMU)". */
  readonly format: string;
  /** The first of its files. */
  readonly path: string;
  /** Every file it is made of. */
  readonly paths: readonly string[];
  readonly architecture: Architecture;
  readonly marks: readonly DumpMark[];
  /** Above the last byte of memory that the dump knows of. */
  readonly end: number;
  readonly cpus: readonly CpuNote[];
  readonly vmcoreinfo: VmcoreInfo | undefined;
  /**
   * Where the kernel's image lies, as the dump's headers tell: physical = virtual − __START_KERNEL_map + this. VMCOREINFO
   * tells it only since Linux 4.10.
   */
  readonly physBase: bigint | undefined;
  /** What is wrong with the file, for the user: cut off, a damaged note. */
  readonly warnings: readonly string[];
  /** The memory it holds of [start, end): ascending, without overlaps. Reads what tells that as it goes. */
  rangesWithin(start: number, end: number): Iterable<PhysicalRange>;
  /** Fills `target` with physical memory. Throws FaultError, with the reason, where any byte of it is not in the dump. */
  read(address: number, target: Uint8Array): void;
}
