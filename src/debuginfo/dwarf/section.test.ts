/** Debug sections whose compression cannot be read say which it is. */

import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../test/builders/byte-writer.ts';
import { openElfBytes } from '../../../test/builders/dwarf-open.ts';
import { ElfBuilder } from '../../../test/builders/elf.ts';
import { memoryHost } from '../../../test/builders/host.ts';
import { FormatError } from '../../base/errors.ts';
import { SHF_COMPRESSED } from '../../formats/elf/constants.ts';
import { openDebugSection, type DebugSection } from './section.ts';

/** A section with an Elf64_Chdr of that type. */
function open(type: number): DebugSection | undefined {
  const elf = new ElfBuilder();
  const data = new ByteWriter().u32(type).u32(0).u64(100).u64(1).zeros(32).build();
  elf.section({ name: '.debug_info', flags: SHF_COMPRESSED, data });
  return openDebugSection(openElfBytes(elf.build()), '.debug_info', memoryHost(), () => undefined);
}

describe('a compressed section', () => {
  it('by zstd is named as such', () => {
    expect(() => open(2)).toThrow(FormatError);
    expect(() => open(2)).toThrow('.debug_info: is compressed by zstd, which this build cannot read yet');
  });

  it('by anything else is named by its number', () => {
    expect(() => open(77)).toThrow('type 77');
  });
});
