/** A walk from an instruction and a stack pointer that the user names. */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { attempt, UsageError } from '../base/errors.ts';
import { currentTask } from '../kernel/cpus.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { holds, type Stacks } from '../kernel/stacks.ts';
import { Task } from '../kernel/tasks.ts';
import { mayBeCode } from '../unwind/code-lookup.ts';
import type { StartState } from '../unwind/unwinder.ts';
import { WORD } from './stack-words.ts';

/**
 * Where to begin. Memory tells what `ip` is: where the word at `sp`, or the one below it, holds it, it is the return
 * address that lies there, as in a line of bt; else the CPU was at `ip` itself.
 * @param ip undefined: the return address at `sp`
 * @throws UsageError where there is no code, FaultError where there is no memory
 */
export function startAt(kernel: Kernel, ip: VirtAddr | undefined, sp: VirtAddr): StartState {
  const { instructionPointer, stackPointer } = kernel.target.architecture;
  const slot = [sp, addVirt(sp, -WORD)].find((at) => {
    const word = attempt(() => kernel.memory.pointer(at));
    return word !== undefined && word === (ip ?? (at === sp ? word : undefined));
  });
  const address = ip ?? kernel.memory.pointer(sp);
  if (!mayBeCode(kernel, address)) {
    const hex = address.toString(16);
    throw new UsageError(
      ip === undefined
        ? `the word at ${sp.toString(16)} is no address of code: ${hex} (-I says where to begin)`
        : `${hex} is no address of code`,
    );
  }
  const rsp = slot === undefined ? sp : addVirt(slot, WORD);
  return {
    registers: { [instructionPointer]: address, [stackPointer]: rsp },
    slot,
    exact: slot === undefined,
    saved: undefined,
  };
}

/**
 * The task on whose stack, or on a stack of whose CPU, an address is.
 * @param preferred looked at first
 */
export function taskOnStack(
  kernel: Kernel,
  stacks: Stacks,
  sp: VirtAddr,
  preferred: Task,
  others: () => readonly Task[],
): Task | undefined {
  const isOn = (task: Task): boolean => attempt(() => holds(stacks.ofTask(task), sp)) === true;
  if (isOn(preferred)) return preferred;
  const cpu = stacks.ofCpuAt(sp)?.cpu;
  if (cpu === undefined) return others().find(isOn);
  const address = currentTask(kernel, cpu);
  return address === undefined ? undefined : new Task(kernel, address);
}
