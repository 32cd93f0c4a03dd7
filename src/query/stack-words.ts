/** The words of a stretch of stack, each with its address; those that cannot be read are said to be so. */

import { addVirt, PAGE_SIZE, virtAddr, type VirtAddr } from '../base/addr.ts';
import { FaultError } from '../base/errors.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { WordLabel } from './word-label.ts';

export const WORD = 8;

export interface UnavailableWord {
  readonly kind: 'unavailable';
  readonly why: string;
}

export interface StackWord {
  readonly address: VirtAddr;
  readonly word: WordLabel | UnavailableWord;
}

/** Words that lie one after another and can be read, or the reason why these cannot. */
export interface WordRun {
  readonly address: VirtAddr;
  /** How many. */
  readonly count: number;
  readonly view: DataView | undefined;
  readonly why: string;
}

/** Whole words of [from, to), a page at a time. Nothing is read where that is empty. */
export function* wordRuns(memory: AddressSpace, from: VirtAddr, to: VirtAddr): Generator<WordRun> {
  for (let at = from; addVirt(at, WORD) <= to && at >= from;) {
    const toPageEnd = PAGE_SIZE - Number(at & BigInt(PAGE_SIZE - 1));
    const length = Math.max(WORD, Math.min(toPageEnd, Number(to - at)) & -WORD);
    yield readRun(memory, at, length);
    at = addVirt(at, length);
  }
}

function readRun(memory: AddressSpace, address: VirtAddr, length: number): WordRun {
  const count = length / WORD;
  try {
    const bytes = memory.bytes(address, length);
    return { address, count, view: new DataView(bytes.buffer, bytes.byteOffset, length), why: '' };
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return { address, count, view: undefined, why: error.message };
  }
}

/** @param describe what is said of a word that can be read */
export function stackWords(
  memory: AddressSpace,
  from: VirtAddr,
  to: VirtAddr,
  describe: (value: VirtAddr) => WordLabel,
): StackWord[] {
  const words: StackWord[] = [];
  for (const { address, count, view, why } of wordRuns(memory, from, to)) {
    for (let index = 0; index < count; index++) {
      const word: StackWord['word'] =
        view === undefined ? { kind: 'unavailable', why } : describe(virtAddr(view.getBigUint64(index * WORD, true)));
      words.push({ address: addVirt(address, index * WORD), word });
    }
  }
  return words;
}
