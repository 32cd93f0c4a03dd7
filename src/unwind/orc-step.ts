/**
 * One step of the ORC unwinder: from a frame to its caller. Kernel arch/x86/kernel/unwind_orc.c describes what the
 * entries mean; Documentation/arch/x86/orc-unwinder.rst why.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Registers } from '../arch/architecture.ts';
import { PT_REGS_SIZE, registersOfPtRegs } from '../arch/x86-64/registers.ts';
import type { OrcEntry, OrcRegister } from '../debuginfo/orc/orc-entry.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { FrameState, SavedRegisters, Step } from './frame.ts';

/** Offset of `ip` in struct pt_regs: what the CPU itself pushes begins there. */
const IRET_FRAME_OFFSET = 128;

/** @throws FaultError where the stack cannot be read */
export function orcStep(memory: AddressSpace, state: FrameState, entry: OrcEntry): Step {
  if (entry.type === 'end-of-stack') return { kind: 'end' };
  if (entry.type === 'undefined')
    return { kind: 'broken', why: 'the kernel marks this code as one that cannot be unwound' };
  const cfa = canonicalFrameAddress(memory, state, entry);
  if (cfa === undefined)
    return { kind: 'broken', why: `the frame hangs on register ${entry.spRegister}, which is not known here` };
  switch (entry.type) {
    case 'call': {
      const slot = addVirt(cfa, -8);
      return {
        kind: 'call',
        registers: { rip: memory.u64(slot), rsp: cfa, rbp: callersBp(memory, state, entry, cfa) },
        slot,
      };
    }
    case 'regs':
      return { kind: 'interrupted', saved: readPtRegs(memory, cfa), exact: entry.signal };
    case 'regs-partial': {
      const saved = readIretFrame(memory, cfa);
      const rbp = callersBp(memory, state, entry, cfa);
      return { kind: 'interrupted', saved, exact: entry.signal, registers: { ...saved.registers, rbp } };
    }
  }
}

function canonicalFrameAddress(memory: AddressSpace, state: FrameState, entry: OrcEntry): VirtAddr | undefined {
  const { spOffset } = entry;
  switch (entry.spRegister) {
    case 'sp':
      return addVirt(state.sp, spOffset);
    case 'sp_indirect':
      return indirectSp(memory, state.sp, spOffset);
    case 'bp_indirect': {
      const bp = value(state.registers, 'bp');
      return bp === undefined ? undefined : memory.pointer(addVirt(bp, spOffset));
    }
    case 'bp':
    case 'ax':
    case 'dx':
    case 'di':
    case 'r10':
    case 'r13': {
      const base = value(state.registers, entry.spRegister);
      return base === undefined ? undefined : addVirt(base, spOffset);
    }
    case 'prev_sp':
    case 'undefined':
      return undefined;
  }
}

/**
 * Since 87ccc826bf1c (v5.12) the word at SP is read and the offset added; before, the offset was added first. The
 * older reading is taken where only it gives an address on a stack that goes on: one that can be read.
 */
function indirectSp(memory: AddressSpace, sp: VirtAddr, offset: number): VirtAddr {
  const newer = addVirt(memory.pointer(sp), offset);
  if (offset === 0 || isReadable(memory, newer)) return newer;
  return memory.pointer(addVirt(sp, offset));
}

function isReadable(memory: AddressSpace, address: VirtAddr): boolean {
  return attempt(() => memory.u64(addVirt(address, -8))) !== undefined;
}

function callersBp(memory: AddressSpace, state: FrameState, entry: OrcEntry, cfa: VirtAddr): bigint | undefined {
  switch (entry.bpRegister) {
    case 'undefined':
      return state.registers['rbp'];
    case 'prev_sp':
      return memory.u64(addVirt(cfa, entry.bpOffset));
    case 'bp': {
      const bp = value(state.registers, 'bp');
      return bp === undefined ? undefined : memory.u64(addVirt(bp, entry.bpOffset));
    }
    default:
      return undefined;
  }
}

function value(registers: Registers, name: OrcRegister): VirtAddr | undefined {
  const found = registers[name.startsWith('r') ? name : `r${name}`];
  return found === undefined ? undefined : virtAddr(found);
}

/** A whole struct pt_regs. */
export function readPtRegs(memory: AddressSpace, address: VirtAddr): SavedRegisters {
  const registers = registersOfPtRegs(memory.bytes(address, PT_REGS_SIZE)) ?? {};
  return { address, registers, user: isUserMode(registers) };
}

/** Only what the CPU pushed: ip, cs, flags, sp, ss. */
function readIretFrame(memory: AddressSpace, address: VirtAddr): SavedRegisters {
  const word = (index: number): bigint => memory.u64(addVirt(address, index * 8));
  const registers = { rip: word(0), cs: word(1) & 0xffffn, rflags: word(2), rsp: word(3), ss: word(4) & 0xffffn };
  return { address: addVirt(address, -IRET_FRAME_OFFSET), registers, user: isUserMode(registers) };
}

/** The privilege level in the code segment selector: Intel SDM volume 3A, section 5.5. */
export function isUserMode(registers: Registers): boolean {
  return ((registers['cs'] ?? 0n) & 3n) === 3n;
}
