/** Words of stacks, two on a line, or one where much is said of it: under a frame (`bt -f`, `-F`), and a whole stack (`bt -r`). */

import { hex } from '../../base/addr.ts';
import type { WordColumns } from '../../query/frame-words.ts';
import type { RawStack } from '../../query/raw-stack.ts';
import type { StackWord } from '../../query/stack-words.ts';
import { headerLine } from './backtrace.ts';
import { WORD_WIDTH, wordText } from './words.ts';

const WORDS_PER_LINE = 2;

export function* renderFrameWords(
  words: readonly StackWord[],
  columns: WordColumns,
  radix: 10 | 16,
): Generator<string> {
  for (const [address, cells] of rows(words, columns, radix)) yield `    ${address}: ${cells}`;
}

export function* renderRawStack({ header, words, unavailable }: RawStack): Generator<string> {
  yield headerLine(header);
  for (const [address, cells] of rows(words, 1, 10)) yield `${address}:  ${cells}`;
  if (unavailable !== undefined) yield `(no stack: ${unavailable})`;
}

function* rows(
  words: readonly StackWord[],
  columns: WordColumns,
  radix: 10 | 16,
): Generator<readonly [string, string]> {
  const detail = columns === 'numbers' ? 1 : columns;
  const perLine = detail === 3 ? 1 : WORDS_PER_LINE;
  for (let index = 0; index < words.length; index += perLine) {
    const line = words.slice(index, index + perLine);
    const cells = line.map(({ word }) =>
      word.kind === 'unavailable' ? '(unavailable)'.padEnd(WORD_WIDTH) : wordText(word, detail, radix),
    );
    yield [hex(words[index]?.address ?? 0n, WORD_WIDTH), cells.map((cell) => `${cell} `).join('')];
  }
}
