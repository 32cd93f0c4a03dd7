/** The source around an address, of the function there and of those it was inlined into: the answer to `dis -s`. */

import type { VirtAddr } from '../base/addr.ts';
import type { SourceTree } from '../target/source-tree.ts';
import type { CodeView, SymbolLabel } from './code-view.ts';

export interface ListedLine {
  readonly number: number;
  readonly text: string;
}

export interface ListedPlace {
  readonly functionName: string | undefined;
  readonly inlined: boolean;
  /** Undefined where it is not known. */
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly lines: readonly ListedLine[];
  /** Why there are no lines. */
  readonly missing: string | undefined;
}

export interface SourceListing {
  readonly type: 'source-listing';
  readonly address: VirtAddr;
  readonly symbol: SymbolLabel | undefined;
  /** Innermost first. */
  readonly places: readonly ListedPlace[];
  readonly missing: string | undefined;
}

/** As gdb lists them before the line that was asked for. */
const LINES_BEFORE = 5;
const LINES_AFTER = 5;
const MOST_LINES = 2000;

/** @param count lines after the marked one; undefined: to the end of the function */
export function listSource(
  view: CodeView,
  tree: SourceTree,
  address: VirtAddr,
  count: number | undefined,
): SourceListing {
  const { frames, missing } = view.linesAt(address);
  const places = frames.map(({ functionName, source, inlined }): ListedPlace => {
    const place = { functionName, inlined, file: source?.file, line: source?.line };
    if (source === undefined) return { ...place, lines: [], missing: 'the debug information does not tell the line' };
    const text = tree.linesOf(source.file);
    if (typeof text === 'string') return { ...place, lines: [], missing: text };
    if (source.line < 1 || source.line > text.length)
      return { ...place, lines: [], missing: `${source.file} has ${text.length} lines there: it is another version` };
    // Of an inlined function's caller the surroundings of the call are enough.
    const after = count ?? (frames.length > 1 ? LINES_AFTER : undefined);
    return { ...place, lines: listed(text, source.line, after), missing: undefined };
  });
  return { type: 'source-listing', address, symbol: view.labelAt(address), places, missing };
}

function listed(text: readonly string[], line: number, after: number | undefined): ListedLine[] {
  const lines: ListedLine[] = [];
  const last = Math.min(text.length, line + (after ?? MOST_LINES));
  for (let number = Math.max(1, line - LINES_BEFORE); number <= last; number++) {
    const content = text[number - 1] ?? '';
    lines.push({ number, text: content });
    if (after === undefined && number > line && content === '}') break;
  }
  return lines;
}
