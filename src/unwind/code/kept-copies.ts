/**
 * What a register was when a function was entered, from the copies that the function itself made: in a register that
 * callees hand back, or in a word of its stack.
 */

import { calleeSavedRegisters } from '../../arch/x86-64/registers.ts';
import { knownValue, type Activation, type Followed } from './activation.ts';
import { readsMemory, registersIn, type Formula } from './formula.ts';
import { reachingDefinitions } from './reaching.ts';

/** A copy, with the word of the stack that it is in; undefined where it is in a register. */
export interface KeptCopy extends Followed {
  readonly slot: bigint | undefined;
}

/** A register at the entry, plus a constant; of narrow copies the lowest `size` bytes alone. */
interface EntryTerm {
  readonly register: string;
  readonly offset: bigint;
  readonly size: number;
}

const LONGEST_CHAIN = 16;
/** Of words of the stack that are looked at. */
const MOST_STORES = 500;

/**
 * @param kept the registers that are known where the run stands
 * @param size how many of the lowest bytes are wanted
 * @param word reads a word of the stack
 */
export function keptCopy(
  activation: Activation,
  register: string,
  size: number,
  kept: ReadonlyMap<string, Followed>,
  word: (address: bigint, size: number) => bigint | undefined,
): KeptCopy | undefined {
  if (activation.code.incomplete !== undefined) return undefined;
  return inRegister(activation, register, size, kept) ?? onStack(activation, register, size, word);
}

function inRegister(
  activation: Activation,
  register: string,
  size: number,
  kept: ReadonlyMap<string, Followed>,
): KeptCopy | undefined {
  for (const [name, found] of kept) {
    const term = entryTerm(activation, activation.place, name);
    if (term?.register !== register || term.size < size) continue;
    const copy = name === register ? [] : [`${activation.code.name} has kept it in ${name}`];
    return {
      ...found,
      value: BigInt.asUintN(64, found.value - term.offset),
      notes: [...copy, ...found.notes],
      slot: undefined,
    };
  }
  return undefined;
}

function onStack(
  activation: Activation,
  register: string,
  size: number,
  word: (address: bigint, size: number) => bigint | undefined,
): KeptCopy | undefined {
  const { code } = activation;
  const top = activation.register('rsp')?.value;
  if (top === undefined) return undefined;
  let asked = 0;
  for (const index of code.instructions.keys()) {
    for (const { place, value } of code.effect(index).stores) {
      if (place.size < size || place.segment !== undefined || !isOnStack(place.address)) continue;
      if (++asked > MOST_STORES) return undefined;
      const term = termOf(activation, index, value);
      if (term?.register !== register || term.size < size || term.offset !== 0n) continue;
      if (!leadsHere(activation, index)) continue;
      const address = activation.evaluate(place.address, index)?.value;
      if (address === undefined || activation.isOverwritten(index, address, place.size)) continue;
      if (address < top) continue;
      // A register that has to be handed back is pushed for that alone.
      const isSaved = code.instructions[index]?.name === 'push' && calleeSavedRegisters.includes(register);
      if (!isSaved && isHandedOut(activation, address)) continue;
      const found = word(address, place.size);
      if (found !== undefined)
        return {
          ...knownValue(found, `${code.name} has kept it on its stack, at ${address.toString(16)}`),
          slot: address,
        };
    }
  }
  return undefined;
}

function isOnStack(address: Formula): boolean {
  const registers = [...registersIn(address)];
  return !readsMemory(address) && registers.length > 0 && registers.every((name) => name === 'rsp' || name === 'rbp');
}

/** Whether every way to where the run stands leads through an instruction: without it the entry is not reached. */
export function leadsHere({ code, place }: Activation, through: number): boolean {
  const seen = new Set([through]);
  const waiting = [place];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (seen.has(at)) continue;
    if (at === 0 || code.isFixup(at)) return false;
    seen.add(at);
    waiting.push(...code.predecessors(at));
  }
  return true;
}

/** Whether the function computes the address of that word, or of an object that may reach to it: others may write it. */
function isHandedOut(activation: Activation, word: bigint): boolean {
  const { code } = activation;
  return [...code.instructions.entries()].some(([index, { name }]) => {
    if (name !== 'lea') return false;
    return [...code.effect(index).registers].some(([to, formula]) => {
      if (to === 'rsp' || !isOnStack(formula)) return false;
      const address = activation.evaluate(formula, index)?.value;
      return address === undefined || address <= word;
    });
  });
}

/** A register before an instruction as one at the entry; undefined where it is anything else. */
export function entryTerm(activation: Activation, index: number, register: string, depth = 0): EntryTerm | undefined {
  if (depth > LONGEST_CHAIN) return undefined;
  const { code } = activation;
  const [definition, another] = reachingDefinitions(code, index, register);
  if (definition === undefined || another !== undefined) return undefined;
  if (definition.kind === 'entry') return { register, offset: 0n, size: 8 };
  if (definition.kind === 'fixup') return undefined;
  const formula = code.effect(definition.index).registers.get(register);
  return formula && termOf(activation, definition.index, formula, depth + 1);
}

function termOf(activation: Activation, index: number, formula: Formula, depth = 0): EntryTerm | undefined {
  switch (formula.kind) {
    case 'register':
      return entryTerm(activation, index, formula.name, depth);
    case 'extended': {
      const term = termOf(activation, index, formula.of, depth);
      return term && { ...term, size: Math.min(term.size, formula.size) };
    }
    case 'binary': {
      if (formula.right.kind !== 'constant' || (formula.operation !== 'add' && formula.operation !== 'subtract'))
        return undefined;
      const term = termOf(activation, index, formula.left, depth);
      const { value } = formula.right;
      return term && { ...term, offset: formula.operation === 'add' ? term.offset + value : term.offset - value };
    }
    default:
      return undefined;
  }
}
