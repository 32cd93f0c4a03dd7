/**
 * From a run-time code address to the object that describes it: the kernel or one of its modules, with its unwind
 * table, its DWARF, and the address as that object knows it.
 */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { KERNEL_SPACE } from '../arch/x86-64/layout.ts';
import type { DwarfInfo } from '../debuginfo/dwarf/dwarf-info.ts';
import type { OrcTable } from '../debuginfo/orc/orc-table.ts';
import { copiedByFtrace } from '../kernel/ftrace-trampolines.ts';
import type { Kernel } from '../kernel/kernel.ts';

export interface CodeObject {
  /** Undefined for the kernel itself. */
  readonly module: string | undefined;
  readonly orc: () => OrcTable | undefined;
  readonly dwarf: () => DwarfInfo | undefined;
  /** Where there is none: why, for the user; undefined where no file could have it. */
  readonly whyNoDwarf: () => string | undefined;
  /** The address as the object's tables have it, as a signed 64-bit integer. */
  toTable(address: VirtAddr): number;
}

export function codeObjectAt(kernel: Kernel, address: VirtAddr): CodeObject | undefined {
  const module = kernel.modules().textAt(address);
  if (module !== undefined) {
    return {
      module: module.name,
      orc: module.orc,
      dwarf: () => module.debug()?.dwarf,
      whyNoDwarf: () => kernel.moduleDebug.whyNoDwarf(module),
      toTable: (at) => Number(BigInt.asIntN(64, at)),
    };
  }
  const { vmlinux } = kernel.target;
  if (!kernel.symbols.isKernelText(address)) {
    const copied = copiedByFtrace(kernel, address);
    if (copied === undefined) return undefined;
    return {
      module: undefined,
      orc: vmlinux.orc,
      dwarf: () => undefined,
      whyNoDwarf: () => undefined,
      toTable: (at) => Number(BigInt.asIntN(64, kernel.linked(addVirt(copied, at - address)))),
    };
  }
  return {
    module: undefined,
    orc: vmlinux.orc,
    dwarf: vmlinux.dwarf,
    whyNoDwarf: () => vmlinux.whyNoDwarf,
    toTable: (at) => Number(BigInt.asIntN(64, kernel.linked(at))),
  };
}

/** Known code, or memory of nobody known that may be executed: BPF programs and trampolines are made at run time. */
export function mayBeCode({ symbols, modules, memory }: Kernel, ip: VirtAddr): boolean {
  if (symbols.isText(ip)) return true;
  if (ip < KERNEL_SPACE || symbols.isImage(ip) || modules().at(ip) !== undefined) return false;
  const walk = attempt(() => memory.walk(ip));
  return walk?.physicalAddress !== undefined && walk.executable;
}
