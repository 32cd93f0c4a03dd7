/** Which instructions of a function can have stored a word of its stack. */

import { readsMemory, registersIn, type Formula } from '../code/formula.ts';
import type { RunActivation } from './run-activation.ts';

export interface SlotStores {
  /** By index, those that store that very word. */
  readonly stores: readonly number[];
  /** One of them, or another instruction, stores a part of it or more than it. */
  readonly overlapping: number | undefined;
  /** No instruction need have stored it since the function was entered. */
  readonly fromEntry: boolean;
  /** The function hands out the address of an object that may reach to the word: others may have written it. */
  readonly handedOut: boolean;
}

/** @param address of the word that is read, or looked at, before the instruction at `index` */
export function storesTo(activation: RunActivation, index: number, address: bigint, size: number): SlotStores {
  const { code } = activation;
  const stores: number[] = [];
  let overlapping: number | undefined;
  let fromEntry = false;
  const seen = new Uint8Array(code.instructions.length);
  const waiting = [index];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (seen[at] === 1) continue;
    seen[at] = 1;
    if (at === 0) fromEntry = true;
    for (const before of code.predecessors(at)) {
      const hit = hitBy(activation, before, address, size);
      if (hit === 'none') waiting.push(before);
      else if (hit === 'part') overlapping ??= before;
      else if (!stores.includes(before)) stores.push(before);
    }
  }
  return { stores, overlapping, fromEntry, handedOut: isHandedOut(activation, address) };
}

function hitBy(activation: RunActivation, index: number, address: bigint, size: number): 'none' | 'part' | 'whole' {
  let hit: 'none' | 'part' | 'whole' = 'none';
  for (const { place } of activation.code.effect(index).stores) {
    if (place.segment !== undefined) continue;
    const to = activation.evaluate(place.address, index)?.value;
    if (to === undefined || to >= address + BigInt(size) || address >= to + BigInt(place.size)) continue;
    hit = to === address && place.size === size ? 'whole' : 'part';
  }
  return hit;
}

/** Whether an address is made of the stack pointer or the frame pointer, without a look at memory. */
function isStackFormula(address: Formula): boolean {
  const registers = [...registersIn(address)];
  return !readsMemory(address) && registers.length > 0 && registers.every((name) => name === 'rsp' || name === 'rbp');
}

/** Whether the function computes the address of that word, or of an object that may reach to it. */
export function isHandedOut(activation: RunActivation, word: bigint): boolean {
  return [...activation.code.instructions.keys()].some((index) =>
    [...activation.code.effect(index).registers].some(([to, formula]) => {
      if (to === 'rsp' || to === 'rbp' || !isStackFormula(formula)) return false;
      const address = activation.evaluate(formula, index)?.value;
      return address === undefined ? formula.kind !== 'register' || formula.name === 'rsp' : address <= word;
    }),
  );
}
