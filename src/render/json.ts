/**
 * Results as JSON: addresses and other bigints as "0x…" strings, negative ones "-0x…", bytes as the words that were asked for; nothing is
 * rounded. What is undefined is left out.
 */

import { hex0x } from '../base/addr.ts';
import { decodeText } from '../bytes/read.ts';
import { wordsOf } from '../bytes/words.ts';
import type { MemoryDump } from '../query/memory-dump.ts';
import type { SearchReport } from '../query/memory-search.ts';
import type { Result } from '../query/result.ts';

/** A result as a value that JSON.stringify takes as it is. */
export function toJson(result: Result): unknown {
  switch (result.type) {
    case 'memory': {
      const { bytes, format, ascii: _ascii, swapped: _swapped, detail: _detail, ...rest } = result;
      const text = format === 'string' || format === 'text' ? decodeText(bytes) : undefined;
      return plain({ ...rest, words: wordsOf(bytes, result.unit), text });
    }
    case 'raw-memory':
      return plain({ ...result, bytes: result.bytes.length });
    case 'search':
      return plain(searchJson(result));
    default:
      return plain(result);
  }
}

/** Text as it stands in memory, and what is not UTF-8 in it as U+FFFD. */
function searchJson({ heading: _heading, words, texts, ...rest }: SearchReport): object {
  const around = (pieces: readonly MemoryDump[]): object[] | undefined =>
    pieces.length === 0
      ? undefined
      : pieces.map(({ address, bytes, hole }) => ({ address, words: wordsOf(bytes, rest.unit), hole }));
  return {
    ...rest,
    words: words.map((hit) => ({ ...hit, before: around(hit.before), after: around(hit.after) })),
    texts: texts.map(({ address, bytes }) => ({ address, text: decodeText(bytes) })),
  };
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
