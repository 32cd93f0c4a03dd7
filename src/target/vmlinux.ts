/**
 * The kernel's own file: symbols, types and code of vmlinux, each read when first asked for. Everything in it is at
 * link-time addresses; the load address says how far the running kernel lay above them.
 */

import { attempt, OpenError } from '../base/errors.ts';
import type { Host } from '../base/host.ts';

import { isUnavailable } from '../base/available.ts';
import { once } from '../base/search.ts';
import { readUpTo } from '../bytes/byte-source.ts';
import { fixedString } from '../bytes/read.ts';
import { Btf } from '../debuginfo/btf/btf.ts';
import { DwarfInfo } from '../debuginfo/dwarf/dwarf-info.ts';
import { sectionSource } from '../debuginfo/dwarf/section.ts';
import { DwarfSections } from '../debuginfo/dwarf/sections.ts';
import { OrcTable } from '../debuginfo/orc/orc-table.ts';
import { findKallsyms } from '../debuginfo/kallsyms/find-kallsyms.ts';
import { symbolsOfElf } from '../debuginfo/symbols/elf-symbols.ts';
import type { SymbolTable } from '../debuginfo/symbols/symbol-table.ts';
import { buildIdOfElf } from '../formats/elf/build-id.ts';
import { SHF_ALLOC, SHT_NOBITS } from '../formats/elf/constants.ts';
import type { ElfFile, ElfSection } from '../formats/elf/elf-file.ts';
import { imageInElf } from '../memory/elf-image.ts';
import { alternateOf } from './alternate-file.ts';
import type { KernelImage } from './kernel-image.ts';
import { debugRoots } from './vmlinux-places.ts';

export class Vmlinux implements KernelImage {
  readonly elf: ElfFile;
  readonly symbols: SymbolTable;
  readonly buildId: () => string | undefined;
  readonly btf: () => Btf | undefined;
  readonly dwarf: () => DwarfInfo | undefined;
  readonly orc: () => OrcTable | undefined;

  /**
   * @param debugFolders where the user has debug files
   * @throws OpenError where the file was cut off or has no symbols: nothing could be found in the dump by it
   */
  constructor(elf: ElfFile, host: Host, debugFolders: readonly string[] = []) {
    this.elf = elf;
    if (elf.sectionsMissing()) {
      throw new OpenError(
        `${this.path}: the file is cut off: its section headers lie beyond its end, at ${elf.source.size} bytes`,
      );
    }
    const symbols = symbolsOfElf(elf);
    this.symbols = symbols !== undefined && symbols.count > 0 ? symbols : symbolsInside(elf);
    this.buildId = once(() => buildIdOfElf(elf));
    this.btf = once(() => {
      const section = withBytes(elf, '.BTF');
      return section && attempt(() => new Btf(elf.bytesOf(section), `${this.path}: .BTF`));
    });
    this.dwarf = once(() =>
      hasDwarf(elf)
        ? new DwarfInfo(new DwarfSections(elf, host, { alternate: alternateOf(elf, host, debugRoots(debugFolders)) }))
        : undefined,
    );
    this.orc = once(() => this.#openOrc());
  }

  get path(): string {
    return this.elf.source.name;
  }

  get name(): string {
    return this.path;
  }

  get whyNoDwarf(): string {
    return `${this.path} has no DWARF`;
  }

  addressOf(name: string): bigint | undefined {
    return this.symbols.named(name)[0]?.address;
  }

  bytesAt(address: bigint, length: number): Uint8Array | undefined {
    const section = this.#sectionAt(address);
    if (section === undefined || section.type === SHT_NOBITS) return undefined;
    const within = Number(address - section.address);
    return readUpTo(this.elf.source, section.offset + within, Math.min(length, section.size - within));
  }

  get banner(): string | undefined {
    const address = this.addressOf('linux_banner');
    const bytes = address === undefined ? undefined : this.bytesAt(address, 512);
    return bytes && fixedString(bytes);
  }

  #sectionAt(address: bigint): ElfSection | undefined {
    return this.elf
      .sections()
      .find((s) => (s.flags & SHF_ALLOC) !== 0 && address >= s.address && address < s.address + BigInt(s.size));
  }

  #openOrc(): OrcTable | undefined {
    const ips = withBytes(this.elf, '.orc_unwind_ip');
    const entries = withBytes(this.elf, '.orc_unwind');
    if (ips === undefined || entries === undefined) return undefined;
    const base = Number(BigInt.asIntN(64, ips.address));
    return new OrcTable(sectionSource(this.elf, ips), sectionSource(this.elf, entries), base);
  }
}

function withBytes(elf: ElfFile, name: string): ElfSection | undefined {
  const section = elf.section(name);
  return section === undefined || section.type === SHT_NOBITS ? undefined : section;
}

/** The symbols that the kernel itself has: all there is in a file that was stripped. Throws OpenError. */
function symbolsInside(elf: ElfFile): SymbolTable {
  const image = imageInElf(elf);
  const kallsyms = image && findKallsyms(image, () => undefined);
  if (kallsyms === undefined || isUnavailable(kallsyms)) {
    throw new OpenError(
      `${elf.source.name}: has no symbols (stripped?), and no kallsyms; vmscope needs the vmlinux of the debug package`,
    );
  }
  return kallsyms.symbols;
}

export function hasDwarf(elf: ElfFile): boolean {
  const section = elf.section('.debug_info') ?? elf.section('.zdebug_info');
  return section !== undefined && section.type !== SHT_NOBITS;
}
