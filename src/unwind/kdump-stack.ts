/**
 * What a CPU did after kdump had saved its registers.
 *
 * crash_save_cpu() saves the registers that an exception handed to it: those of the fault, or of what an NMI
 * interrupted. The CPU went on, down to the call that it never came back from: machine_kexec() calls into the kernel
 * that writes the dump (arch/x86/kernel/machine_kexec_64.c), and crash_nmi_callback() stops every other CPU
 * (arch/x86/kernel/reboot.c). So a return address into one of them is on the CPU's stack, and is the deepest frame.
 *
 * Which word it is, is proved, not guessed: the walk that begins there must come by the very registers that were saved.
 */

import { addVirt, alignDown, PAGE_SIZE, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Registers } from '../arch/architecture.ts';
import { ptRegsOrder } from '../arch/x86-64/registers.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Stack, Stacks } from '../kernel/stacks.ts';
import type { Task } from '../kernel/tasks.ts';
import type { Frame, UnwoundStack } from './frame.ts';
import type { StartState, Unwinder } from './unwinder.ts';

/** Functions that a CPU is in when it comes to its end. */
const lastFunctions = ['machine_kexec', 'crash_nmi_callback'];
const WORD = 8;
/** Words that are tried. A stack has a few that are left of earlier calls; a damaged one may be full of them. */
const MOST_TRIED = 64;

/**
 * Where the stack of a CPU begins whose registers kdump saved. Undefined where no word of its stacks is proved.
 * @param task what it ran
 * @param start the registers that were saved
 */
export function deepestState(
  unwinder: Unwinder,
  task: Task | undefined,
  start: StartState,
  cpu: number,
): StartState | undefined {
  const saved = unwinder.unwind(task, start);
  let tried = 0;
  for (const stack of stacksOfCpu(unwinder.stacks, task, start, cpu)) {
    for (const slot of lastCalls(unwinder.kernel, stack)) {
      if (++tried > MOST_TRIED) return undefined;
      const rip = unwinder.kernel.memory.u64(slot);
      const registers = { rip, rsp: addVirt(slot, WORD) };
      const state: StartState = { registers, slot, exact: false, saved: undefined };
      if (leadsTo(unwinder.kernel, unwinder.unwind(task, state), start.registers, saved)) return state;
    }
  }
  return undefined;
}

/** The stacks a CPU may have come to its end on: where it was, and where exceptions and interrupts lead. */
function stacksOfCpu(stacks: Stacks, task: Task | undefined, { registers }: StartState, cpu: number): Stack[] {
  const own = task && attempt(() => stacks.ofTask(task));
  const at = registers['rsp'] === undefined ? undefined : stacks.at(virtAddr(registers['rsp']), task);
  const all = [at, own, ...stacks.interruptStacksOf(cpu)].filter((stack) => stack !== undefined);
  return all.filter((stack, index) => all.findIndex(({ base }) => base === stack.base) === index);
}

/** The words of a stack that are return addresses into the last functions, the deepest first. */
function* lastCalls(kernel: Kernel, { base, size }: Stack): Generator<VirtAddr> {
  const ranges = lastFunctions.flatMap((name) => {
    const start = kernel.addressOf(name);
    return (start && kernel.symbols.codeAt(start)) ?? [];
  });
  const top = addVirt(base, size);
  for (let page = alignDown(base, PAGE_SIZE); page < top; page = addVirt(page, PAGE_SIZE)) {
    const bytes = attempt(() => kernel.memory.bytes(page, PAGE_SIZE));
    if (bytes === undefined) continue;
    const words = new DataView(bytes.buffer, bytes.byteOffset, PAGE_SIZE);
    for (let offset = 0; offset < PAGE_SIZE; offset += WORD) {
      const word = words.getBigUint64(offset, true);
      // Of a call that is a function's last instruction the return address is the function's end.
      if (ranges.some(({ start, end }) => word > start && word <= end)) yield addVirt(page, offset);
    }
  }
}

/** Whether a walk is of calls that were made, and comes by the saved registers. */
function leadsTo(kernel: Kernel, walk: UnwoundStack, registers: Registers, saved: UnwoundStack): boolean {
  const { frames, userRegisters } = walk;
  const [last, caller] = frames;
  if (last === undefined || caller === undefined || callsAnother(kernel, caller, last)) return false;
  // No CPU comes to its end twice: what leads to the same function again is left of an earlier call in it.
  const end = functionOf(kernel, last);
  if (frames.slice(1).some((frame) => functionOf(kernel, frame) === end)) return false;
  if (userRegisters !== undefined && sameRegisters(userRegisters.registers, registers)) return true;
  if (frames.some((frame) => frame.saved !== undefined && sameRegisters(frame.saved.registers, registers))) return true;
  return comesBySaver(kernel, frames, saved.frames);
}

/** `call rel32`: Intel SDM volume 2A, CALL. */
const DIRECT_CALL = 0xe8;
const DIRECT_CALL_SIZE = 5;
/** What an indirect call calls where the processor must not predict it: arch/x86/lib/retpoline.S. */
const INDIRECT = '__x86_indirect_';

/**
 * Whether the call before a return address is of another function than the one it is said to have called: a word that
 * is left of an earlier call may lead, by a frame that never was, to calls that have returned since.
 */
function callsAnother(kernel: Kernel, caller: Frame, callee: Frame): boolean {
  const code = attempt(() => kernel.memory.bytes(addVirt(caller.ip, -DIRECT_CALL_SIZE), DIRECT_CALL_SIZE));
  if (code?.[0] !== DIRECT_CALL) return false;
  const distance = new DataView(code.buffer, code.byteOffset).getInt32(1, true);
  const target = kernel.symbols.at(addVirt(caller.ip, distance))?.symbol;
  if (target === undefined || target.name.startsWith(INDIRECT)) return false;
  return target.address !== functionOf(kernel, callee);
}

/** All that an exception saves on the stack. */
function sameRegisters(one: Registers, other: Registers): boolean {
  const value = (registers: Registers, name: string): bigint | undefined =>
    name === 'cs' || name === 'ss' ? registers[name] && registers[name] & 0xffffn : registers[name];
  return ptRegsOrder.every((name) => value(one, name) === value(other, name));
}

/** Where nothing was interrupted, a function saved its own registers: it has the same caller in both walks. */
function comesBySaver(kernel: Kernel, frames: readonly Frame[], [saver, caller]: readonly Frame[]): boolean {
  if (saver === undefined || caller === undefined || caller.exact) return false;
  const index = frames.findIndex(({ slot, sp, ip }) => slot === caller.slot && sp === caller.sp && ip === caller.ip);
  const same = frames[index - 1];
  return same !== undefined && !same.exact && functionOf(kernel, same) === functionOf(kernel, saver);
}

function functionOf(kernel: Kernel, { ip, exact }: Frame): VirtAddr | undefined {
  return kernel.symbols.at(exact ? ip : addVirt(ip, -1))?.symbol.address;
}
