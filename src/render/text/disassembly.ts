/** `dis` in crash's layouts, which are those of gdb's `x/i` and `list`. */

import { hex } from '../../base/addr.ts';
import type { CodeFrame, SymbolLabel } from '../../query/code-view.ts';
import type { CodeReference, Disassembly, InstructionRow } from '../../query/disassembly.ts';
import type { ListedPlace, SourceListing } from '../../query/source-listing.ts';
import { escapeControl, escapeLine } from './escape.ts';

export function* renderDisassembly({ rows, show, notes }: Disassembly): Generator<string> {
  for (const row of rows) {
    if (row.substitute !== undefined) yield `(${escapeLine(row.substitute)})`;
    if (row.source !== undefined) yield* renderChain(row.source);
    yield instructionLine(row, show);
  }
  for (const note of notes) yield `(${escapeLine(note)})`;
}

function instructionLine(row: InstructionRow, show: Disassembly['show']): string {
  const label = row.symbol === undefined ? '' : ` <${labelText(row.symbol, show.radix)}>`;
  // gdb leaves three columns for the mark; crash takes them away where there are symbols.
  const indent = show.symbols ? '' : '   ';
  const target = row.target?.symbol === undefined ? '' : ` <${labelText(row.target.symbol, show.radix)}>`;
  const nop = row.tracingNop ? ' [FTRACE NOP]' : '';
  const mark = row.current ? ' <==' : '';
  return `${indent}0x${hex(row.address)}${label}:\t${row.text}${target}${dataText(row, show.radix)}${nop}${mark}`;
}

/** The address that an operand relative to the instruction means, as gdb shows it, and the name of the variable. */
function dataText({ text, data }: InstructionRow, radix: 10 | 16): string {
  if (data === undefined || (data.symbol === undefined && !text.includes('(%rip)'))) return '';
  return `        # 0x${hex(data.address)}${referenceText(data, radix)}`;
}

function referenceText({ symbol, perCpu }: CodeReference, radix: 10 | 16): string {
  if (symbol === undefined) return '';
  return ` <${labelText(symbol, radix)}>${perCpu ? ' (per-cpu)' : ''}`;
}

function labelText({ name, offset }: SymbolLabel, radix: 10 | 16): string {
  if (offset === 0) return escapeLine(name);
  return `${escapeLine(name)}+${radix === 16 ? `0x${hex(offset)}` : offset}`;
}

/** crash's `file: line`, and where the code was inlined, each function it was inlined into. */
function* renderChain(frames: readonly CodeFrame[]): Generator<string> {
  for (const [index, { functionName, source, inlined }] of frames.entries()) {
    const place = source === undefined ? '(line unknown)' : `${escapeLine(source.file)}: ${source.line}`;
    if (index > 0) yield `  inlined into ${escapeLine(functionName ?? '?')} at ${place}`;
    else yield inlined ? `${place} (${escapeLine(functionName ?? '?')})` : place;
  }
}

export function* renderSourceListing({ places, missing }: SourceListing): Generator<string> {
  if (missing !== undefined) yield* ['FILE: (unknown)', 'LINE: (unknown)', '', `(${escapeLine(missing)})`];
  for (const [index, place] of places.entries()) {
    if (index > 0) yield `inlined into ${escapeLine(place.functionName ?? '?')}`;
    yield* renderPlace(place);
  }
}

function* renderPlace(place: ListedPlace): Generator<string> {
  yield `FILE: ${place.file === undefined ? '(unknown)' : escapeLine(place.file)}`;
  yield `LINE: ${place.line ?? '(unknown)'}`;
  yield '';
  for (const { number, text } of place.lines)
    yield `${number === place.line ? '*' : ' '} ${number}\t${escapeControl(text)}`;
  if (place.missing !== undefined) yield `(${escapeLine(place.missing)})`;
  yield '';
}
