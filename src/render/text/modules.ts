/** `mod` in crash's layouts. */

import { hex } from '../../base/addr.ts';
import type { ModuleFileState, ModuleReport, ModuleRow, TaintReport } from '../../query/module-list.ts';
import { escapeLine } from './escape.ts';

const ADDRESS_WIDTH = 16;

export function* renderModules(report: ModuleReport): Generator<string> {
  const { modules } = report;
  const nameWidth = Math.max(4, report.longestName, ...modules.map(({ name }) => escapeLine(name).length));
  const sizeWidth = Math.max(4, String(report.largestSize).length);
  const base = modules.some(({ regions }) => regions.some(({ kind }) => kind === 'text')) ? 'TEXT_BASE' : 'BASE';
  yield [centred('MODULE'), 'NAME'.padEnd(nameWidth), centred(base), 'SIZE'.padStart(sizeWidth), 'OBJECT FILE'].join(
    '  ',
  );
  for (const module of modules) {
    yield [
      hex(module.module, ADDRESS_WIDTH),
      escapeLine(module.name).padEnd(nameWidth),
      hex(module.base, ADDRESS_WIDTH),
      String(module.size).padStart(sizeWidth),
      fileText(module.file),
    ].join('  ');
    yield* sectionLines(module);
  }
  if (report.warning !== undefined) yield `(${report.warning})`;
  for (const problem of report.problems) for (const line of problem.split('\n')) yield escapeLine(line);
}

function centred(text: string): string {
  const before = Math.floor((ADDRESS_WIDTH - text.length) / 2);
  return text.padStart(before + text.length).padEnd(ADDRESS_WIDTH);
}

/** "(not loaded)" where crash prints that; what is known of a file stands behind it. */
function fileText({ state, path, proof, dwarf, refusals }: ModuleFileState): string {
  switch (state) {
    case 'forgotten':
      return '(not loaded)  by mod -d';
    case 'not-looked-for':
      return '(not loaded)  not looked for (--no-debuginfo)';
    case 'none':
      return refusals.length === 0 ? '(not loaded)  no file found' : '(not loaded)  no file of this build found';
    case 'packed':
      return `${path ?? ''}  (not unpacked yet)`;
    case 'loaded':
    case 'found': {
      const doubts = [
        ...(dwarf === false ? ['no DWARF'] : []),
        ...(proof === 'srcversion' ? ['proved by srcversion alone'] : []),
        ...(proof === 'name' ? ['unproved: no build-id to compare'] : []),
      ];
      return `${path ?? ''}${doubts.length === 0 ? '' : `  (${doubts.join('; ')})`}`;
    }
  }
}

function* sectionLines({ sections }: ModuleRow): Generator<string> {
  for (const { name, start, end, live } of sections ?? []) {
    const to = end === undefined ? '?'.padEnd(ADDRESS_WIDTH) : hex(end, ADDRESS_WIDTH);
    yield `  ${hex(start, ADDRESS_WIDTH)}-${to}  [${escapeLine(name)}]${live ? '' : '  (freed)'}`;
  }
}

export function* renderTaints({ modules, warnings }: TaintReport): Generator<string> {
  if (modules.length === 0)
    yield warnings.length === 0 ? 'no tainted modules' : 'no tainted modules among those that can be read';
  else {
    const width = Math.max(4, ...modules.map(({ name }) => escapeLine(name).length));
    yield `${'NAME'.padEnd(width)}  TAINTS`;
    for (const { name, taints } of modules) yield `${escapeLine(name).padEnd(width)}  ${taints}`;
  }
  for (const warning of warnings) yield `(${escapeLine(warning)})`;
}
