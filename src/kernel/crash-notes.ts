/**
 * The registers that the kernel itself saved of each CPU when it crashed: crash_save_cpu() writes them as an ELF note
 * (NT_PRSTATUS) into the CPU's part of the per-CPU `crash_notes`. kernel/kexec_core.c, kernel/crash_core.c.
 *
 * These notes are the ones in a kdump's file, which do not tell whose they are; here each has its CPU.
 */

import { addVirt } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Registers } from '../arch/architecture.ts';
import { NT_PRSTATUS } from '../formats/elf/constants.ts';
import { parseNotes } from '../formats/elf/notes.ts';
import type { Kernel } from './kernel.ts';

/** Sizes of name and contents, type: three words of 32 bits. */
const HEADER_SIZE = 12;
/** Far above that of a struct elf_prstatus. */
const LARGEST_NOTE = 4096;

/** Undefined where none were saved of the CPU, or they cannot be read. */
export function savedInCrash(kernel: Kernel, cpu: number): Registers | undefined {
  const symbol = kernel.addressOf('crash_notes');
  if (symbol === undefined) return undefined;
  const { memory } = kernel;
  return attempt(() => {
    const note = kernel.perCpu.at(memory.u64(symbol), cpu);
    const size = HEADER_SIZE + memory.u32(note) + memory.u32(addVirt(note, 4));
    if (size === HEADER_SIZE || size > LARGEST_NOTE) return undefined;
    // The name is padded to whole words.
    const [found] = parseNotes(memory.bytes(note, size + 3), 'crash_notes');
    if (found?.name !== 'CORE' || found.type !== NT_PRSTATUS) return undefined;
    return kernel.target.architecture.registersOfPrstatus(found.data);
  });
}
