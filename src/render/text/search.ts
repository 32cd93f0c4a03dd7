/** `search` in crash's layout: a line a hit, the task before those on its stack. */

import { hex } from '../../base/addr.ts';
import type { SearchReport, SearchSummary, WordHit } from '../../query/memory-search.ts';
import { headerLine } from './backtrace.ts';
import { escapeLine } from './escape.ts';
import { ascii, renderMemory } from './memory.ts';

export function* renderSearch(report: SearchReport): Generator<string> {
  if (report.heading === 'next task') yield '';
  if (report.heading !== 'none' && report.task !== undefined) yield headerLine(report.task);
  for (const hit of report.words) yield* renderWord(hit);
  for (const { address, bytes } of report.texts) yield `${hex(address)}: ${ascii(bytes)}`;
  if (report.summary !== undefined) yield* renderSummary(report.summary);
}

function* renderWord({ address, value, name, before, after }: WordHit): Generator<string> {
  const shown = `${hex(value)}${name === undefined ? '' : ` (${escapeLine(name)})`}`;
  if (before.length === 0 && after.length === 0) {
    yield `${hex(address)}: ${shown}`;
    return;
  }
  for (const dump of before) yield* renderMemory(dump);
  yield `${hex(address).padStart(16)}:  ${shown}`;
  for (const dump of after) yield* renderMemory(dump);
  yield '';
}

function* renderSummary({ found, searchedBytes, problems }: SearchSummary): Generator<string> {
  if (found === 0) yield `(not found in ${size(searchedBytes)})`;
  for (const problem of problems) yield `(${problem})`;
}

function size(bytes: number): string {
  return bytes < 10 << 20 ? `${bytes} bytes` : `${Math.floor(bytes / (1 << 20))} MiB`;
}
