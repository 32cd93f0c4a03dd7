/**
 * ELF notes: gABI chapter 5, "Note Section". Name and descriptor are each padded to 4 bytes, in 64-bit files too
 * (as Linux and QEMU write them).
 */

import { Cursor } from '../../bytes/cursor.ts';
import { fixedString } from '../../bytes/read.ts';
import { NT_GNU_BUILD_ID } from './constants.ts';

export interface ElfNote {
  readonly name: string;
  readonly type: number;
  readonly data: Uint8Array;
}

/** The notes in `bytes`; a damaged or cut-off one ends the list. */
export function parseNotes(bytes: Uint8Array, section: string): ElfNote[] {
  const notes: ElfNote[] = [];
  const cursor = new Cursor(bytes, section);
  while (cursor.position + 12 <= bytes.length) {
    const nameSize = cursor.u32();
    const dataSize = cursor.u32();
    const type = cursor.u32();
    const dataStart = cursor.position + pad4(nameSize);
    if (dataStart + dataSize > bytes.length) break;
    const name = fixedString(bytes.subarray(cursor.position, cursor.position + nameSize));
    notes.push({ name, type, data: bytes.subarray(dataStart, dataStart + dataSize) });
    cursor.position = dataStart + pad4(dataSize);
  }
  return notes;
}

/** The GNU build-id among notes, as lower-case hex. */
export function buildIdOf(notes: readonly ElfNote[]): string | undefined {
  const note = notes.find((candidate) => candidate.name === 'GNU' && candidate.type === NT_GNU_BUILD_ID);
  return note === undefined ? undefined : toHex(note.data);
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** By arithmetic: a damaged size is above 2^31, where the bit operators' results are negative. */
function pad4(size: number): number {
  return Math.ceil(size / 4) * 4;
}
