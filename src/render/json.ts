/**
 * Results as JSON: addresses and other bigints as "0x…" strings, bytes as the words that were asked for; nothing is
 * rounded. What is undefined is left out.
 */

import { hex0x } from '../base/addr.ts';
import { wordsOf } from '../bytes/words.ts';
import type { Result } from '../query/result.ts';

/** A result as a value that JSON.stringify takes as it is. */
export function toJson(result: Result): unknown {
  if (result.type === 'memory') {
    const { type, address, physical, unit, fault, labels } = result;
    return plain({ type, address, physical, unit, words: wordsOf(result.bytes, unit), labels, fault });
  }
  return plain(result);
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return hex0x(value);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, entry]) => [String(key), plain(entry)]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, entry]) => (entry === undefined ? [] : [[key, plain(entry)]])),
    );
  }
  return value;
}
