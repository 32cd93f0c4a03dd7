/** ELF notes: padding, cut-off and damaged lists. */

import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../test/builders/byte-writer.ts';
import { noteBytes } from '../../../test/builders/elf.ts';
import { mutationRun } from '../../../test/builders/mutate.ts';
import { buildIdOf, parseNotes } from './notes.ts';

const notes = [
  { name: 'CORE', type: 1, data: Uint8Array.of(1, 2, 3) },
  { name: 'GNU', type: 3, data: Uint8Array.of(0xab, 0x01, 0xff) },
  { name: 'VMCOREINFO', type: 0, data: new Uint8Array(0) },
];

describe('notes', () => {
  it('are read with names and data padded to four bytes', () => {
    const parsed = parseNotes(noteBytes(notes), 'test');
    expect(parsed).toEqual(notes);
    expect(buildIdOf(parsed)).toBe('ab01ff');
    expect(buildIdOf(parsed.slice(0, 1))).toBeUndefined();
  });

  it('end where they are cut off', () => {
    const bytes = noteBytes(notes);
    expect(parseNotes(bytes.subarray(0, 22), 'test')).toHaveLength(0);
    expect(parseNotes(bytes.subarray(0, 30), 'test')).toHaveLength(1);
    expect(parseNotes(new Uint8Array(11), 'test')).toEqual([]);
  });

  it.each([0xffff_fff4, 0xffff_ffff, 0x8000_0000, 0x7fff_fffe])('end at a name of %i bytes', (size) => {
    const bytes = new ByteWriter().u32(size).u32(0).u32(1).zeros(64).build();
    expect(parseNotes(bytes, 'test')).toEqual([]);
    const data = new ByteWriter().u32(0).u32(size).u32(1).zeros(64).build();
    expect(parseNotes(data, 'test')).toEqual([]);
  });

  it('never do worse, whatever their bytes', () => {
    mutationRun(noteBytes(notes), 4000, (bytes) => {
      expect(parseNotes(bytes, 'test').length).toBeLessThanOrEqual(bytes.length / 12);
    });
  });
});
