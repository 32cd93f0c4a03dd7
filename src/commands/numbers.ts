/** Numbers as they are typed. */

import { virtAddr, type VirtAddr } from '../base/addr.ts';
import { UsageError } from '../base/errors.ts';
import { parseHex } from './session.ts';

const HIGHEST_PHYSICAL = 1n << 52n;

/** A whole number that fits a double: decimal, unless it has 0x. Throws UsageError. */
export function integer(word: string): number {
  const match = /^(-?)(0x[0-9a-f]+|\d+)$/i.exec(word);
  const value = Number(match?.[2] ?? Number.NaN) * (match?.[1] === '-' ? -1 : 1);
  if (!Number.isSafeInteger(value)) throw new UsageError(`${word} is no number`);
  return value;
}

/** Throws UsageError. */
export function physicalAddress(word: string): VirtAddr {
  const address = parseHex(word);
  if (address === undefined || address >= HIGHEST_PHYSICAL)
    throw new UsageError(`${word} is no physical address (hex, below 2^52)`);
  return virtAddr(address);
}
