/** kmem: what an address is; slab caches. */

import { attempt, LookupError, UsageError } from '../../base/errors.ts';
import { slabAt, slabOfPage } from '../../kernel/slab.ts';
import { identifyAddress } from '../../query/address-identity.ts';
import type { Result } from '../../query/result.ts';
import { slabObjects } from '../../query/slab-objects.ts';
import { chosenCaches, isCacheName, slabCacheReport, slabReport } from '../../query/slab-report.ts';
import type { Command } from '../command.ts';
import { parsePlaces } from '../place.ts';
import { parseHex, type Session } from '../session.ts';

/** crash's, each for a report of its own. */
const notBuilt: Readonly<Record<string, string>> = {
  '-i': 'how much memory is used for what',
  '-p': 'every struct page',
  '-v': 'every vmalloc area',
  '-V': 'the counters of virtual memory',
  '-f': 'the free pages of each zone',
  '-F': 'the same, each page',
  '-n': 'nodes, sections and blocks of memory',
  '-z': 'the zones',
  '-o': 'the per-CPU offsets',
  '-h': 'the pools of huge pages',
  '-g': 'the bits of page flags',
  '-r': 'caches with those of their cgroups',
};

export const kmem: Command = {
  name: 'kmem',
  aliases: [],
  summary: 'what an address is; the slab caches',
  synopsis: ['kmem address|symbol[:CPUs] ...', 'kmem -s|-S [cache|address ...]'],
  options: [
    { flag: '-s', text: 'slab caches, all or those named: objects in use, objects, slabs' },
    { flag: '-S', text: 'the same, with the slabs that CPUs and nodes keep track of, and their objects' },
    ...Object.entries(notBuilt).map(([flag, what]) => ({ flag, text: `not built yet: ${what}` })),
  ],
  description: [
    'Tells everything that holds of an address: the symbol, the module, the per-CPU variable and whose it is, the task or stack, the slab object, the vmalloc area, the page.',
    'An object of a slab in brackets is allocated, a bare one free; "(cpu 1 cache)" is free and kept by that CPU, "(cpu 1 sheaf)" and "(node 0 barn)" likewise since Linux 6.18. Where a freelist is damaged, objects that are not known to be free stand between question marks. A cache that several users share is named with all their names, as /sys/kernel/slab has them.',
    'A user address is looked for in the current task, and taken for a physical address, too.',
  ],
  examples: [
    { line: 'kmem ff29da784236b078', text: 'what it is' },
    { line: 'kmem -s nfs_page', text: 'the cache nfs_page objects are in' },
  ],
  exclusive: [['-s', '-S']],
  completes: 'symbol',
  many: true,
  *run(session, args) {
    for (const [flag, what] of Object.entries(notBuilt))
      if (args.has(flag))
        throw new UsageError(
          `kmem ${flag} (${what}) is not built yet: there are kmem ADDRESS, kmem -s and kmem -S [CACHE ...]`,
        );
    if (args.has('-S')) {
      yield* slabsWithObjects(session, args.words);
      return;
    }
    if (args.has('-s')) {
      yield* slabs(session, args.words);
      return;
    }
    if (args.words.length === 0) throw new UsageError('kmem wants an address or a symbol, or -s ("help kmem")');
    for (const word of args.words) {
      const tasks = attempt(() => session.tasks().tasks) ?? [];
      const context = { tasks, crash: session.crash(), current: session.current, symbol: word };
      const places = /:[\d,-]*$|:a(ll)?$/.test(word)
        ? parsePlaces(session, word)
        : [{ address: session.address(word) }];
      for (const { address } of places) yield identifyAddress(session.kernel, address, context);
    }
  },
};

/** Slabs of caches by name, and the slab of an address, whichever of its objects that is in. */
function* slabsWithObjects({ kernel }: Session, words: readonly string[]): Generator<Result> {
  for (const word of words.length === 0 ? [undefined] : words) {
    const address = word === undefined || isCacheName(kernel, word) ? undefined : parseHex(word);
    if (address === undefined) {
      for (const cache of chosenCaches(kernel, word === undefined ? [] : [word])) yield slabObjects(kernel, cache);
      continue;
    }
    const slab = slabAt(kernel, address) ?? slabOfPage(kernel, address);
    if (slab === undefined) throw new LookupError('slab cache of that name, or slab at that address', word ?? '');
    const part = {
      kind: 'slab',
      slab: slabReport(kernel, slab, 'all'),
      offset: undefined,
      place: undefined,
      behind: false,
    } as const;
    yield { type: 'address', address, parts: [part] };
  }
}

/** Caches by name, and the slab of an address. */
function* slabs(session: Session, words: readonly string[]): Generator<Result> {
  const { kernel } = session;
  const isAddress = (word: string): boolean => parseHex(word) !== undefined && !isCacheName(kernel, word);
  const names = words.filter((word) => !isAddress(word));
  if (names.length > 0 || words.length === 0) yield slabCacheReport(kernel, names);
  for (const word of words.filter(isAddress)) {
    const { parts, ...identity } = identifyAddress(kernel, session.address(word), {
      tasks: [],
      current: session.current,
    });
    const slab = parts.filter((part) => part.kind === 'slab');
    if (slab.length === 0) throw new LookupError('slab cache of that name, or slab at that address', word);
    yield { ...identity, parts: slab };
  }
}
