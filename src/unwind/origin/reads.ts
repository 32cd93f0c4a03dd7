/** What an instruction reads from memory: a word of the stack, a register that an exception saved there, other memory. */

import { virtAddr, type VirtAddr } from '../../base/addr.ts';
import type { Followed } from '../code/activation.ts';
import type { MemoryFormula } from '../code/formula.ts';
import { evaluateAt, type Moment } from './moment.ts';
import type { Runs } from './runs.ts';

export type Read =
  /** A register of the code in a frame, or, without one, of user mode. */
  | {
      readonly kind: 'saved';
      readonly address: VirtAddr;
      readonly register: string;
      readonly frame: number | undefined;
    }
  /** A word of the stack, as it was at a moment of the function whose it is. */
  | { readonly kind: 'slot'; readonly address: VirtAddr; readonly moment: Moment }
  /** Undefined is what is not known. */
  | { readonly kind: 'memory'; readonly address: Followed | undefined; readonly now: bigint | undefined };

export function readOf(runs: Runs, moment: Moment, from: MemoryFormula): Read {
  const address = addressOf(runs, moment, from);
  const elsewhere: Read = { kind: 'memory', address, now: address && runs.stack.word(address.value, from.size) };
  if (address === undefined || from.segment !== undefined) return elsewhere;
  const at = virtAddr(address.value);
  const saved = runs.stack.savedAt(at);
  if (saved !== undefined) return { kind: 'saved', address: at, ...saved };
  if (runs.isOwn(moment.run, at)) return { kind: 'slot', address: at, moment };
  const owner = runs.stack.ownerOf(moment.run.frame, at);
  if (owner === undefined) return elsewhere;
  const there = runs.momentOf(owner);
  return typeof there === 'string' ? elsewhere : { kind: 'slot', address: at, moment: there };
}

/** Of the per-CPU area that of the CPU the stack is on: the task may have been on another one then. */
function addressOf(runs: Runs, moment: Moment, { address, segment }: MemoryFormula): Followed | undefined {
  const found = evaluateAt(moment, address);
  if (found === undefined || segment === undefined) return found;
  const offset = segment === 'gs' ? runs.stack.perCpuOffset() : undefined;
  if (offset === undefined) return undefined;
  const notes = [...found.notes, 'of the CPU that the task was on last'];
  return { value: BigInt.asUintN(64, found.value + offset), notes, stale: true };
}
