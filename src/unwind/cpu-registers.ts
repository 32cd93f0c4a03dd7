/**
 * The registers of a CPU, from the dump's notes.
 *
 * QEMU writes a note for every CPU, in their order. A kdump has notes of those CPUs only that could save theirs, and
 * nothing in a note names its CPU: it is told by the copy in the kernel's own memory, else by the stack that the note's
 * stack pointer is on. What cannot be told is not taken: another CPU's registers give a plausible wrong stack.
 */

import { virtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Registers } from '../arch/architecture.ts';
import { savedInCrash } from '../kernel/crash-notes.ts';
import { currentTask, readCpus } from '../kernel/cpus.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { holds, stacksOf } from '../kernel/stacks.ts';
import { Task } from '../kernel/tasks.ts';
import { isUserMode } from './orc-step.ts';

/** Undefined where the dump has none of this CPU. */
export function cpuRegisters(kernel: Kernel, cpu: number): Registers | undefined {
  const notes = kernel.target.image.cpus;
  if (notes.some((note) => note.qemu !== undefined)) return notes[cpu]?.registers ?? notes[cpu]?.qemu?.registers;
  const byKdump = kdumpRegisters(kernel, cpu);
  if (byKdump !== undefined) return byKdump;
  const own = notes.find(({ registers }) => registers !== undefined && isOnStackOf(kernel, cpu, registers));
  if (own !== undefined) return own.registers;
  // In user mode the stack pointer tells nothing; but where every CPU has its note, they are in order.
  const inOrder = notes.length === readCpus(kernel).present.length ? notes[cpu]?.registers : undefined;
  return inOrder !== undefined && isUserMode(inOrder) ? inOrder : undefined;
}

/** The registers that kdump saved of a CPU; undefined where the dump's notes are of another origin. */
export function kdumpRegisters(kernel: Kernel, cpu: number): Registers | undefined {
  const notes = kernel.target.image.cpus;
  if (notes.some((note) => note.qemu !== undefined)) return undefined;
  const saved = savedInCrash(kernel, cpu);
  if (saved === undefined || notes.length === 0) return saved;
  const { instructionPointer, stackPointer } = kernel.target.architecture;
  const same = notes.some(({ registers }) =>
    [instructionPointer, stackPointer].every((name) => registers?.[name] === saved[name]),
  );
  return same ? saved : undefined;
}

function isOnStackOf(kernel: Kernel, cpu: number, registers: Registers): boolean {
  const { rsp } = registers;
  if (rsp === undefined || isUserMode(registers)) return false;
  const sp = virtAddr(rsp);
  const stacks = stacksOf(kernel);
  if (stacks.ofCpuAt(sp)?.cpu === cpu) return true;
  const current = currentTask(kernel, cpu);
  const stack = current === undefined ? undefined : attempt(() => stacks.ofTask(new Task(kernel, current)));
  return stack !== undefined && holds(stack, sp);
}
