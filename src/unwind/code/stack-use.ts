/**
 * Where a function keeps what it has to hand back: how far its stack pointer is below its return address at a place in
 * its code, and which of the caller's registers are still in place or were saved on the stack.
 *
 * The code is run on made-up values: the stack pointer at the entry, and one for each register that a call keeps. What
 * depends on the true values (a stack pointer that is rounded down) differs between two such runs, and is not known.
 *
 * Invariant: what is told holds on every way through the code that was followed; where two ways differ, nothing is.
 */

import { calleeSavedRegisters } from '../../arch/x86-64/registers.ts';
import { checkCancelled } from '../../base/cancel.ts';
import { evaluate } from './formula.ts';
import type { FunctionCode } from './function-code.ts';

export interface StackUse {
  /** In bytes: what lies below the return address. */
  readonly depth: number;
  /** The caller's registers, in place or in a word that lies so many bytes below the return address. */
  readonly kept: ReadonlyMap<string, 'in place' | number>;
}

/** @param place the index of an instruction that is about to be executed */
export function stackUse(code: FunctionCode, place: number): StackUse | undefined {
  const [one, other] = [run(code, place, 0x10_0000n), run(code, place, 0x20_0008n)];
  if (one === undefined || other === undefined || one.depth !== other.depth) return undefined;
  const kept = new Map(Array.from(one.kept).filter(([name, where]) => other.kept.get(name) === where));
  return { depth: one.depth, kept };
}

/** What is known before an instruction. */
interface State {
  readonly registers: Map<string, bigint>;
  /** Words on the stack by their address. */
  readonly words: Map<bigint, bigint>;
}

const WORD = 8;
const LARGEST_DEPTH = 1 << 16;
/** By instruction: what is known only shrinks, so few rounds suffice. */
const MOST_ROUNDS = 64;

/** Values that no code computes by chance. */
const tokens = calleeSavedRegisters.map((name, index) => [name, 0x5ca1_ab1e_0000_0001n + BigInt(index << 8)] as const);

function run(code: FunctionCode, place: number, entry: bigint): StackUse | undefined {
  const states: (State | undefined)[] = [{ registers: new Map([['rsp', entry], ...tokens]), words: new Map() }];
  const pending = [0];
  for (let left = code.instructions.length * MOST_ROUNDS; pending.length > 0 && left > 0; left--) {
    if ((left & 0xfff) === 0) checkCancelled();
    const index = pending.pop() ?? 0;
    const state = states[index];
    if (state === undefined) continue;
    const after = execute(code, index, state);
    for (const successor of code.successors(index)) {
      const known = states[successor];
      const joined = known === undefined ? after : common(known, after);
      if (joined === known) continue;
      states[successor] = joined;
      pending.push(successor);
    }
  }
  if (pending.length > 0) return undefined;
  return useIn(states[place], entry);
}

function useIn(state: State | undefined, entry: bigint): StackUse | undefined {
  const sp = state?.registers.get('rsp');
  if (state === undefined || sp === undefined || sp > entry || entry - sp > BigInt(LARGEST_DEPTH)) return undefined;
  const kept = new Map<string, 'in place' | number>();
  for (const [name, token] of tokens) {
    // A word below the stack pointer is anybody's.
    const saved = Array.from(state.words).find(([address, value]) => value === token && address >= sp);
    if (state.registers.get(name) === token) kept.set(name, 'in place');
    else if (saved !== undefined) kept.set(name, Number(entry - saved[0]));
  }
  return { depth: Number(entry - sp), kept };
}

function execute(code: FunctionCode, index: number, before: State): State {
  const { registers: changed, stores } = code.effect(index);
  const values = {
    register: (name: string) => before.registers.get(name),
    memory: (address: bigint, { size, segment }: { size: number; segment: string | undefined }) =>
      size === WORD && segment === undefined ? before.words.get(address) : undefined,
  };
  const registers = new Map(before.registers);
  const words = new Map(before.words);
  for (const [name, formula] of changed) {
    const value = evaluate(formula, values);
    if (value === undefined) registers.delete(name);
    else registers.set(name, value);
  }
  for (const { place, value: formula } of stores) {
    const address = place.segment === undefined ? evaluate(place.address, values) : undefined;
    if (address === undefined) continue;
    for (let at = address - BigInt(WORD - 1); at < address + BigInt(place.size); at++) words.delete(at);
    const value = place.size === WORD ? evaluate(formula, values) : undefined;
    if (value !== undefined) words.set(address, value);
  }
  return { registers, words };
}

/** What both know; `one` itself where it knows no more than the other. */
function common(one: State, other: State): State {
  const agree = <K>(here: Map<K, bigint>, there: Map<K, bigint>): Map<K, bigint> =>
    new Map(Array.from(here).filter(([key, value]) => there.get(key) === value));
  const registers = agree(one.registers, other.registers);
  const words = agree(one.words, other.words);
  const isSame = registers.size === one.registers.size && words.size === one.words.size;
  return isSame ? one : { registers, words };
}
