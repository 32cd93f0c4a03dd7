/** What debug information has of the code a frame is in. */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import type { Die } from '../debuginfo/dwarf/die.ts';
import type { DwarfInfo } from '../debuginfo/dwarf/dwarf-info.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { codeObjectAt, type CodeObject } from './code-lookup.ts';
import type { Frame } from './frame.ts';

export interface FrameCode {
  readonly object: CodeObject;
  readonly dwarf: DwarfInfo;
  /** The address looked up: of the call, or the instruction itself. */
  readonly address: number;
  /** The function, then blocks and inlined calls, outermost first. */
  readonly scopes: readonly Die[];
}

/** Undefined where there is none. */
export function frameCodeOf(kernel: Kernel, frame: Frame): FrameCode | undefined {
  const at = frame.exact ? frame.ip : addVirt(frame.ip, -1);
  const object = codeObjectAt(kernel, at);
  const dwarf = object?.dwarf();
  if (object === undefined || dwarf === undefined) return undefined;
  const address = object.toTable(at);
  return { object, dwarf, address, scopes: dwarf.scopesAt(address) };
}

/** Modules' files are relocated already; vmlinux's addresses are as linked, its per-CPU offsets stay. */
export function runningAddress(kernel: Kernel, object: CodeObject, address: VirtAddr): VirtAddr {
  if (object.module !== undefined) return address;
  const running = kernel.running(address);
  return kernel.symbols.isImage(running) ? running : address;
}
