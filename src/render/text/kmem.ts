/** `kmem` in crash's layouts: an address's identity a block each, the table of slab caches. */

import { hex } from '../../base/addr.ts';
import { isUnavailable } from '../../base/available.ts';
import type { AddressIdentity, AddressPart } from '../../query/address-identity.ts';
import type {
  PagePart,
  PerCpuPart,
  PerCpuPointerPart,
  StackPart,
  UserPart,
  VmallocPart,
} from '../../query/address-part.ts';
import type { SlabCacheReport } from '../../query/slab-report.ts';
import { escapeLine } from './escape.ts';
import { PAGE_HEADER, pageLine } from './page.ts';
import { aliasLine, CACHE_HEADER, cacheLine, renderSlab } from './slab.ts';
import { renderSymbols } from './symbols.ts';
import { renderTask } from './system.ts';

/** crash's order of blocks: the slab stands before the task that is in it. */
const order: readonly AddressPart['kind'][] = [
  'symbol',
  'image',
  'module',
  'per-cpu',
  'per-cpu-pointer',
  'page-struct',
  'slab',
  'task',
  'stack',
  'vmalloc',
  'region',
  'user',
  'page',
  'unknown',
];

export function* renderAddress(identity: AddressIdentity): Generator<string> {
  const parts = [...identity.parts].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  let pending = false;
  for (const part of parts) {
    const lines = [...renderPart(identity, part)];
    if (lines.length === 0) continue;
    if (pending) yield '';
    yield* lines;
    pending = true;
  }
}

function renderPart(identity: AddressIdentity, part: AddressPart): Iterable<string> {
  switch (part.kind) {
    case 'symbol':
      return renderSymbols({ type: 'symbols', symbols: [part.symbol] });
    case 'image':
      return [`${hex(identity.address, 16)} is in the kernel's ${part.text ? 'code' : 'data'}`];
    case 'module':
      return [`MODULE: ${escapeLine(part.name)}  ${part.region}  ${hex(part.start, 16)} - ${hex(part.end, 16)}`];
    case 'per-cpu':
      return [perCpuLine(part)];
    case 'per-cpu-pointer':
      return perCpuInstanceLines(part);
    case 'task':
      return renderTask(part.task);
    case 'stack':
      return stackLines(part);
    case 'slab':
      return renderSlab(part);
    case 'vmalloc':
      return vmallocLines(part);
    case 'page-struct':
      return part.offset === 0
        ? []
        : [`${hex(identity.address, 16)} is ${part.offset} bytes into the struct page at ${hex(part.page, 16)}`];
    case 'page':
      return pageLines(identity, part);
    case 'region':
      return [`${hex(identity.address, 16)} is in ${part.name}`];
    case 'user':
      return userLines(part);
    case 'unknown':
      return [`${hex(identity.address)}: ${part.why}`];
  }
}

function perCpuLine({ cpu, pointer, variable }: PerCpuPart): string {
  return `PER-CPU: CPU ${cpu}, ${variableText(variable)} (__percpu ${hex(pointer)})`;
}

function* perCpuInstanceLines({ variable, instances }: PerCpuPointerPart): Generator<string> {
  yield `PER-CPU: ${variableText(variable)}`;
  for (const { cpu, address } of instances) yield `  CPU ${cpu}: ${hex(address, 16)}`;
}

function variableText(variable: PerCpuPart['variable']): string {
  if (variable === undefined) return 'allocated memory';
  const offset = variable.offset === 0 ? '' : `+${variable.offset}`;
  return `${escapeLine(variable.name)}${offset}${variable.module === undefined ? '' : ` [${escapeLine(variable.module)}]`}`;
}

function* stackLines({ stack, name, cpu, start, end, task }: StackPart): Generator<string> {
  if (task !== undefined) yield* renderTask(task);
  const what = stack === 'task' ? 'task' : name;
  yield `  STACK: ${what}${cpu === undefined ? '' : ` of CPU ${cpu}`}  ${hex(start, 16)} - ${hex(end, 16)}`;
}

const areaKinds: readonly (readonly [bigint, string])[] = [
  [1n, 'ioremap'],
  [2n, 'vmalloc'],
  [4n, 'vmap'],
  [8n, 'user'],
  [16n, 'dma-coherent'],
];

function* vmallocLines(area: VmallocPart): Generator<string> {
  yield '   VMAP_AREA         VM_STRUCT                 ADDRESS RANGE                SIZE';
  yield `${hex(area.area, 16)}  ${hex(area.vm ?? 0n, 16)}  ${hex(area.start, 16)} - ${hex(area.end, 16)}  ${String(area.end - area.start).padStart(7)}`;
  const facts = [
    ...areaKinds.filter(([bit]) => ((area.flags ?? 0n) & bit) !== 0n).map(([, name]) => name),
    ...(area.caller === undefined || area.caller === 0n
      ? []
      : [`by ${escapeLine(area.callerName ?? hex(area.caller, 16))}`]),
    ...(area.pages === undefined || area.pages === 0 ? [] : [`pages=${area.pages}`]),
    ...(area.physical === undefined ? [] : [`phys=${hex(area.physical)}`]),
  ];
  if (facts.length > 0) yield `  ${facts.join('  ')}`;
}

function* userLines({ pid, command, area }: UserPart): Generator<string> {
  yield `USER: PID ${pid} "${escapeLine(command)}"`;
  if (isUnavailable(area)) yield `(its mappings: ${area.unavailable})`;
  else if (area !== undefined) {
    yield '      VMA               START              END        FLAGS FILE';
    const file = area.fileName === undefined ? '' : ` ${escapeLine(area.fileName)}`;
    yield `${hex(area.area, 16)} ${hex(area.start).padStart(16)} ${hex(area.end).padStart(16)} ${hex(area.flags ?? 0n).padStart(8)}${file}`;
  }
}

function* pageLines(identity: AddressIdentity, part: PagePart): Generator<string> {
  if (part.by === 'physical-address') yield `${hex(identity.address)} as a physical address:`;
  if (part.free !== undefined) {
    const { page, position, pages } = part.free;
    yield `FREE: ${hex(page, 16)}  (${hex(identity.address)} is ${ordinal(position)} of ${pages} pages)`;
    yield '';
  }
  if (isUnavailable(part.state)) {
    yield `(page ${hex(part.frame * 4096)}: ${part.state.unavailable})`;
    return;
  }
  yield PAGE_HEADER;
  yield pageLine(part.state, true);
  if (part.use !== undefined && part.use !== 'buddy') yield `  used for: ${escapeLine(part.use)}`;
  if (part.head !== undefined) yield `  a tail page of ${hex(part.head, 16)}`;
}

/** 1st, 2nd, 3rd, 4th, … 11th. */
function ordinal(value: number): string {
  const last = value % 100 >= 11 && value % 100 <= 13 ? 0 : value % 10;
  return `${value}${['th', 'st', 'nd', 'rd'][last] ?? 'th'}`;
}

export function* renderSlabCaches(report: SlabCacheReport): Generator<string> {
  yield CACHE_HEADER;
  for (const cache of report.caches) {
    yield* cacheLine(cache);
    if (report.named) yield* aliasLine(cache);
  }
  if (report.warning !== undefined) yield `(${report.warning})`;
}
