/** `kmem -S` in crash's layout; slabs of a node's list have their objects below them, too. */

import { hex } from '../../base/addr.ts';
import type { CpuSlabs, NodeSlabs, SlabObjects } from '../../query/slab-objects.ts';
import type { SlabContent } from '../../query/slab-report.ts';
import { escapeLine } from './escape.ts';
import { aliasLine, CACHE_HEADER, cacheLine, SLAB_HEADER, slabLines } from './slab.ts';

export function* renderSlabObjects({ cache, cpus, nodes, problems }: SlabObjects): Generator<string> {
  yield CACHE_HEADER;
  yield* cacheLine(cache);
  yield* aliasLine(cache);
  for (const cpu of cpus) yield* cpuLines(cpu);
  for (const node of nodes) yield* nodeLines(node);
  for (const problem of problems) yield `(${escapeLine(problem)})`;
  yield '';
}

function* cpuLines({ cpu, address, active, partial }: CpuSlabs): Generator<string> {
  yield `CPU ${cpu} KMEM_CACHE_CPU:`;
  yield `  ${hex(address, 16)}`;
  for (const [what, slabs] of [
    ['SLAB', active],
    ['PARTIAL', partial],
  ] as const) {
    yield `CPU ${cpu} ${what}:`;
    if (slabs.length === 0) yield '  (empty)';
    for (const slab of slabs) {
      yield SLAB_HEADER;
      yield* slabLines(slab);
    }
  }
}

function* nodeLines({ node, address, slabs, perCpu, partial, full }: NodeSlabs): Generator<string> {
  yield 'KMEM_CACHE_NODE   NODE  SLABS  PARTIAL  PER-CPU';
  yield [
    hex(address, 16),
    String(node).padStart(6),
    String(slabs ?? '?').padStart(7),
    String(partial.length).padStart(9),
    String(perCpu).padStart(9),
  ].join('');
  yield `NODE ${node} PARTIAL:`;
  yield* listLines(partial, '(empty)');
  yield `NODE ${node} FULL:`;
  yield* listLines(full, '(not tracked)');
}

function* listLines(slabs: readonly SlabContent[], none: string): Generator<string> {
  yield slabs.length === 0 ? `  ${none}` : SLAB_HEADER;
  for (const slab of slabs) yield* slabLines(slab);
}
