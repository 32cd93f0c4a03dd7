/**
 * ELF vmcores: kdump's /proc/vmcore, `makedumpfile -E`, QEMU's dump-guest-memory with and without paging, /proc/kcore of
 * the running kernel. gABI chapter 5; kernel fs/proc/vmcore.c and fs/proc/kcore.c; QEMU dump/dump.c.
 *
 * Physical memory is what PT_LOAD says by p_paddr; p_vaddr is not used, since QEMU leaves it zero. With paging=true
 * the same physical memory stands in many PT_LOADs: the first of each is kept. Where p_memsz is larger than p_filesz
 * makedumpfile left pages out. A file that was cut off opens with what is there.
 *
 * The file may be of the 32-bit class and the kernel in it of 64 bits (kexec --elf32-core-headers): the machine and
 * the size of NT_PRSTATUS tell, not the class.
 */

import { FormatError } from '../base/errors.ts';
import { architectureOf } from '../arch/index.ts';
import type { Architecture } from '../arch/architecture.ts';
import { KERNEL_IMAGE_SIZE, START_KERNEL_MAP } from '../arch/x86-64/layout.ts';
import { readUpTo, type ByteSource } from '../bytes/byte-source.ts';
import { coreNotes, LARGEST_NOTES } from './core-notes.ts';
import type { DumpImage, DumpMark } from './dump-image.ts';
import { EM_386, EM_X86_64, ET_CORE, NT_PRSTATUS, PT_LOAD, PT_NOTE } from './elf/constants.ts';
import { ElfFile, type ElfSegment } from './elf/elf-file.ts';
import { parseNotes, type ElfNote } from './elf/notes.ts';
import { SegmentedMemory } from './segmented-memory.ts';

/** makedumpfile's e_flags of a dump it had no space for. */
const DUMP_ELF_INCOMPLETE = 1;
/** /proc/kcore tells an end that no file on a disk has. */
const LARGEST_FILE = 2 ** 46;

/** Opens an ELF vmcore. Throws FormatError where the file is no core dump of a kernel we know. */
export function openElfCore(source: ByteSource): DumpImage {
  const elf = new ElfFile(source);
  if (elf.type !== ET_CORE) throw new FormatError(source.name, 'is an ELF file, but no core dump (is it the vmlinux?)');
  const warnings: string[] = [];
  if (source.size < elf.segmentsEnd) {
    throw new FormatError(source.name, `is cut off: it ends after ${source.size} bytes, before its program headers do`);
  }
  const loads = elf.segments().filter((segment) => segment.type === PT_LOAD);
  const filled = loads.filter((load) => load.fileSize > 0);
  if (filled.length === 0) throw new FormatError(source.name, 'has no memory in it (no PT_LOAD segment)');
  if (filled.every((load) => load.offset >= source.size)) {
    throw new FormatError(
      source.name,
      `is cut off: it ends after ${source.size} bytes, before the first byte of memory`,
    );
  }
  const notes = elf
    .segments()
    .filter((segment) => segment.type === PT_NOTE)
    .flatMap((segment) => {
      const bytes = readUpTo(source, segment.offset, Math.min(segment.fileSize, LARGEST_NOTES));
      return parseNotes(bytes, `${source.name}: notes`);
    });
  const architecture = architectureOfCore(elf, notes);
  const { cpus, vmcoreinfo, fromQemu, missing } = coreNotes(notes, architecture);
  if (missing) warnings.push(`${source.name}: the notes (processor registers, VMCOREINFO) are missing`);
  const live = source.size > LARGEST_FILE;
  if (live) warnings.push(`${source.name} is the memory of a running kernel: what is read changes meanwhile`);
  const memory = new SegmentedMemory(source, loads, !fromQemu);
  if (memory.missingBytes > 0) {
    warnings.push(`${source.name}: the file is cut off: ${memory.missingBytes} bytes of memory are missing at its end`);
  }
  const incomplete = (elf.flags & DUMP_ELF_INCOMPLETE) !== 0;
  if (incomplete) warnings.push(`${source.name}: the dump is incomplete: whoever wrote it ran out of space`);
  const marks: DumpMark[] = [];
  if (memory.excludes) marks.push('PARTIAL DUMP');
  if (incomplete || memory.missingBytes > 0) marks.push('INCOMPLETE');
  if (live) marks.push('LIVE SYSTEM');
  return {
    format: fromQemu ? 'ELF vmcore (QEMU)' : live ? 'ELF vmcore (/proc/kcore)' : 'ELF vmcore',
    path: source.name,
    paths: [source.name],
    architecture,
    marks,
    end: memory.end,
    cpus,
    vmcoreinfo,
    physBase: physBaseOf(loads),
    warnings,
    rangesWithin: (start, end) => memory.rangesWithin(start, end),
    read: (address, target) => memory.read(address, target),
  };
}

/** By the segment of the kernel's image: the kernel writes its virtual addresses, and so does QEMU with paging=true. */
function physBaseOf(loads: readonly ElfSegment[]): bigint | undefined {
  const image = loads.find(
    ({ virtualAddress: at }) => at >= START_KERNEL_MAP && at < START_KERNEL_MAP + BigInt(KERNEL_IMAGE_SIZE),
  );
  return image && image.physicalAddress - (image.virtualAddress - START_KERNEL_MAP);
}

/** @throws FormatError where the machine is none we know */
function architectureOfCore(elf: ElfFile, notes: readonly ElfNote[]): Architecture {
  const { name } = elf.source;
  const architecture = architectureOf(elf.machine);
  if (architecture !== undefined) return architecture;
  if (elf.machine !== EM_386)
    throw new FormatError(name, `is a dump of a machine that is not supported (ELF machine ${elf.machine})`);
  const wide = architectureOf(EM_X86_64);
  const status = notes.find((note) => note.name === 'CORE' && note.type === NT_PRSTATUS);
  if (wide !== undefined && status !== undefined && wide.registersOfPrstatus(status.data) !== undefined) return wide;
  throw new FormatError(
    name,
    'is a dump of a 32-bit machine, which is not supported; QEMU writes such a one where its first CPU was not in 64-bit mode (firmware, boot loader)',
  );
}
