/** What tests ask of a dump's memory, and pages whose bytes all codecs can pack. */

import { FaultError } from '../../src/base/errors.ts';
import type { DumpImage } from '../../src/formats/dump-image.ts';
import { randomFrom } from './mutate.ts';

const PERIOD = 97;

/** Bytes that repeat with a period, and then one byte. */
export function pageOf(seed: number, size = 4096): Uint8Array {
  const random = randomFrom(seed);
  const period = Uint8Array.from({ length: PERIOD }, () => random() * 256);
  return Uint8Array.from({ length: size }, (_, index) => (index < size * 0.75 ? period[index % PERIOD] : seed) ?? 0);
}

export function bytesAt(image: DumpImage, address: number, length: number): Uint8Array {
  const target = new Uint8Array(length);
  image.read(address, target);
  return target;
}

/** Why a byte cannot be read, or 'read'. */
export function why(image: DumpImage, address: number): string {
  try {
    image.read(address, new Uint8Array(1));
    return 'read';
  } catch (error) {
    if (error instanceof FaultError) return error.why;
    throw error;
  }
}
