/** Files of kernels and modules as a search sees them: a build-id, DWARF or none, a debug link. */

import { ET_REL, NT_GNU_BUILD_ID, SHT_NOTE } from '../../src/formats/elf/constants.ts';
import { encode } from './byte-writer.ts';
import { ElfBuilder, noteBytes } from './elf.ts';

export interface DebugFileSpec {
  /** Hex; empty where the file has none. */
  readonly buildId: string;
  /** ET_REL where it is not told. */
  readonly type?: number;
  /** True where it is not told. */
  readonly dwarf?: boolean;
  /** Lines of .modinfo. */
  readonly modinfo?: readonly string[];
  readonly debuglink?: { readonly name: string; readonly crc: number };
  /** Bytes without meaning, so that it is large. */
  readonly padding?: number;
}

export function debugFile(spec: DebugFileSpec): Uint8Array {
  const { buildId, type = ET_REL, dwarf = true, modinfo, debuglink, padding } = spec;
  const elf = new ElfBuilder({ type });
  if (buildId !== '') {
    const data = Uint8Array.from(buildId.match(/../g) ?? [], (byte) => parseInt(byte, 16));
    const note = noteBytes([{ name: 'GNU', type: NT_GNU_BUILD_ID, data }]);
    elf.section({ name: '.note.gnu.build-id', type: SHT_NOTE, data: note });
  }
  if (dwarf) elf.section({ name: '.debug_info', data: new Uint8Array(16) });
  if (modinfo !== undefined)
    elf.section({ name: '.modinfo', data: encode(modinfo.map((line) => `${line}\0`).join('')) });
  if (debuglink !== undefined) {
    const name = encode(debuglink.name);
    const data = new Uint8Array(((name.length + 4) & ~3) + 4);
    data.set(name);
    new DataView(data.buffer).setUint32(data.length - 4, debuglink.crc, true);
    elf.section({ name: '.gnu_debuglink', data });
  }
  if (padding !== undefined)
    elf.section({ name: '.padding', data: Uint8Array.from({ length: padding }, (_, at) => (at * 31) & 0xff) });
  return elf.build();
}
