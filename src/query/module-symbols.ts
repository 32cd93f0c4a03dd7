/** The symbols of modules in the order of addresses, with marks where their memory and sections begin and end. */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { checkCancelled } from '../base/cancel.ts';
import type { Module } from '../kernel/modules.ts';
import { moduleSections } from './module-list.ts';
import { plainRow, type SymbolReport, type SymbolRow } from './symbol-lookup.ts';

/** @param marked the names of modules whose sections are marked, too */
export function* moduleSymbols(modules: readonly Module[], marked: ReadonlySet<string>): Generator<SymbolReport> {
  for (const module of modules) {
    checkCancelled();
    yield { type: 'symbols', symbols: symbolsOf(module, marked.has(module.name)) };
  }
}

/** In the order in which rows of one address stand. */
const REGION_START = 0;
const SECTION_END = 1;
const SECTION_START = 2;
const SYMBOL = 3;
const REGION_END = 4;

interface Placed {
  readonly row: SymbolRow;
  readonly order: number;
}

function symbolsOf(module: Module, withSections: boolean): SymbolRow[] {
  const placed: Placed[] = [
    ...[...(module.symbols()?.all() ?? [])].map((symbol) => ({ row: plainRow(symbol), order: SYMBOL })),
    ...regionMarks(module),
    ...(withSections ? sectionMarks(module) : []),
  ];
  placed.sort((a, b) => compare(a.row.address, b.row.address) || a.order - b.order);
  return placed.map(({ row }) => row);
}

/** As crash words them: one core and one init region up to 6.3; from 6.4 on one of each kind, ended by its last byte. */
function regionMarks(module: Module): Placed[] {
  const marks = module.regions.map(({ kind, base, size }) => {
    const whole = kind === 'core' || kind === 'init';
    return { word: kind === 'core' ? '' : `${kind.toUpperCase()} `, base, end: whole ? size : size - 1 };
  });
  const { perCpuStart: base, perCpuSize: end } = module;
  if (base !== undefined && !module.regions.some(({ kind }) => kind === 'core'))
    marks.push({ word: 'PERCPU ', base, end });
  return marks.flatMap((mark) => [
    placedMark(module, `MODULE ${mark.word}START: ${module.name}`, mark.base, REGION_START),
    placedMark(module, `MODULE ${mark.word}END: ${module.name}`, addVirt(mark.base, mark.end), REGION_END),
  ]);
}

function sectionMarks(module: Module): Placed[] {
  return moduleSections(module).flatMap(({ name, start, end, live }) =>
    !live || start === end
      ? []
      : [
          placedMark(module, `[${name}]: section start`, start, SECTION_START),
          ...(end === undefined ? [] : [placedMark(module, `[${name}]: section end`, end, SECTION_END)]),
        ],
  );
}

function placedMark(module: Module, mark: string, address: VirtAddr, order: number): Placed {
  return { row: markRow(module, mark, address), order };
}

function markRow(module: Module, mark: string, address: VirtAddr): SymbolRow {
  return {
    address,
    letter: '',
    name: '',
    offset: undefined,
    module: module.name,
    source: undefined,
    inlined: [],
    mark,
  };
}

function compare(a: VirtAddr, b: VirtAddr): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
