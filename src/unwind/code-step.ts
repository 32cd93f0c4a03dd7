/**
 * One step by the code itself, where no table describes it: functions that the kernel's build keeps out of ORC
 * (STACK_FRAME_NON_STANDARD: __crash_kexec), in a dump without DWARF; kernels without either. What the function does
 * with its stack pointer tells where its return address is; it is believed where a call stands before what is there.
 */

import { addVirt, virtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { functionsOf } from './code/functions.ts';
import { stackUse } from './code/stack-use.ts';
import type { Frame, Step } from './frame.ts';

/** Undefined where the code is not known, or does not tell. @throws FaultError, NeedResource */
export function codeStep(kernel: Kernel, frame: Frame): Step | undefined {
  const functions = functionsOf(kernel);
  const code = functions.at(frame.exact ? frame.ip : addVirt(frame.ip, -1));
  const place = frame.exact ? code?.indexAt(frame.ip) : code?.callBefore(frame.ip);
  const use = code === undefined || place === undefined ? undefined : stackUse(code, place);
  if (use === undefined) return undefined;
  const slot = addVirt(frame.sp, use.depth);
  const rip = virtAddr(kernel.memory.u64(slot));
  if (functions.at(addVirt(rip, -1))?.callBefore(rip) === undefined) return undefined;
  const registers: Record<string, bigint | undefined> = { rip, rsp: addVirt(slot, 8) };
  for (const [name, where] of use.kept)
    registers[name] =
      where === 'in place' ? frame.registers[name] : attempt(() => kernel.memory.u64(addVirt(slot, -where)));
  return { kind: 'call', registers, slot };
}
