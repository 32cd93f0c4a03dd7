/**
 * Taint flags as letters: from the kernel's own `taint_flags` (7fd8329ba502, v4.10) where its memory has it, else by
 * the values of include/linux/panic.h, which have only ever been added to.
 */

import { addVirt } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import { sizeOf } from '../debuginfo/types/type.ts';
import { memberOf } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';

/** By bit: what stands for a flag that is set. */
const LETTERS = 'PFSRMBUDAWCIOELKXTNJ';
const MOST_FLAGS = 64;

/** The letters of the flags that are set; a bit that no letter is known for as "0x…" behind them. */
export function taintLetters(kernel: Kernel, taints: bigint): string {
  let letters = '';
  let unknown = 0n;
  for (let bit = 0; bit < MOST_FLAGS; bit++) {
    if (((taints >> BigInt(bit)) & 1n) === 0n) continue;
    const letter = letterInMemory(kernel, bit) ?? LETTERS[bit];
    if (letter === undefined) unknown |= 1n << BigInt(bit);
    else letters += letter;
  }
  return unknown === 0n ? letters : `${letters}${letters === '' ? '' : ' '}0x${unknown.toString(16)}`;
}

function letterInMemory(kernel: Kernel, bit: number): string | undefined {
  const flags = kernel.addressOf('taint_flags');
  const type = kernel.types.compound('struct', 'taint_flag');
  const member = type && memberOf(type, 'c_true');
  if (flags === undefined || type === undefined || member === undefined || bit >= LETTERS.length) return undefined;
  const [code = 0] = attempt(() => kernel.memory.bytes(addVirt(flags, bit * sizeOf(type) + member.offset), 1)) ?? [];
  return code > 0x20 && code < 0x7f ? String.fromCharCode(code) : undefined;
}
