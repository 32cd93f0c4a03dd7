/** Whether an answer about a stack speaks of a function or an address: what `bt -R` asks. */

import type { VirtAddr } from '../base/addr.ts';
import type { Registers } from '../arch/architecture.ts';
import type { Backtrace, BacktraceFrame } from './backtrace.ts';
import type { StackText, TextPlace } from './stack-text.ts';
import type { StackWord } from './stack-words.ts';

/** A function by its name; or an address, which stands for the function that begins there, too. */
export interface Reference {
  readonly name: string | undefined;
  readonly address: VirtAddr | undefined;
}

/** Functions by any of their names, inlined ones too; addresses wherever one is shown. */
export function refersTo(answer: Backtrace | StackText, reference: Reference): boolean {
  if (hasValue(answer.userRegisters, reference)) return true;
  if (answer.type === 'backtrace') return answer.frames.some((frame) => frameRefersTo(frame, reference));
  return (
    (answer.start !== undefined && placeRefersTo(answer.start, reference)) ||
    answer.parts.some(
      ({ before, words, interrupted }) =>
        [...before, ...words].some((word) => placeRefersTo(word, reference) || word.slot === reference.address) ||
        (interrupted !== undefined && placeRefersTo(interrupted.at, reference)) ||
        hasValue(interrupted?.registers, reference),
    )
  );
}

function placeRefersTo({ symbol, address, offset }: TextPlace, reference: Reference): boolean {
  return isNamed(reference, symbol) || isAt(reference, address, offset);
}

function frameRefersTo(frame: BacktraceFrame, reference: Reference): boolean {
  const names = [frame.symbol, frame.functionName, ...frame.inlined.map(({ name }) => name)];
  return (
    names.some((name) => isNamed(reference, name)) ||
    isAt(reference, frame.address, frame.offset) ||
    frame.slot === reference.address ||
    hasValue(frame.exception, reference) ||
    (frame.words?.some((word) => wordRefersTo(word, reference)) ?? false)
  );
}

function wordRefersTo({ address, word }: StackWord, reference: Reference): boolean {
  if (address === reference.address) return true;
  switch (word.kind) {
    case 'symbol':
      return isNamed(reference, word.symbol) || isAt(reference, word.value, word.offset);
    case 'slab':
      return isNamed(reference, word.cache) || word.value === reference.address || word.object === reference.address;
    case 'page':
    case 'number':
      return word.value === reference.address;
    case 'unavailable':
      return false;
  }
}

function isNamed({ name }: Reference, found: string | undefined): boolean {
  return name !== undefined && name === found;
}

function isAt(reference: Reference, address: VirtAddr, offset: number): boolean {
  return reference.address === address || reference.address === address - BigInt(offset);
}

function hasValue(registers: Registers | undefined, { address }: Reference): boolean {
  return address !== undefined && Object.values(registers ?? {}).includes(address);
}
