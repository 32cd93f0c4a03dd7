/**
 * ELF vmcores: kdump's /proc/vmcore, `makedumpfile -E`, QEMU's dump-guest-memory with and without paging.
 * gABI chapter 5; kernel fs/proc/vmcore.c; QEMU dump/dump.c.
 *
 * Physical memory is what PT_LOAD says by p_paddr; p_vaddr is not used, since QEMU leaves it zero. With paging=true
 * the same physical memory stands in many PT_LOADs: the first of each is kept. A file that was cut off opens with
 * what is there.
 */

import { FaultError, FormatError } from '../base/errors.ts';
import { physAddr } from '../base/addr.ts';
import { upperBound } from '../base/search.ts';
import { architectureOf } from '../arch/index.ts';
import { readUpTo, type ByteSource } from '../bytes/byte-source.ts';
import type { CpuNote, DumpImage, PhysicalRange } from './dump-image.ts';
import { EM_386, ET_CORE, NT_PRSTATUS, PT_LOAD, PT_NOTE } from './elf/constants.ts';
import { ElfFile, type ElfSegment } from './elf/elf-file.ts';
import { parseNotes, type ElfNote } from './elf/notes.ts';
import { parseQemuCpuState, type QemuCpuState } from './qemu-cpu-state.ts';
import { VmcoreInfo } from './vmcoreinfo.ts';

const PR_PID_OFFSET = 32;
const LARGEST_NOTES = 64 << 20;

/** Opens an ELF vmcore. Throws FormatError where the file is no core dump of a kernel we know. */
export function openElfCore(source: ByteSource): DumpImage {
  const elf = new ElfFile(source);
  if (elf.type !== ET_CORE) throw new FormatError(source.name, 'is an ELF file, but no core dump (is it the vmlinux?)');
  const architecture = architectureOf(elf.machine);
  if (architecture === undefined) {
    throw new FormatError(
      source.name,
      elf.machine === EM_386
        ? 'is a dump of a 32-bit machine, which is not supported; QEMU writes such a one where its first CPU was not in 64-bit mode (firmware, boot loader)'
        : `is a dump of a machine that is not supported (ELF machine ${elf.machine})`,
    );
  }
  const warnings: string[] = [];
  if (source.size < elf.segmentsEnd) {
    throw new FormatError(source.name, `is cut off: it ends after ${source.size} bytes, before its program headers do`);
  }
  const loads = elf.segments().filter((segment) => segment.type === PT_LOAD && segment.fileSize > 0);
  if (loads.every((load) => load.offset >= source.size) && loads.length > 0) {
    throw new FormatError(
      source.name,
      `is cut off: it ends after ${source.size} bytes, before the first byte of memory`,
    );
  }
  if (loads.length === 0) throw new FormatError(source.name, 'has no memory in it (no PT_LOAD segment)');

  const notes = elf
    .segments()
    .filter((segment) => segment.type === PT_NOTE)
    .flatMap((segment) => {
      const bytes = readUpTo(source, segment.offset, Math.min(segment.fileSize, LARGEST_NOTES));
      return parseNotes(bytes, `${source.name}: notes`);
    });
  const vmcoreinfo = notes.find((note) => note.name === 'VMCOREINFO');
  const qemu = notes.some((note) => note.name === 'QEMU');
  if (!qemu && vmcoreinfo === undefined && !notes.some((note) => note.name === 'CORE')) {
    warnings.push(`${source.name}: the notes (processor registers, VMCOREINFO) are missing`);
  }
  const memory = new SegmentedMemory(source, loads);
  if (memory.missingBytes > 0) {
    warnings.push(`${source.name}: the file is cut off: ${memory.missingBytes} bytes of memory are missing at its end`);
  }
  return {
    format: qemu ? 'ELF vmcore (QEMU)' : 'ELF vmcore',
    path: source.name,
    architecture,
    ranges: memory.ranges,
    cpus: cpuNotes(notes, (note) => architecture.registersOfPrstatus(note)),
    vmcoreinfo: vmcoreinfo && VmcoreInfo.fromBytes(vmcoreinfo.data),
    warnings,
    read: (address, target) => memory.read(address, target),
  };
}

/** The n-th NT_PRSTATUS and the n-th QEMU note are of the same CPU. */
function cpuNotes(notes: readonly ElfNote[], registersOf: (note: Uint8Array) => CpuNote['registers']): CpuNote[] {
  const qemu: (QemuCpuState | undefined)[] = notes
    .filter((note) => note.name === 'QEMU')
    .map((note) => parseQemuCpuState(note.data));
  return notes
    .filter((note) => note.name === 'CORE' && note.type === NT_PRSTATUS)
    .map((note, index) => ({
      pid:
        note.data.length >= PR_PID_OFFSET + 4
          ? new DataView(note.data.buffer, note.data.byteOffset).getUint32(PR_PID_OFFSET, true)
          : 0,
      registers: registersOf(note.data),
      qemu: qemu[index],
    }));
}

/** Physical memory as runs of a file, sorted by address; runs that continue each other in both are one. */
class SegmentedMemory {
  readonly ranges: readonly PhysicalRange[];
  readonly missingBytes: number;
  readonly #source: ByteSource;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #offsets: Float64Array;

  constructor(source: ByteSource, loads: readonly ElfSegment[]) {
    this.#source = source;
    const runs: { start: number; end: number; offset: number }[] = [];
    let wanted = 0;
    let wantedEnd = 0;
    const sorted = loads
      .map((load) => ({ start: Number(load.physicalAddress), offset: load.offset, size: load.fileSize }))
      .filter((run) => Number.isSafeInteger(run.start + run.size) && Number.isSafeInteger(run.offset + run.size))
      .sort((a, b) => a.start - b.start || b.size - a.size);
    for (const { start, offset, size } of sorted) {
      const present = Math.max(0, Math.min(size, source.size - offset));
      wanted += Math.max(0, start + size - Math.max(start, wantedEnd));
      wantedEnd = Math.max(wantedEnd, start + size);
      const last = runs.at(-1);
      const skip = last === undefined ? 0 : Math.max(0, last.end - start);
      if (skip >= size) continue;
      if (skip >= present) continue;
      if (last !== undefined && start + skip === last.end && offset + skip === last.offset + (last.end - last.start)) {
        last.end = start + present;
      } else {
        runs.push({ start: start + skip, end: start + present, offset: offset + skip });
      }
    }
    this.missingBytes = wanted - runs.reduce((sum, run) => sum + run.end - run.start, 0);
    this.#starts = Float64Array.from(runs, (run) => run.start);
    this.#ends = Float64Array.from(runs, (run) => run.end);
    this.#offsets = Float64Array.from(runs, (run) => run.offset);
    this.ranges = runs.map((run) => ({ start: physAddr(run.start), size: run.end - run.start }));
  }

  read(address: number, target: Uint8Array): void {
    let done = 0;
    while (done < target.length) {
      const at = address + done;
      const index = upperBound(this.#starts, at) - 1;
      const end = this.#ends[index];
      if (end === undefined || at >= end) throw new FaultError('physical', at, 'not-in-dump');
      const length = Math.min(target.length - done, end - at);
      const offset = (this.#offsets[index] as number) + (at - (this.#starts[index] as number));
      const count = this.#source.readInto(offset, target.subarray(done, done + length));
      if (count < length) throw new FaultError('physical', at + count, 'not-in-dump');
      done += length;
    }
  }
}
