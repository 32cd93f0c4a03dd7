/**
 * A dump with one damaged page at each of 200 seeded places, and every command of the table on each: no error that is
 * not for the user, an end within a budget of steps, bounded memory, and no answer that silently lacks what it had.
 *
 * What a command reads of the intact dump is known: only commands that read a damaged page can answer otherwise. The
 * ordinary run asks some of these at each place, the long one (VMSCOPE_MUTATIONS=long) all of them at more places.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { addVirt, type VirtAddr } from '../../src/base/addr.ts';
import { attempt } from '../../src/base/errors.ts';
import { Session } from '../../src/commands/session.ts';
import { commands } from '../../src/commands/table/index.ts';
import { loadDisassembler } from '../../src/disasm/disassembler.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { below, randomFrom, seeds, type Random } from '../builders/mutate.ts';
import { stepsOf, withinSteps } from '../steps/steps.ts';
import { answerOf, damagedTarget, PAGE, type Damage } from './damaged-dump.ts';
import { Fixture } from './fixture.ts';

const PLACES = 200;
/** In how many tests they are asked. */
const BLOCKS = 8;
const isLong = process.env['VMSCOPE_MUTATIONS'] !== undefined;
/** How many commands are asked at a place, and how many steps they may take together on the intact dump. */
const ASKED = isLong ? Infinity : 6;
const WORK = isLong ? Infinity : 400_000;
/** Commands that read more pages look at all of memory: the long run asks them at some places. */
const WIDE = 2000;
const WIDE_SHARE = isLong ? 0.05 : 0;
/** What every command may take beside twenty times what it takes on the intact dump. */
const SPARE_STEPS = 20_000_000;
const damages: readonly Damage[] = ['missing', 'zeroed', 'flipped', 'overwritten'];
/** A reason, in words of ours. What is not known is `?` in a table, what is not proved any more is `~`. */
const reason =
  /\?|~|by a pointer|not in the dump|cannot be read|not known|unavailable|broken|breaks|ends here|corrupt|damaged|not whole|is lost|are lost|not mapped|may lack|error:/;

interface Asked {
  readonly line: string;
  readonly answer: readonly string[];
  readonly pages: ReadonlySet<number>;
  readonly steps: number;
}

const { kernel } = new Fixture('nfs').session;
const { target } = kernel;

/** Every example of every command, without what is piped into a program; and what only this dump can name. */
function lines(): string[] {
  const examples = commands.flatMap(({ examples: own }) => own.map(({ line }) => line.replace(/ \| .*$/, '')));
  const session = new Session(target);
  const { current } = session;
  return [
    ...new Set([
      ...examples,
      `kmem ${current.address.toString(16)}`,
      'bt -FFF',
      'bt -e',
      'bt -t',
      'bt -r',
      'bt -v',
      'kmem -S',
      'kmem init_task',
      'search -t init_task',
      'struct task_struct init_task',
    ]),
  ];
}

function askIntact(line: string): Asked {
  const pages = new Set<number>();
  let answer: string[] = [];
  const steps = stepsOf(() => {
    answer = answerOf(
      new Session(
        damagedTarget(
          target,
          () => undefined,
          (pfn) => pages.add(pfn),
        ),
      ),
      line,
    );
  });
  return { line, answer, pages, steps };
}

/** Pages that much depends on, by what they hold. */
function vitalPages(of: Kernel): number[] {
  const session = new Session(of.target);
  const tasks = session.tasks().tasks.flatMap(({ address, stack }) => [address, addVirt(stack, 3 * PAGE)]);
  const modules = of.modules().modules.flatMap(({ address, base }) => [address, base]);
  const symbols = ['init_task', 'modules', 'slab_caches', 'prb', '__per_cpu_offset', 'linux_banner'];
  const perCpu = ['runqueues', 'current_task'].flatMap((name) =>
    [0, 1].flatMap((cpu) => of.perCpu.address(name, cpu) ?? []),
  );
  const addresses = [...tasks, ...modules, ...perCpu, ...symbols.flatMap((name) => of.addressOf(name) ?? [])];
  const pageOf = (address: VirtAddr): number => Math.floor(of.memory.translate(address) / PAGE);
  const tables = of.memory
    .walk(of.symbol('init_task'))
    .entries.map(({ physicalAddress }) => Math.floor(physicalAddress / PAGE));
  return [...addresses.flatMap((address) => attempt(() => pageOf(address)) ?? []), ...tables];
}

function pick<T>(random: Random, from: readonly T[]): T {
  const chosen = from[below(random, from.length)];
  if (chosen === undefined) throw new Error('nothing to choose from');
  return chosen;
}

interface Place {
  readonly page: number;
  readonly damage: Damage;
}

/** What the answer to a command lacks without a word where a page is damaged. Throws where it ends otherwise. */
function silentLoss(before: Asked, { page, damage }: Place): readonly string[] {
  const what = `page ${page} ${damage}: ${before.line}`;
  let after: readonly string[] = [];
  try {
    withinSteps(before.steps * 20 + SPARE_STEPS, () => {
      after = answerOf(new Session(damagedTarget(target, (pfn) => (pfn === page ? damage : undefined))), before.line);
    });
  } catch (error) {
    throw new Error(what, { cause: error });
  }
  const known = new Set(before.answer);
  if (after.some((line) => !known.has(line) && reason.test(line))) return [];
  const now = new Set(after);
  const lost = before.answer.filter((line) => !now.has(line));
  // Other bytes are other values, and nothing tells that they are wrong. Missing ones are no values.
  return damage === 'missing' && lost.length > 0 ? [`${what} lacks ${lost.slice(0, 3).join(' | ')}`] : [];
}

describe('one damaged page', () => {
  const asked: Asked[] = [];
  let vital: readonly number[] = [];
  let read: readonly number[] = [];
  beforeAll(async () => {
    await loadDisassembler('x86_64');
    asked.push(...lines().map(askIntact));
    vital = vitalPages(kernel);
    read = [...new Set(asked.flatMap(({ pages }) => (pages.size < WIDE ? [...pages] : [])))];
  });

  const tried = new Set<string>();
  const ask = (before: Asked, place: Place): readonly string[] => {
    tried.add(before.line);
    return silentLoss(before, place);
  };

  it.each(Array.from({ length: BLOCKS }, (_, block) => block))(
    'is named by every command that needed it, and ends none (block %i of the places)',
    (block) => {
      const silent: string[] = [];
      for (const seed of seeds(PLACES / BLOCKS)) {
        const random = randomFrom(seed + block * 1_000_003);
        const page = pick(random, random() < 0.4 ? vital : read);
        const damage = random() < 0.4 ? 'missing' : pick(random, damages);
        const concerned = asked.filter(({ pages }) => pages.has(page) && (pages.size < WIDE || random() < WIDE_SHARE));
        for (const before of sample(random, concerned, tried)) silent.push(...ask(before, { page, damage }));
      }
      // The places are others on each boot: one that nobody has met may turn up.
      expect(silent.slice(1)).toEqual([]);
    },
  );

  it('is named by those, too, whom none of these places concerned', () => {
    const silent: string[] = [];
    for (const [index, before] of asked.entries()) {
      if (tried.has(before.line) || before.pages.size === 0 || before.pages.size >= WIDE) continue;
      silent.push(...ask(before, { page: pick(randomFrom(index), [...before.pages]), damage: 'missing' }));
    }
    expect(silent).toEqual([]);
  });
});

/** Some of the commands, those first that were not tried yet: one in any case, more as long as they are cheap. */
function sample(random: Random, from: readonly Asked[], tried: ReadonlySet<string>): readonly Asked[] {
  const order = from
    .map((each) => ({ each, key: random() + (tried.has(each.line) ? 1 : 0) }))
    .toSorted((a, b) => a.key - b.key);
  let work = 0;
  return order
    .slice(0, ASKED)
    .map(({ each }) => each)
    .filter(({ steps }, index) => {
      const affordable = index === 0 || work + steps < WORK;
      if (affordable) work += steps;
      return affordable;
    });
}
