/**
 * What the engine needs to know of a processor architecture. One value of this interface per architecture, in a
 * folder of its own; `architectureOf` is the one place that lists them.
 */

import type { PhysAddr, VirtAddr } from '../base/addr.ts';

/** Register values by the architecture's own lower-case names; absent where unknown. */
export type Registers = Readonly<Record<string, bigint | undefined>>;

/** Physical memory as page-table walks want it: a page as 32-bit words. Throws FaultError where it is not there. */
export interface PageTableMemory {
  words(pfn: number): Uint32Array;
}

/** One entry seen on the way from the root of a page table to the page. */
export interface PageTableEntry {
  /** The kernel's name of the level: PGD, P4D, PUD, PMD, PTE. */
  readonly level: string;
  readonly physicalAddress: PhysAddr;
  readonly value: bigint;
}

export interface PageWalk {
  readonly entries: readonly PageTableEntry[];
  /** The physical address translated to; undefined where the last entry is not present. */
  readonly physicalAddress: PhysAddr | undefined;
  /** In bytes: 4 KiB, 2 MiB, 1 GiB. */
  readonly pageSize: number;
  /** Whether the processor may fetch instructions there. */
  readonly executable: boolean;
}

/** Virtual pages that follow each other and are mapped to physical pages that do so, too. */
export interface MappedRun {
  /** The first: virtual address / 4096, which fits a double. */
  readonly page: number;
  readonly physicalAddress: number;
  readonly pages: number;
}

/** A page table that could not be followed, and is left out. */
export type BrokenTable = (table: PhysAddr, why: string) => void;

export interface PageTables {
  /** The physical address of a virtual one given in halves, or -1 where it is not mapped. Throws FaultError. */
  translate(high: number, low: number): number;
  walk(address: VirtAddr): PageWalk;
  /**
   * What is mapped of the virtual pages [first, end), ascending, in the half of the address space that `first` is in.
   * Each table is entered once: tables that lead back to themselves are told to `broken`.
   */
  mappings(first: number, end: number, broken: BrokenTable): Generator<MappedRun>;
}

export interface PagingMode {
  /** Physical address of the top table. */
  readonly root: PhysAddr;
  readonly levels: number;
  /** Bits of an entry that encrypt memory (AMD SME) and are no address. */
  readonly encryptionMask: bigint;
}

/** The registers that an exception, interrupt or system call saves on the stack: struct pt_regs. */
export interface SavedRegistersLayout {
  /** In bytes. */
  readonly size: number;
  /** Undefined where the bytes are too few. */
  readonly read: (bytes: Uint8Array) => Registers | undefined;
  /** The mode they would have been saved in if `size` bytes at `at` are some; undefined where they cannot be. */
  readonly modeOf: (words: DataView, at: number) => 'kernel' | 'user' | undefined;
}

export interface Architecture {
  readonly name: 'x86_64';
  readonly elfMachine: number;
  readonly instructionPointer: string;
  readonly stackPointer: string;
  readonly framePointer: string;
  /** Register names by DWARF number. */
  readonly dwarfRegisters: readonly string[];
  /** The registers saved by NT_PRSTATUS (the whole note). */
  registersOfPrstatus(note: Uint8Array): Registers | undefined;
  readonly savedRegisters: SavedRegistersLayout;
  pageTables(memory: PageTableMemory, mode: PagingMode): PageTables;
}
