/** `sym` in crash's layout; inlined calls at an address stand below it, innermost first, as in a stack. */

import { hex } from '../../base/addr.ts';
import type { SourceLine } from '../../debuginfo/dwarf/dwarf-info.ts';
import type { SymbolReport, SymbolRow } from '../../query/symbol-lookup.ts';
import { escapeLine } from './escape.ts';

export function* renderSymbols(report: SymbolReport): Generator<string> {
  for (const row of report.symbols) {
    yield row.mark === undefined ? symbolLine(row) : `${hex(row.address)} ${escapeLine(row.mark)}`;
    for (const { name, source } of row.inlined)
      yield `    ${escapeLine(name)} (inlined)${source === undefined ? '' : ` at ${place(source)}`}`;
  }
}

function symbolLine({ address, letter, name, offset, module, source }: SymbolRow): string {
  const behind = offset === undefined || offset === 0 ? '' : `+${offset}`;
  const owner = module === undefined ? '' : ` [${escapeLine(module)}]`;
  const where = source === undefined ? '' : ` ${place(source)}`;
  return `${hex(address)} (${letter}) ${escapeLine(name)}${behind}${owner}${where}`;
}

function place({ file, line }: SourceLine): string {
  return `${escapeLine(file)}: ${line}`;
}
