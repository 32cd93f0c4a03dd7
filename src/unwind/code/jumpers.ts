/**
 * The functions that may end in a jump to another, found in all code there is: who may have been called by a pointer
 * that is not known any more.
 *
 * Invariant: a jump is believed only where it is an instruction of the function around it.
 */

import { addVirt, virtAddr, type VirtAddr } from '../../base/addr.ts';
import { checkCancelled } from '../../base/cancel.ts';
import type { Functions } from './functions.ts';
import type { TailStep } from './tail-ways.ts';

const CHUNK = 1 << 18;
/** Where instructions at the end of a chunk are met again. */
const LONGEST_JUMP = 6;
const MOST_JUMPERS = 64;

const kept = new WeakMap<Functions, Map<bigint, readonly TailStep[]>>();

/** The last jumps of ways that lead to code that starts at an address. */
export function jumpersTo(functions: Functions, start: VirtAddr): readonly TailStep[] {
  const known = kept.get(functions) ?? new Map<bigint, readonly TailStep[]>();
  kept.set(functions, known);
  let found = known.get(start);
  if (found === undefined) {
    found = [...search(functions, start)].slice(0, MOST_JUMPERS);
    known.set(start, found);
  }
  return found;
}

function* search(functions: Functions, target: VirtAddr): Generator<TailStep> {
  const { source } = functions;
  for (const { start, end } of source.text()) {
    for (let at = start; at < end; at = addVirt(at, CHUNK)) {
      checkCancelled();
      const length = Math.min(CHUNK + LONGEST_JUMP, Number(end - at));
      const bytes = source.read(at, length);
      if (bytes === undefined) continue;
      for (const offset of jumpsIn(bytes, Number(target - at))) {
        const step = offset < CHUNK ? stepAt(functions, addVirt(at, offset), target) : undefined;
        if (step !== undefined) yield step;
      }
    }
  }
}

/** Offsets of bytes that look like a jump to another offset: `jmp rel32`, `jcc rel32` (Intel SDM volume 2). */
function jumpsIn(bytes: Uint8Array, target: number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: number[] = [];
  for (let at = bytes.indexOf(0xe9); at >= 0 && at + 5 <= bytes.length; at = bytes.indexOf(0xe9, at + 1))
    if (view.getInt32(at + 1, true) === target - at - 5) found.push(at);
  for (let at = bytes.indexOf(0x0f); at >= 0 && at + 6 <= bytes.length; at = bytes.indexOf(0x0f, at + 1))
    if (((bytes[at + 1] as number) & 0xf0) === 0x80 && view.getInt32(at + 2, true) === target - at - 6) found.push(at);
  return found;
}

function stepAt(functions: Functions, address: VirtAddr, target: VirtAddr): TailStep | undefined {
  const code = functions.at(virtAddr(address));
  const jump = code?.indexAt(address);
  if (code === undefined || jump === undefined || code.start === target) return undefined;
  const leads = code.tailJumps.some(
    ({ index, target: to }) => index === jump && to.kind === 'address' && to.address === target,
  );
  return leads ? { code, jump } : undefined;
}
