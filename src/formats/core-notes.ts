/** The notes of a dump, in an ELF vmcore and in a kdump alike: the processors, and VMCOREINFO. */

import type { Architecture } from '../arch/architecture.ts';
import type { CpuNote } from './dump-image.ts';
import { NT_PRSTATUS } from './elf/constants.ts';
import type { ElfNote } from './elf/notes.ts';
import { parseQemuCpuState } from './qemu-cpu-state.ts';
import { VmcoreInfo } from './vmcoreinfo.ts';

const PR_PID_OFFSET = 32;
/** More notes than this are damage. */
export const LARGEST_NOTES = 64 << 20;

export interface CoreNotes {
  readonly cpus: readonly CpuNote[];
  readonly vmcoreinfo: VmcoreInfo | undefined;
  readonly fromQemu: boolean;
  /** No note that a kernel or QEMU writes is there. */
  readonly missing: boolean;
}

export function coreNotes(notes: readonly ElfNote[], architecture: Architecture): CoreNotes {
  const vmcoreinfo = notes.find((note) => note.name === 'VMCOREINFO');
  const fromQemu = notes.some((note) => note.name === 'QEMU');
  return {
    cpus: cpuNotes(notes, (note) => architecture.registersOfPrstatus(note)),
    vmcoreinfo: vmcoreinfo && VmcoreInfo.fromBytes(vmcoreinfo.data),
    fromQemu,
    missing: !fromQemu && vmcoreinfo === undefined && !notes.some((note) => note.name === 'CORE'),
  };
}

/** The n-th NT_PRSTATUS and the n-th QEMU note are of the same CPU. */
function cpuNotes(notes: readonly ElfNote[], registersOf: (note: Uint8Array) => CpuNote['registers']): CpuNote[] {
  const qemu = notes.filter((note) => note.name === 'QEMU').map((note) => parseQemuCpuState(note.data));
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
