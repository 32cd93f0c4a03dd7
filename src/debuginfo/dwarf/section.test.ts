/** Debug sections whose compression cannot be read say which it is. */

import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../test/builders/byte-writer.ts';
import { openElfBytes } from '../../../test/builders/dwarf-open.ts';
import { ElfBuilder } from '../../../test/builders/elf.ts';
import { memoryHost } from '../../../test/builders/host.ts';
import { FormatError, NeedResource } from '../../base/errors.ts';
import type { Host } from '../../base/host.ts';
import { SHF_COMPRESSED } from '../../formats/elf/constants.ts';
import { openDebugSection, type DebugSection } from './section.ts';

/** A section with an Elf64_Chdr of that type. */
function open(type: number, codecs: Partial<Host> = {}, size = 100n): DebugSection | undefined {
  const elf = new ElfBuilder();
  const data = new ByteWriter().u32(type).u32(0).u64(size).u64(1).zeros(32).build();
  elf.section({ name: '.debug_info', flags: SHF_COMPRESSED, data });
  return openDebugSection(openElfBytes(elf.build()), '.debug_info', { ...memoryHost(), ...codecs }, () => undefined);
}

describe('a compressed section', () => {
  it('by zstd asks for the codec, and is what that gives', () => {
    expect(() => open(2)).toThrow(NeedResource);
    const room = Uint8Array.from({ length: 100 }, (_, at) => at);
    const section = open(2, { unzstd: (data, size) => room.subarray(0, data.length > 0 ? size : 0) });
    room.fill(0);
    expect(section?.bytes(10, 3)).toEqual(Uint8Array.of(10, 11, 12));
  });

  it('that does not unpack is named', () => {
    expect(() => open(1)).toThrow(/^built: \.debug_info: cannot be unpacked: /);
    expect(() => open(1, {}, 2n ** 40n)).toThrow(FormatError);
  });

  it('by anything else is named by its number', () => {
    expect(() => open(77)).toThrow('type 77');
  });
});
