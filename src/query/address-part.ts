/** What an address can be: the parts of an AddressIdentity, plain data. */

import type { VirtAddr } from '../base/addr.ts';
import type { Available } from '../base/available.ts';
import type { PerCpuInstances } from '../kernel/per-cpu-area.ts';
import type { VmallocArea } from '../kernel/vmalloc.ts';
import type { MappedArea } from '../kernel/vma.ts';
import type { PageState } from './page-state.ts';
import type { SlabReport } from './slab-report.ts';
import type { SymbolRow } from './symbol-lookup.ts';
import type { TypedPlace } from './word-label.ts';
import type { TaskInfo } from './task-info.ts';

/** In a symbol's object, of the kernel or of a module. */
export interface SymbolPart {
  readonly kind: 'symbol';
  readonly symbol: SymbolRow;
  /** In the code, by the linker's or the module's bounds. */
  readonly text: boolean;
}

/** In a module's memory. */
export interface ModulePart {
  readonly kind: 'module';
  readonly name: string;
  /** struct module. */
  readonly module: VirtAddr;
  /** As the kernel calls it: text, data, rodata, …; core or init before v6.4. */
  readonly region: string;
  readonly start: VirtAddr;
  readonly end: VirtAddr;
}

/** In the kernel's own image, where no symbol tells more. */
export interface ImagePart {
  readonly kind: 'image';
  readonly text: boolean;
}

/** In a CPU's instance of per-CPU memory. */
export interface PerCpuPart {
  readonly kind: 'per-cpu';
  readonly cpu: number;
  /** The same on every CPU: what the kernel's code knows it by. */
  readonly pointer: VirtAddr;
  /** Undefined where the memory was allocated and has no name. */
  readonly variable:
    | { readonly name: string; readonly offset: number; readonly module: string | undefined }
    | undefined;
}

/** What the kernel's code knows per-CPU memory by: the address of the variable itself, or a `__percpu` pointer. */
export interface PerCpuPointerPart extends PerCpuInstances {
  readonly kind: 'per-cpu-pointer';
}

/** In a task_struct. */
export interface TaskPart {
  readonly kind: 'task';
  readonly task: TaskInfo;
  /** In bytes into it. */
  readonly offset: number;
}

/** On a stack. */
export interface StackPart {
  readonly kind: 'stack';
  readonly stack: 'task' | 'irq' | 'exception' | 'entry';
  /** As crash marks it: "IRQ", "NMI exception"; empty for a task's. */
  readonly name: string;
  readonly cpu: number | undefined;
  readonly start: VirtAddr;
  readonly end: VirtAddr;
  /** Whose it is, where it is a task's. */
  readonly task: TaskInfo | undefined;
}

/** In a slab. */
export interface SlabPart {
  readonly kind: 'slab';
  readonly slab: SlabReport;
  /** Of the address in its object, in bytes: negative in a red zone before it; undefined where it is in none. */
  readonly offset: number | undefined;
  /** What the object is, as far as anything tells. */
  readonly place: TypedPlace | undefined;
  /** Whether it lies behind the slab's last object. */
  readonly behind: boolean;
}

/** In an area of vmalloc space. */
export interface VmallocPart extends VmallocArea {
  readonly kind: 'vmalloc';
  /** `caller` as symbol+offset. */
  readonly callerName: string | undefined;
}

/** In the array of struct page. */
export interface PageStructPart {
  readonly kind: 'page-struct';
  readonly page: VirtAddr;
  readonly frame: number;
  /** In bytes into the struct page. */
  readonly offset: number;
}

/** The page of memory that is there, or that a struct page describes. */
export interface PagePart {
  readonly kind: 'page';
  /** How the page was found. */
  readonly by: 'direct-map' | 'page-tables' | 'page-struct' | 'physical-address' | 'user-page-tables';
  readonly frame: number;
  readonly state: Available<PageState>;
  /** "slab", "table", "hugetlb", …: what its page type says; undefined where it has none or this kernel has no types. */
  readonly use: string | undefined;
  /** The head of the compound page it is a tail of. */
  readonly head: VirtAddr | undefined;
  /** The block of free pages it is in. */
  readonly free: { readonly page: VirtAddr; readonly position: number; readonly pages: number } | undefined;
}

/** In a part of the address space that has a purpose of its own. */
export interface RegionPart {
  readonly kind: 'region';
  readonly name: string;
}

/** In the user address space of a task. */
export interface UserPart {
  readonly kind: 'user';
  readonly pid: number;
  readonly command: string;
  readonly area: Available<MappedArea | undefined>;
}

/** It leads nowhere, or nothing is known of it. */
export interface UnknownPart {
  readonly kind: 'unknown';
  readonly why: string;
}

export type AddressPart =
  | SymbolPart
  | ModulePart
  | ImagePart
  | PerCpuPart
  | PerCpuPointerPart
  | TaskPart
  | StackPart
  | SlabPart
  | VmallocPart
  | PageStructPart
  | PagePart
  | RegionPart
  | UserPart
  | UnknownPart;
