/** Slab caches, slabs and their objects in crash's layout: brackets mark what is allocated. */

import { hex } from '../../base/addr.ts';
import { isUnavailable } from '../../base/available.ts';
import type { SlabPart } from '../../query/address-part.ts';
import type { SlabCacheRow, SlabContent, SlabObjectRow } from '../../query/slab-report.ts';
import { escapeLine } from './escape.ts';
import { placeText } from './words.ts';

export const CACHE_HEADER = 'CACHE             OBJSIZE  ALLOCATED     TOTAL  SLABS  SSIZE  NAME';

/** A cache's line; what could not be counted follows. */
export function* cacheLine(cache: SlabCacheRow): Generator<string> {
  const { usage } = cache;
  const count = (value: number): string => String(value);
  const known = isUnavailable(usage) ? undefined : usage;
  yield [
    hex(cache.cache, 16),
    count(cache.objectSize).padStart(9),
    (known === undefined ? '?' : count(known.allocated)).padStart(11),
    (known === undefined ? '?' : count(known.total)).padStart(10),
    (known === undefined ? '?' : count(known.slabs)).padStart(7),
    `${cache.slabSize / 1024}k`.padStart(7),
    `  ${escapeLine(cache.name)}`,
  ].join('');
  if (isUnavailable(usage)) yield `  (counts: ${usage.unavailable})`;
  else for (const why of usage.broken) yield `  (not counted: ${why})`;
}

/** The other names of a merged cache. */
export function* aliasLine({ aliases, merged }: SlabCacheRow): Generator<string> {
  if (aliases.length > 0) yield `  also: ${aliases.map(escapeLine).join(', ')}`;
  else if (merged) yield '  (shared with other caches, whose names the dump does not give)';
}

export const SLAB_HEADER = '  SLAB              MEMORY            NODE  TOTAL  ALLOCATED  FREE';

/** A slab's line, what is wrong with it, and its objects. */
export function* slabLines(slab: SlabContent): Generator<string> {
  yield slabLine(slab);
  if (slab.guarded) yield '  (guarded by KFENCE, alone in its page)';
  if (slab.broken !== undefined) yield `  (${slab.broken}: objects that are not known to be free are unknown)`;
  yield '  FREE / [ALLOCATED]';
  for (const object of slab.objects) yield objectLine(object);
}

function slabLine(slab: SlabContent): string {
  return [
    `  ${hex(slab.slab, 16)}  ${hex(slab.memory, 16)}`,
    String(slab.node ?? '?').padStart(6),
    String(slab.total).padStart(7),
    String(slab.total - slab.free).padStart(11),
    String(slab.free).padStart(6),
  ].join('');
}

export function* renderSlab({ slab, offset, behind, place }: SlabPart): Generator<string> {
  const { cache } = slab;
  yield CACHE_HEADER;
  yield* cacheLine(cache);
  yield* aliasLine(cache);
  yield SLAB_HEADER;
  yield slabLine(slab);
  if (slab.cpu !== undefined)
    yield `  (${slab.cpu.how === 'active' ? `CPU ${slab.cpu.id} allocates from it` : `on CPU ${slab.cpu.id}'s partial list`})`;
  if (slab.guarded) yield '  (guarded by KFENCE, alone in its page)';
  if (slab.broken !== undefined) yield `  (${slab.broken}: objects that are not known to be free are unknown)`;
  if (behind) yield '  (the address is in no object of it: before the first, or behind the last)';
  if (slab.objects.length === 0) return;
  yield '  FREE / [ALLOCATED]';
  for (const object of slab.objects) yield objectLine(object);
  const [only, another] = slab.objects;
  if (only === undefined || another !== undefined || offset === undefined) return;
  const where = offset < 0 ? `${-offset} bytes before` : `${offset} (0x${hex(offset)}) bytes into`;
  if (offset !== 0) yield `  ${where} object ${only.index} of ${slab.total}`;
  if (place?.provenance.kind === 'inferred') yield ` ${placeText(place)}: ${escapeLine(place.provenance.how)}`;
}

function objectLine({ object, state, stocked }: SlabObjectRow): string {
  const address = hex(object, 16);
  const mark = stocked === undefined ? '' : `  ${stockMarks[stocked.kind](stocked.of)}`;
  if (state === 'allocated') return `  [${address}]${mark}`;
  if (state === 'free') return `   ${address}${mark}`;
  return `  ?${address}?  (free or allocated: ${state.unknown})`;
}

const stockMarks: Readonly<Record<NonNullable<SlabObjectRow['stocked']>['kind'], (of: number) => string>> = {
  cpu: (cpu) => `(cpu ${cpu} cache)`,
  sheaf: (cpu) => `(cpu ${cpu} sheaf)`,
  'rcu-sheaf': (cpu) => `(given to kfree_rcu, in cpu ${cpu}'s sheaf)`,
  barn: (node) => `(node ${node} barn)`,
  node: (node) => `(node ${node} cache)`,
};
