/**
 * Where a value stands in memory: the answer to `search`. Memory is looked at window by window, through the dump's
 * physical memory; a window is scanned once for each value, as 32- or 16-bit words, which is many times faster than as
 * bigints.
 */

import { UsageError } from '../base/errors.ts';
import { addVirt, hi32, lo32, virtAddr, type VirtAddr } from '../base/addr.ts';
import { wordAt } from '../bytes/words.ts';
import { memoryWindows, type MemoryRun, type MemoryWindow } from '../memory/scan.ts';
import type { DumpImage } from '../formats/dump-image.ts';
import { hexDump, readPieces, type MemoryDump, type MemorySource } from './memory-dump.ts';
import type { TaskHeader } from './stack-walk.ts';

/** What is looked for. */
export interface WordPattern {
  readonly kind: 'words';
  /** Bytes of each value: 2, 4, 8. It stands at multiples of that. */
  readonly unit: number;
  readonly values: readonly SearchedValue[];
  /** Bits that may be anything. */
  readonly mask: bigint;
}

export interface SearchedValue {
  readonly value: bigint;
  /** The symbol or expression it was given as. */
  readonly name: string | undefined;
}

export interface TextPattern {
  readonly kind: 'text';
  readonly texts: readonly Uint8Array[];
}

export type SearchPattern = WordPattern | TextPattern;

export interface WordHit {
  readonly address: VirtAddr;
  readonly value: bigint;
  readonly name: string | undefined;
  /** The words before it and those after, where they were asked for. */
  readonly before: readonly MemoryDump[];
  readonly after: readonly MemoryDump[];
}

export interface TextHit {
  readonly address: VirtAddr;
  /** What stands there, the text that was looked for and what follows it. */
  readonly bytes: Uint8Array;
}

/** Some hits; a search gives as many of these as it takes, the last with what was searched. */
export interface SearchReport {
  readonly type: 'search';
  /** The task whose stack the hits are on, where stacks are searched. */
  readonly task: TaskHeader | undefined;
  /** Whether the hits are the first of their task, and whether others came before. */
  readonly heading: 'none' | 'first task' | 'next task';
  readonly physical: boolean;
  /** Bytes of each value: 2, 4, 8; 1 for text. */
  readonly unit: number;
  readonly words: readonly WordHit[];
  readonly texts: readonly TextHit[];
  readonly summary: SearchSummary | undefined;
}

export interface SearchSummary {
  readonly found: number;
  readonly searchedBytes: number;
  /** What kept parts of memory from being searched. */
  readonly problems: readonly string[];
}

/** A part of the search: all there is, or the stack of one task. */
export interface SearchArea {
  readonly task: TaskHeader | undefined;
  readonly runs: Iterable<MemoryRun>;
  /** For the surroundings of a hit. */
  readonly source: MemorySource;
}

/** Page tables that could not be followed, told once. */
export class TableProblems {
  #count = 0;
  #first = '';

  readonly note = (table: number, why: string): void => {
    if (this.#count === 0) this.#first = `page table at physical ${table.toString(16)}: ${why}`;
    this.#count++;
  };

  get messages(): string[] {
    if (this.#count === 0) return [];
    const more = this.#count === 1 ? '' : `, and ${this.#count - 1} more`;
    return [`what these map was not searched: ${this.#first}${more}`];
  }
}

const MOST_HITS = 1 << 20;
const TEXT_SHOWN = 56;
const FULL = 0xffff_ffff_ffff_ffffn;

/**
 * @param context how many words are wanted before and after each hit
 * @param problems is asked when all is searched
 * @throws UsageError behind the first million hits: who asks for zeros means something else
 */
export function* searchMemory(
  image: DumpImage,
  areas: Iterable<SearchArea>,
  pattern: SearchPattern,
  context: number,
  problems: TableProblems,
): Generator<SearchReport> {
  const unit = pattern.kind === 'words' ? pattern.unit : 1;
  const overlap = pattern.kind === 'words' ? 0 : Math.max(...pattern.texts.map((text) => text.length)) - 1;
  const find = pattern.kind === 'words' ? wordFinder(pattern) : textFinder(pattern);
  const report: SearchReport = {
    type: 'search',
    task: undefined,
    heading: 'none',
    physical: false,
    unit,
    words: [],
    texts: [],
    summary: undefined,
  };
  let found = 0;
  let searchedBytes = 0;
  const summary = (): SearchReport => ({
    ...report,
    summary: { found, searchedBytes, problems: problems.messages },
  });
  for (const { task, runs, source } of areas) {
    let heading: SearchReport['heading'] = task === undefined ? 'none' : found === 0 ? 'first task' : 'next task';
    for (const window of memoryWindows(image, runs, unit, overlap)) {
      searchedBytes += window.bytes.length - window.repeated;
      const hits = find(window);
      if (hits.length === 0) continue;
      yield {
        ...report,
        task,
        heading,
        physical: source.space === 'physical',
        words: pattern.kind === 'words' ? hits.map((hit) => wordHit(pattern, window, hit, source, context)) : [],
        texts: pattern.kind === 'text' ? hits.map((hit) => textHit(window, hit, source)) : [],
      };
      heading = 'none';
      found += hits.length;
      if (found < MOST_HITS) continue;
      yield summary();
      throw new UsageError(
        `search: stopped after ${found} hits; narrow it with -s ADDRESS, -e ADDRESS or a longer value`,
      );
    }
  }
  yield summary();
}

/** A place in a window, and which of the values stands there. */
interface Hit {
  readonly offset: number;
  readonly which: number;
}

type Finder = (window: MemoryWindow) => readonly Hit[];

function wordFinder({ unit, values, mask }: WordPattern): Finder {
  const keep = FULL & ~mask;
  return ({ bytes }) => {
    const hits: Hit[] = [];
    for (const [which, { value }] of values.entries()) {
      if (unit === 8) findWide(bytes, value, keep, which, hits);
      else findNarrow(bytes, unit, value, keep, which, hits);
    }
    return inOrder(hits, values.length);
  };
}

function findWide(bytes: Uint8Array, value: bigint, keep: bigint, which: number, hits: Hit[]): void {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, (bytes.length >>> 3) * 2);
  const low = lo32(value) | 0;
  const high = hi32(value) | 0;
  const keepLow = lo32(keep) | 0;
  const keepHigh = hi32(keep) | 0;
  const end = words.length;
  for (let index = 0; index < end; index += 2) {
    if ((((words[index] as number) ^ low) & keepLow) === 0 && (((words[index + 1] as number) ^ high) & keepHigh) === 0)
      hits.push({ offset: index * 4, which });
  }
}

function findNarrow(bytes: Uint8Array, unit: number, value: bigint, keep: bigint, which: number, hits: Hit[]): void {
  const words =
    unit === 4
      ? new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2)
      : new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 1);
  const bits = unit === 4 ? keep : keep & 0xffffn;
  const wanted = lo32(value) | 0;
  const keepBits = lo32(bits) | 0;
  const end = words.length;
  for (let index = 0; index < end; index++) {
    if ((((words[index] as number) ^ wanted) & keepBits) === 0) hits.push({ offset: index * unit, which });
  }
}

function textFinder({ texts }: TextPattern): Finder {
  return ({ bytes, repeated }) => {
    const hits: Hit[] = [];
    for (const [which, text] of texts.entries()) {
      // What ends in the repeated bytes was found in the window before.
      const from = Math.max(0, repeated - text.length + 1);
      findText(bytes, text, from, which, hits);
    }
    return inOrder(hits, texts.length);
  };
}

function findText(bytes: Uint8Array, text: Uint8Array, from: number, which: number, hits: Hit[]): void {
  const first = text[0] ?? 0;
  const last = bytes.length - text.length;
  for (let at = bytes.indexOf(first, from); at >= 0 && at <= last; at = bytes.indexOf(first, at + 1)) {
    let length = 1;
    while (length < text.length && bytes[at + length] === text[length]) length++;
    if (length === text.length) hits.push({ offset: at, which });
  }
}

/** By place, then in the order in which the values were given. */
function inOrder(hits: Hit[], values: number): Hit[] {
  return values === 1 ? hits : hits.sort((a, b) => a.offset - b.offset || a.which - b.which);
}

function wordHit(
  { unit, values, mask }: WordPattern,
  window: MemoryWindow,
  { offset, which }: Hit,
  source: MemorySource,
  context: number,
): WordHit {
  const address = addVirt(window.address, offset);
  const view = new DataView(window.bytes.buffer, window.bytes.byteOffset, window.bytes.byteLength);
  const around = context * unit;
  const part = (at: VirtAddr): MemoryDump[] =>
    Array.from(readPieces(source, at, around, unit), (piece) => hexDump(piece, source.space, unit));
  return {
    address,
    value: wordAt(view, offset, unit),
    name: mask === 0n ? values[which]?.name : undefined,
    before: context === 0 ? [] : part(addVirt(address, -around)),
    after: context === 0 ? [] : part(addVirt(address, unit)),
  };
}

function textHit(window: MemoryWindow, { offset }: Hit, source: MemorySource): TextHit {
  const address = addVirt(window.address, offset);
  return { address, bytes: shown(window, offset, source) };
}

/** As much as is shown of a text, or as there is of it before memory ends. */
function shown({ address, bytes }: MemoryWindow, offset: number, source: MemorySource): Uint8Array {
  const inWindow = bytes.slice(offset, offset + TEXT_SHOWN);
  if (inWindow.length === TEXT_SHOWN) return inWindow;
  const rest = addVirt(address, offset + inWindow.length);
  const [more] = readPieces(source, virtAddr(rest), TEXT_SHOWN - inWindow.length, 1);
  const whole = new Uint8Array(inWindow.length + (more?.bytes.length ?? 0));
  whole.set(inWindow);
  if (more !== undefined) whole.set(more.bytes, inWindow.length);
  return whole;
}
