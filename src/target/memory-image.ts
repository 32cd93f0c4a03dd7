/**
 * The kernel as its own memory describes it, without any file: symbols from kallsyms, types from BTF, unwind tables
 * from ORC. Addresses are run-time ones, so the load address has no slide.
 *
 * The proof that the place is right is the kernel's own: its `linux_banner`, by its own symbols, reads "Linux version".
 */

import { hex, physAddr, virtAddr, type VirtAddr } from '../base/addr.ts';
import { isUnavailable } from '../base/available.ts';
import { attempt, OpenError } from '../base/errors.ts';
import { once } from '../base/search.ts';
import { Btf } from '../debuginfo/btf/btf.ts';
import { locateBtf } from '../debuginfo/btf/locate-btf.ts';
import { findKallsyms, type Kallsyms } from '../debuginfo/kallsyms/find-kallsyms.ts';
import { locateOrc } from '../debuginfo/orc/locate-orc.ts';
import { OrcTable } from '../debuginfo/orc/orc-table.ts';
import type { SymbolTable } from '../debuginfo/symbols/symbol-table.ts';
import { START_KERNEL_MAP } from '../arch/x86-64/layout.ts';
import { buildIdOf, parseNotes } from '../formats/elf/notes.ts';
import { AddressSpace } from '../memory/address-space.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { imageInMemory, type ImageMemory } from '../memory/sparse.ts';
import { VirtualSource } from '../memory/virtual-source.ts';
import { rootSymbols } from './image-mapping.ts';
import { imagePlaces, type ImagePlace } from './image-place.ts';
import type { KernelImage } from './kernel-image.ts';
import type { LoadAddress } from './load-address.ts';

const LONGEST_BANNER = 512;
const LARGEST_NOTES = 1 << 16;

export class MemoryImage implements KernelImage {
  readonly name = "the dump's own memory";
  readonly path = undefined;
  readonly symbols: SymbolTable;
  readonly buildId: () => string | undefined;
  readonly btf: () => Btf | undefined;
  readonly dwarf = (): undefined => undefined;
  readonly whyNoDwarf: string;
  readonly orc: () => OrcTable | undefined;
  readonly banner: string | undefined;
  readonly #place: ImagePlace;

  constructor(place: ImagePlace, symbols: SymbolTable, whyNoDwarf = 'a dump has none') {
    const { memory, start, end, vmcoreinfo } = place;
    const image = imageInMemory(memory, start, end);
    const addressOf = (name: string): VirtAddr | undefined => symbols.named(name)[0]?.address;
    this.#place = place;
    this.symbols = symbols;
    this.whyNoDwarf = whyNoDwarf;
    this.banner = bannerInMemory(memory, addressOf);
    this.buildId = once(() => vmcoreinfo?.buildId ?? attempt(() => readBuildId(memory, addressOf)));
    this.btf = once(() => btfInMemory(image, addressOf));
    this.orc = once(() => orcInMemory(memory, addressOf));
  }

  /** The same, for a user who is to be told why there is no file. */
  explained(whyNoDwarf: string): MemoryImage {
    return new MemoryImage(this.#place, this.symbols, whyNoDwarf);
  }

  addressOf(name: string): bigint | undefined {
    return this.symbols.named(name)[0]?.address;
  }

  /** What there is, is in the dump. */
  bytesAt(): undefined {
    return undefined;
  }
}

export interface FoundImage {
  readonly image: MemoryImage;
  readonly load: LoadAddress;
  /** What damage cost, and what the kernel was built without. */
  readonly losses: readonly string[];
}

/** @throws OpenError where the dump does not hold what describes the kernel, with what stands against each place */
export function findMemoryImage(physical: PhysicalMemory): FoundImage {
  const tried: string[] = [];
  for (const place of imagePlaces(physical)) {
    const { memory, start, end, origin, vmcoreinfo } = place;
    const kallsyms = findKallsyms(imageInMemory(memory, start, end), (name) => vmcoreinfo?.symbol(name));
    if (!isUnavailable(kallsyms)) return foundAt(place, kallsyms);
    tried.push(`by ${origin}, image at ${hex(start)}: ${kallsyms.unavailable}`);
  }
  throw new OpenError(
    [
      `${physical.image.path}: the kernel cannot be found in the dump alone:`,
      ...(tried.length === 0 ? ['no page tables lead to a kernel image'] : tried).map((reason) => `  ${reason}`),
    ].join('\n'),
  );
}

function foundAt(place: ImagePlace, { symbols, losses, hasData }: Kallsyms): FoundImage {
  const banner = symbols.named('linux_banner')[0]?.address;
  const own = withOwnTables(place, symbols);
  const image = new MemoryImage(own, symbols);
  const { physBase, paging, origin } = own;
  const proof = banner === undefined || image.banner === undefined ? undefined : `linux_banner read at ${hex(banner)}`;
  const lacks = hasData
    ? []
    : ['the kernel keeps no names of variables (CONFIG_KALLSYMS_ALL): most commands need them'];
  return { image, load: { slide: 0n, physBase, paging, origin, proof }, losses: [...losses, ...lacks] };
}

/** The kernel's own page tables, where a CPU's were those of the process that it ran. */
function withOwnTables(place: ImagePlace, symbols: SymbolTable): ImagePlace {
  const { start, memory, physBase } = place;
  const { physical } = memory;
  for (const name of rootSymbols) {
    const address = symbols.named(name)[0]?.address;
    const root = address === undefined ? -1 : Number(address - START_KERNEL_MAP + physBase);
    if (!Number.isSafeInteger(root) || root < 0) continue;
    const paging = { ...place.paging, root: physAddr(root) };
    const own = new AddressSpace(memory.name, physical, physical.image.architecture.pageTables(physical, paging));
    if (attempt(() => own.translate(start)) === memory.translate(start)) return { ...place, paging, memory: own };
  }
  return place;
}

/** @param addressOf at run time */
export function bannerInMemory(
  memory: AddressSpace,
  addressOf: (name: string) => VirtAddr | undefined,
): string | undefined {
  const address = addressOf('linux_banner');
  return address === undefined ? undefined : attempt(() => memory.string(address, LONGEST_BANNER));
}

/** @param addressOf at run time */
export function btfInMemory(image: ImageMemory, addressOf: (name: string) => VirtAddr | undefined): Btf | undefined {
  const place = locateBtf(image, addressOf);
  if (place === undefined) return undefined;
  const { bytes, gaps } = image.read(place.address, place.size);
  // A type that is not there would be taken for another: all of it, or none.
  return gaps.length > 0 ? undefined : attempt(() => new Btf(bytes, 'BTF in memory'));
}

/**
 * @param addressOf at run time
 * @param slide how far above the addresses that the table is to be asked for
 */
export function orcInMemory(
  memory: AddressSpace,
  addressOf: (name: string) => VirtAddr | undefined,
  slide = 0n,
): OrcTable | undefined {
  const place = locateOrc(addressOf);
  if (place === undefined) return undefined;
  const { ips, entries } = place;
  return new OrcTable(
    new VirtualSource('.orc_unwind_ip in memory', memory, ips.address, ips.size),
    new VirtualSource('.orc_unwind in memory', memory, entries.address, entries.size),
    Number(BigInt.asIntN(64, ips.address - slide)),
  );
}

/** The notes that the linker collects: include/asm-generic/vmlinux.lds.h, NOTES. */
function readBuildId(memory: AddressSpace, addressOf: (name: string) => VirtAddr | undefined): string | undefined {
  const start = addressOf('__start_notes');
  const stop = addressOf('__stop_notes');
  if (start === undefined || stop === undefined || stop <= start) return undefined;
  const size = Math.min(Number(virtAddr(stop - start)), LARGEST_NOTES);
  return buildIdOf(parseNotes(memory.bytes(start, size), 'the notes of the kernel in memory'));
}
