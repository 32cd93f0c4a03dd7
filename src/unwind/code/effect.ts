/**
 * What one x86-64 instruction does to registers and memory, as formulas over the state before it. Instruction set:
 * Intel SDM volume 2; which registers a call keeps: System V ABI, AMD64 supplement, figure 3.4.
 *
 * Invariant: every register that an instruction may change is among its `registers`, if only as unknown.
 */

import { calleeSavedRegisters, callerSavedRegisters } from '../../arch/x86-64/registers.ts';
import type { Disassembler } from '../../disasm/disassembler.ts';
import {
  memoryOperandOf,
  type Instruction,
  type MemoryOperand,
  type Operand,
  type RegisterOperand,
} from '../../disasm/instruction.ts';
import {
  binary,
  constant,
  extended,
  register,
  WORD,
  type Formula,
  type MemoryFormula,
  type Operation,
} from './formula.ts';

export interface Store {
  readonly place: MemoryFormula;
  readonly value: Formula;
}

export interface Effect {
  /** The new values of the whole registers ("rax") that change. */
  readonly registers: ReadonlyMap<string, Formula>;
  readonly stores: readonly Store[];
  /** It writes memory that `stores` does not tell: a call, a string instruction. */
  readonly storesElsewhere: boolean;
}

export const unknownByCall: Formula = { kind: 'unknown', cause: 'call' };
export const unknownComputed: Formula = { kind: 'unknown', cause: 'computed' };

const callEffect: Effect = {
  registers: new Map(callerSavedRegisters.map((name) => [name, unknownByCall])),
  stores: [],
  storesElsewhere: true,
};
/** syscall, vmcall, vmlaunch: who answers may change whatever it likes. */
const systemEffect: Effect = {
  registers: new Map([...callerSavedRegisters, ...calleeSavedRegisters].map((name) => [name, unknownByCall])),
  stores: [],
  storesElsewhere: true,
};
/** Changes nothing that is followed. */
export const noEffect: Effect = { registers: new Map(), stores: [], storesElsewhere: false };

/** The effect of an instruction that goes on to the next one, or, of a call, of all that happens until it returns. */
export function effectOf(instruction: Instruction, disassembler: Disassembler): Effect {
  if (instruction.kind === 'call') return instruction.name === 'call' ? callEffect : systemEffect;
  if (isPlainControl(instruction)) return noEffect;
  const simple = transfers[instruction.name]?.(instruction.operands) ?? arithmetic(instruction);
  return simple ?? otherEffect(instruction, disassembler);
}

/** A jump, branch or return that changes no register; `loop` counts. */
function isPlainControl({ kind, name }: Instruction): boolean {
  return kind === 'jump' || kind === 'return' || kind === 'trap' || (kind === 'branch' && name.startsWith('j'));
}

/** What a call or jump through a register or memory reads its target from; undefined of a direct one. */
export function targetFormula({ kind, operands }: Instruction): Formula | undefined {
  const [operand] = operands;
  if ((kind !== 'call' && kind !== 'jump') || operand === undefined || operand.kind === 'target') return undefined;
  return read(operand, WORD);
}

/** The address of a memory operand, without its segment's base. */
export function addressFormula(operand: MemoryOperand): Formula {
  if (operand.address !== undefined) return constant(operand.address);
  let sum = constant(operand.displacement);
  if (operand.index !== undefined)
    sum = add(binary('multiply', register(operand.index), constant(BigInt(operand.scale))), sum);
  return operand.base === undefined ? sum : add(register(operand.base), sum);
}

function add(left: Formula, right: Formula): Formula {
  return binary('add', left, right);
}

function place(operand: MemoryOperand, size: number): MemoryFormula {
  return { kind: 'memory', address: addressFormula(operand), size, segment: operand.segment };
}

/** Whether its address is made of whole registers, and its size one that a register holds. */
function isPlain(operand: MemoryOperand): boolean {
  const whole = [operand.base, operand.index].every((name) => name === undefined || wholeRegisters.has(name));
  return whole && operand.size <= WORD;
}

const wholeRegisters = new Set([...callerSavedRegisters, ...calleeSavedRegisters, 'rsp']);

function isHighByte({ name }: RegisterOperand): boolean {
  return /^[a-d]h$/.test(name);
}

/** What an operand holds, as an unsigned number of `size` bytes; undefined where that is not followed. */
function read(operand: Operand, size: number): Formula | undefined {
  switch (operand.kind) {
    case 'immediate':
      return constant(BigInt.asUintN(size * 8, operand.value));
    case 'register':
      if (!wholeRegisters.has(operand.whole)) return undefined;
      if (isHighByte(operand)) return extended(binary('shift-right', register(operand.whole), constant(8n)), 1);
      return extended(register(operand.whole), operand.size);
    case 'memory':
      return isPlain(operand) ? place(operand, size) : undefined;
    case 'target':
      return undefined;
  }
}

/** What an operand holds before its instruction, as an unsigned number; undefined where that is not followed. */
export function operandFormula(operand: Operand): Formula | undefined {
  return read(operand, sizeOf(operand));
}

/** Writes a value to an operand; undefined where that is not followed. */
function write(operand: Operand, value: Formula): Effect | undefined {
  if (operand.kind === 'memory')
    return isPlain(operand)
      ? { registers: new Map(), stores: [{ place: place(operand, operand.size), value }], storesElsewhere: false }
      : undefined;
  if (operand.kind !== 'register' || !wholeRegisters.has(operand.whole)) return undefined;
  return registersSet([operand.whole, merged(operand, value)]);
}

/** Writes of four bytes clear the upper half; narrower ones leave the rest as it is. SDM volume 1, section 3.4.1.1. */
function merged(operand: RegisterOperand, value: Formula): Formula {
  if (value.kind === 'unknown' || operand.size >= WORD) return value;
  if (operand.size === 4) return extended(value, 4);
  const shift = isHighByte(operand) ? 8n : 0n;
  const mask = ((1n << BigInt(operand.size * 8)) - 1n) << shift;
  const part = binary('shift-left', extended(value, operand.size), constant(shift));
  return binary('or', binary('and', register(operand.whole), constant(~mask)), part);
}

function registersSet(...registers: [string, Formula][]): Effect {
  return { registers: new Map(registers), stores: [], storesElsewhere: false };
}

function sizeOf(operand: Operand): number {
  return operand.kind === 'register' || operand.kind === 'memory' ? operand.size : WORD;
}

type Transfer = (operands: readonly Operand[]) => Effect | undefined;

/** Moves, addresses, the stack. Each gives undefined for a form that is not followed. */
const transfers: Readonly<Record<string, Transfer>> = {
  mov: ([to, from]) => to && from && moved(to, read(from, sizeOf(to))),
  movabs: ([to, from]) => to && from && moved(to, read(from, sizeOf(to))),
  movzx: ([to, from]) => to && from && moved(to, read(from, sizeOf(from))),
  movsx: ([to, from]) => to && from && moved(to, signExtended(from)),
  movsxd: ([to, from]) => to && from && moved(to, signExtended(from)),
  lea: ([to, from]) =>
    to && from?.kind === 'memory' && isPlain({ ...from, size: 0 }) ? moved(to, addressFormula(from)) : undefined,
  push: ([from]) => {
    const value = from && (from.kind === 'immediate' ? constant(from.value) : read(from, WORD));
    if (value === undefined || from === undefined || (from.kind !== 'immediate' && sizeOf(from) !== WORD))
      return undefined;
    return pushed(value);
  },
  pop: ([to]) => {
    const raised = add(register('rsp'), constant(BigInt(WORD)));
    if (to?.kind === 'register' && to.size === WORD) return registersSet(['rsp', raised], [to.whole, stackTop]);
    if (to?.kind !== 'memory' || to.size !== WORD || !isPlain(to)) return undefined;
    // The address is that of after the stack pointer's rise: SDM volume 2B, POP.
    const displacement = to.base === 'rsp' ? to.displacement + BigInt(WORD) : to.displacement;
    const target = place({ ...to, displacement }, WORD);
    return {
      registers: new Map([['rsp', raised]]),
      stores: [{ place: target, value: stackTop }],
      storesElsewhere: false,
    };
  },
  pushfq: () => pushed(unknownComputed),
  popfq: () => registersSet(['rsp', add(register('rsp'), constant(BigInt(WORD)))]),
  leave: () =>
    registersSet(
      ['rsp', add(register('rbp'), constant(BigInt(WORD)))],
      ['rbp', { kind: 'memory', address: register('rbp'), size: WORD, segment: undefined }],
    ),
  xchg: ([one, other]) => {
    if (one?.kind !== 'register' || other?.kind !== 'register') return undefined;
    const [first, second] = [read(one, one.size), read(other, other.size)];
    if (first === undefined || second === undefined || one.whole === other.whole) return undefined;
    return registersSet([one.whole, merged(one, second)], [other.whole, merged(other, first)]);
  },
  cdqe: () => registersSet(['rax', extended(register('rax'), 4, true)]),
  cdq: () => registersSet(['rdx', extended(shiftedSign(extended(register('rax'), 4, true)), 4)]),
  cqo: () => registersSet(['rdx', shiftedSign(register('rax'))]),
  nop: () => noEffect,
  endbr64: () => noEffect,
  test: () => noEffect,
  cmp: () => noEffect,
};

const stackTop: MemoryFormula = { kind: 'memory', address: register('rsp'), size: WORD, segment: undefined };

function pushed(value: Formula): Effect {
  const address = binary('subtract', register('rsp'), constant(BigInt(WORD)));
  const top: MemoryFormula = { kind: 'memory', address, size: WORD, segment: undefined };
  return { registers: new Map([['rsp', address]]), stores: [{ place: top, value }], storesElsewhere: false };
}

function moved(to: Operand, value: Formula | undefined): Effect | undefined {
  return value && write(to, value);
}

function signExtended(from: Operand): Formula | undefined {
  const value = read(from, sizeOf(from));
  return value && extended(value, sizeOf(from), true);
}

function shiftedSign(value: Formula): Formula {
  return binary('shift-right-signed', value, constant(63n));
}

const binaryInstructions: Readonly<Record<string, Operation>> = {
  add: 'add',
  sub: 'subtract',
  and: 'and',
  or: 'or',
  xor: 'xor',
  shl: 'shift-left',
  sal: 'shift-left',
  shr: 'shift-right',
  sar: 'shift-right-signed',
};

/** An operation on an operand that is replaced by its result. */
function arithmetic({ name, operands }: Instruction): Effect | undefined {
  const [to, from, third] = operands;
  if (to === undefined) return undefined;
  const size = sizeOf(to);
  const operation = binaryInstructions[name];
  if (operation !== undefined && from !== undefined) {
    if (isSame(to, from) && (operation === 'xor' || operation === 'subtract')) return write(to, constant(0n));
    return moved(to, shiftOrBinary(operation, to, from, size));
  }
  const before = read(to, size);
  if (name.startsWith('cmov') && from !== undefined) {
    const value = read(from, size);
    return before && value && write(to, { kind: 'either', first: before, second: value });
  }
  if (name.startsWith('set') && from === undefined && size === 1)
    return write(to, { kind: 'either', first: constant(0n), second: constant(1n) });
  if (name === 'imul' && from !== undefined) {
    const left = third === undefined ? before : read(from, size);
    const right = read(third ?? from, size);
    return left && right && write(to, binary('multiply', left, right));
  }
  if (from !== undefined || before === undefined) return undefined;
  const unary = unaryInstructions[name];
  return unary && write(to, unary(before));
}

const unaryInstructions: Readonly<Record<string, (before: Formula) => Formula>> = {
  inc: (before) => add(before, constant(1n)),
  dec: (before) => binary('subtract', before, constant(1n)),
  neg: (before) => binary('subtract', constant(0n), before),
  not: (before) => binary('xor', before, constant(-1n)),
};

function shiftOrBinary(operation: Operation, to: Operand, from: Operand, size: number): Formula | undefined {
  const before = read(to, size);
  if (before === undefined) return undefined;
  if (!operation.startsWith('shift')) {
    const value = read(from, size);
    return value && binary(operation, before, value);
  }
  if (from.kind !== 'immediate') return undefined;
  const count = from.value & (size === WORD ? 63n : 31n);
  return binary(operation, operation === 'shift-right-signed' ? extended(before, size, true) : before, constant(count));
}

function isSame(one: Operand, other: Operand): boolean {
  return one.kind === 'register' && other.kind === 'register' && one.name === other.name;
}

/** Of an instruction that is not followed: which registers it changes, and whether it may write memory. */
function otherEffect(instruction: Instruction, disassembler: Disassembler): Effect {
  const { writes, operands } = disassembler.effects(instruction);
  const registers = new Map(writes.filter((name) => wholeRegisters.has(name)).map((name) => [name, unknownComputed]));
  const written = memoryOperandOf(instruction);
  const stores = written !== undefined && operands[instruction.operands.indexOf(written)]?.includes('write') === true;
  const told = stores && isPlain(written) && written.size > 0 && !stringInstruction.test(instruction.name);
  return {
    registers,
    stores: told ? [{ place: place(written, written.size), value: unknownComputed }] : [],
    storesElsewhere: stores && !told,
  };
}

/** Those that write as many bytes as a register says. */
const stringInstruction = /^(?:stos|movs|ins)[bwdq]$/;
