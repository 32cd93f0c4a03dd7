/**
 * A synthetic kernel: its memory behind page tables, a vmlinux with symbols and BTF, joined as a Target. What a test
 * puts in it is all there is; readers of kernel structures meet it as they meet a dump.
 */

import { addVirt, hi32, lo32, virtAddr, type VirtAddr } from '../../src/base/addr.ts';
import { x86_64 } from '../../src/arch/x86-64/index.ts';
import { TypeCatalog } from '../../src/debuginfo/types/catalog.ts';
import { SHF_ALLOC, SHF_EXECINSTR } from '../../src/formats/elf/constants.ts';
import type { CpuNote } from '../../src/formats/dump-image.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { AddressSpace } from '../../src/memory/address-space.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import { SourceTree } from '../../src/target/source-tree.ts';
import { ModuleFiles } from '../../src/target/module-files.ts';
import type { Target } from '../../src/target/target.ts';
import { Vmlinux } from '../../src/target/vmlinux.ts';
import { BtfBuilder } from './btf.ts';
import { openElfBytes } from './dwarf-open.ts';
import { ElfBuilder } from './elf.ts';
import { encode } from './byte-writer.ts';
import { memoryHost } from './host.ts';
import { PageTableBuilder, PhysicalPages } from './page-tables.ts';
import type { OrcBuilder } from './orc.ts';

/** Where what is allocated goes: the direct map of 4-level kernels. */
const HEAP = 0xffff_8880_0000_0000n;
export const TEXT = 0xffff_ffff_8100_0000n;
const TEXT_SIZE = 0x10_0000n;

export interface KernelOptions {
  readonly levels?: 4 | 5;
  readonly slide?: bigint;
  readonly vmcoreinfo?: readonly string[];
  readonly cpus?: readonly CpuNote[];
}

export class KernelBuilder {
  readonly types = new BtfBuilder();
  readonly physical = new PhysicalPages();
  readonly tables: PageTableBuilder;
  readonly #options: KernelOptions;
  readonly #symbols: { name: string; value: bigint; section: number; size: number }[] = [];
  readonly #mapped = new Map<bigint, number>();
  #heap = HEAP;
  #orc: { ips: Uint8Array; entries: Uint8Array; base: bigint } | undefined;

  constructor(options: KernelOptions = {}) {
    this.#options = options;
    this.tables = new PageTableBuilder(this.physical, options.levels ?? 4);
    for (const [name, value] of [
      ['_text', TEXT],
      ['_stext', TEXT],
      ['_etext', TEXT + TEXT_SIZE],
      ['_end', TEXT + 0x100_0000n],
    ] as const) {
      this.symbol(name, value);
    }
  }

  /** A symbol at a link-time address. */
  symbol(name: string, value: bigint, size = 0): this {
    this.#symbols.push({ name, value, section: 1, size });
    return this;
  }

  /** Zeroed memory; its run-time address is page-aligned where `size` is a page or more. */
  allocate(size: number): VirtAddr {
    if (size >= 4096) this.#heap = (this.#heap + 4095n) & ~4095n;
    const at = virtAddr(this.#heap);
    this.write(at, new Uint8Array(size));
    this.#heap += BigInt((size + 15) & ~15);
    return at;
  }

  /** Leaves a page unmapped behind what was allocated last. */
  gap(): this {
    this.#heap = ((this.#heap + 4095n) & ~4095n) + 4096n;
    return this;
  }

  /** Writes at a run-time address; pages are mapped as they are met. */
  write(address: VirtAddr | bigint, bytes: Uint8Array): this {
    for (let done = 0; done < bytes.length;) {
      const at = BigInt(address) + BigInt(done);
      const within = Number(at & 0xfffn);
      const part = bytes.subarray(done, done + Math.min(bytes.length - done, 4096 - within));
      this.physical.write(this.#pageOf(at) + within, part);
      done += part.length;
    }
    return this;
  }

  /** Maps a page to a physical page of its own, as in a direct map. */
  mapTo(page: bigint, physical: number): this {
    this.physical.page(physical);
    this.tables.map(page, physical);
    this.#mapped.set(page, physical);
    return this;
  }

  u64(address: VirtAddr | bigint, value: bigint): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
    return this.write(address, bytes);
  }

  u32(address: VirtAddr | bigint, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value >>> 0, true);
    return this.write(address, bytes);
  }

  text(address: VirtAddr | bigint, value: string): this {
    return this.write(address, encode(`${value}\0`));
  }

  /** A variable of the kernel: a symbol with memory of its own. Returns its run-time address. */
  variable(name: string, size: number): VirtAddr {
    const at = this.allocate(size);
    this.symbol(name, at - (this.#options.slide ?? 0n));
    return at;
  }

  /** The ORC table of the kernel's own text. */
  orc(builder: OrcBuilder, base: bigint): this {
    this.#orc = { ...builder.build(), base };
    return this;
  }

  build(): Kernel {
    return new Kernel(this.target());
  }

  target(): Target {
    const { slide = 0n } = this.#options;
    const host = memoryHost();
    const image = this.physical.image({ cpus: this.#options.cpus ?? [] }, this.#options.vmcoreinfo);
    const physical = new PhysicalMemory(image);
    const memory = new AddressSpace('kernel virtual', physical, x86_64.pageTables(physical, this.tables.mode));
    const vmlinux = new Vmlinux(openElfBytes(this.#vmlinux(), 'vmlinux'), host);
    return {
      host,
      image,
      architecture: x86_64,
      physical,
      memory,
      vmlinux,
      load: { slide, physBase: 0n, paging: this.tables.mode, origin: 'built', proof: undefined },
      types: new TypeCatalog([vmlinux.btf]),
      vmcoreinfo: () => image.vmcoreinfo,
      moduleFiles: new ModuleFiles(host, { release: undefined, debugRoots: [], folders: [], debuginfod: false }),
      sources: new SourceTree(host, []),
      warnings: [],
    };
  }

  #vmlinux(): Uint8Array {
    const elf = new ElfBuilder();
    elf.section({ name: '.text', flags: SHF_ALLOC | SHF_EXECINSTR, address: TEXT, data: new Uint8Array(16) });
    elf.section({ name: '.BTF', data: this.types.build() });
    if (this.#orc !== undefined) {
      elf.section({ name: '.orc_unwind_ip', flags: SHF_ALLOC, address: this.#orc.base, data: this.#orc.ips });
      elf.section({
        name: '.orc_unwind',
        flags: SHF_ALLOC,
        address: this.#orc.base + 0x10_0000n,
        data: this.#orc.entries,
      });
    }
    for (const symbol of this.#symbols) elf.symbol(symbol);
    return elf.build();
  }

  #pageOf(address: bigint): number {
    const page = address & ~0xfffn;
    let physical = this.#mapped.get(page);
    if (physical === undefined) {
      physical = this.physical.allocate();
      this.tables.map(page, physical);
      this.#mapped.set(page, physical);
    }
    return physical;
  }
}

/** Both halves of an address, as `translate` takes them. */
export function halves(address: bigint): [number, number] {
  return [hi32(address), lo32(address)];
}

/** The address of the n-th word from one on. */
export function wordAt(address: VirtAddr, index: number): VirtAddr {
  return addVirt(address, index * 8);
}
