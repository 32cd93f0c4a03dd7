/** The call frame information that applies to a frame, and its canonical frame address (DWARF 5 section 6.4). */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { FrameRow } from '../debuginfo/dwarf/frame-program.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { codeObjectAt } from './code-lookup.ts';
import type { Frame } from './frame.ts';

/** What the stack pointer was before the call that a frame is in; undefined where the frame was interrupted into. */
export function canonicalFrameAddress(kernel: Kernel, frames: readonly Frame[], index: number): bigint | undefined {
  const frame = frames[index];
  const caller = frames[index + 1];
  if (frame === undefined) return undefined;
  if (caller !== undefined && caller.saved === undefined) return caller.sp;
  const row = attempt(() => callFrameRow(kernel, frame));
  if (row?.cfa.kind !== 'register') return undefined;
  const base = frame.registers[kernel.target.architecture.dwarfRegisters[row.cfa.register] ?? ''];
  return base === undefined ? undefined : addVirt(base as VirtAddr, row.cfa.offset);
}

/** The call itself is looked up where the frame called; the instruction where it was interrupted. */
export function callFrameRow(kernel: Kernel, frame: Frame): FrameRow | undefined {
  const at = frame.exact ? frame.ip : addVirt(frame.ip, -1);
  const code = codeObjectAt(kernel, at);
  return code?.dwarf()?.callFrames.rowAt(code.toTable(at));
}
