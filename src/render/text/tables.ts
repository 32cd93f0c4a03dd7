/** `mod` and `sym` in crash's layouts. */

import { hex } from '../../base/addr.ts';
import type { ModuleReport } from '../../query/module-list.ts';
import type { SymbolReport } from '../../query/symbol-lookup.ts';
import { escapeLine } from './escape.ts';

export function* renderModules(report: ModuleReport): Generator<string> {
  const nameWidth = Math.max(4, ...report.modules.map((module) => module.name.length));
  const sizeWidth = Math.max(6, ...report.modules.map((module) => String(module.size).length));
  yield `     MODULE       ${'NAME'.padEnd(nameWidth)}       BASE        ${'SIZE'.padStart(sizeWidth)}  OBJECT FILE`;
  for (const module of report.modules) {
    const file = module.file ?? '(no debug file of this build found)';
    yield `${hex(module.module, 16)}  ${escapeLine(module.name).padEnd(nameWidth)}  ${hex(module.base, 16)}  ${String(module.size).padStart(sizeWidth)}  ${file}`;
  }
  if (report.warning !== undefined) yield `(${report.warning})`;
}

export function* renderSymbols(report: SymbolReport): Generator<string> {
  for (const { address, letter, name, offset, module, source } of report.symbols) {
    const where = source === undefined ? '' : `  ${source.file}: ${source.line}`;
    const owner = module === undefined ? '' : ` [${module}]`;
    yield `${hex(address, 16)} (${letter}) ${escapeLine(name)}${offset === undefined || offset === 0 ? '' : `+${offset}`}${owner}${where}`;
  }
}
