/**
 * Damaged dumps: pages that are missing, zeroed or overwritten, at places that matter and at seeded random ones. What
 * is lost must be said; nothing else may be thrown than errors for the user; what is not lost must still be shown.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { attempt } from '../../src/base/errors.ts';
import { addVirt, type VirtAddr } from '../../src/base/addr.ts';
import { Session } from '../../src/commands/session.ts';
import { findMember } from '../../src/debuginfo/types/members.ts';
import { loadDisassembler } from '../../src/disasm/disassembler.ts';
import { below, randomFrom } from '../builders/mutate.ts';
import { answerOf, damagedTarget, PAGE, type Damage } from './damaged-dump.ts';
import { Fixture, type FixtureName } from './fixture.ts';

/** A session on a dump some of whose pages are damaged. The kernel's place in memory is found before. */
function damaged(name: FixtureName, pages: ReadonlySet<number>, damage: Damage): Session {
  const { target } = new Fixture(name).session.kernel;
  return new Session(damagedTarget(target, (pfn) => (pages.has(pfn) ? damage : undefined)));
}

function run(session: Session, line: string): string {
  return answerOf(session, line).join('\n');
}

const intact = new Fixture('nfs').session;
const pageOf = (address: VirtAddr): number => Math.floor(intact.kernel.memory.translate(address) / PAGE);
const crashStack = run(intact, 'bt')
  .split('\n')
  .filter((line) => / nfs_\w+ at /.test(line));
const crashed = intact.current;
const { cpu: crashedCpu } = intact.crash();
const otherCpu = 1 - crashedCpu;

describe('a page that is missing', () => {
  it('of the crashed task costs its name, not its stack', () => {
    const text = run(damaged('nfs', new Set([pageOf(crashed.address)]), 'missing'), 'bt');
    expect(text).toMatch(new RegExp(`^PID: \\? .* CPU: ${crashedCpu} .* COMMAND: \\?`));
    for (const frame of crashStack) expect(text).toContain(frame);
  });

  it('of per-CPU memory costs what was in it, not the stack that the registers are on', () => {
    const page = pageOf(intact.kernel.perCpu.address('current_task', crashedCpu) ?? crashed.address);
    const session = damaged('nfs', new Set([page]), 'missing');
    for (const frame of crashStack) expect(run(session, 'bt')).toContain(frame);
    expect(run(session, 'bt -a')).toMatch(/CPU: 0[^]*CPU: 1/);
  });

  it('of the log costs its messages', () => {
    const { memory } = intact.kernel;
    const ring = intact.kernel.struct('printk_ringbuffer', memory.pointer(intact.kernel.symbol('prb')));
    const session = damaged(
      'nfs',
      new Set([pageOf(addVirt(ring.pointer('text_data_ring.data'), 2 * PAGE))]),
      'missing',
    );
    const text = run(session, 'log');
    expect(text).toContain('the text of this message is not in the dump');
    expect(text).toContain('Kernel panic - not syncing');
    expect(run(session, 'sys')).toContain('PANIC: "BUG: kernel NULL pointer dereference');
  });

  it('of panic_cpu and of the log leaves it open whether anything panicked, and of panic_cpu alone does not', () => {
    const { kernel } = new Fixture('nfs').session;
    const panicPage = pageOf(kernel.symbol('panic_cpu'));
    expect(run(damaged('nfs', new Set([panicPage]), 'missing'), 'sys')).toContain('PANIC: "BUG: kernel NULL pointer');
    const session = damaged('nfs', new Set([panicPage, pageOf(kernel.symbol('prb'))]), 'missing');
    expect(run(session, 'sys')).toMatch(/PANIC: \(whether anything panicked is not known: panic_cpu cannot be read/);
  });

  it('in the middle of the list of tasks or modules costs that entry', () => {
    const { tasks } = intact.tasks();
    const middle = tasks[40];
    if (middle === undefined) throw new Error('too few tasks');
    const session = damaged('nfs', new Set([pageOf(middle.view.at('tasks'))]), 'missing');
    expect(session.tasks().tasks.length).toBeGreaterThan(tasks.length - 8);
    expect(run(session, 'sys')).toContain('the list of tasks is broken');
    const { modules } = intact.kernel.modules();
    const module = modules[5];
    if (module === undefined) throw new Error('too few modules');
    const other = damaged('nfs', new Set([pageOf(module.address)]), 'missing');
    expect(other.kernel.modules().modules.length).toBe(modules.length - 1);
    expect(run(other, 'mod')).toContain('the list of modules is broken');
  });
});

describe('a call through a NULL pointer', () => {
  it('shows who called', () => {
    const session = new Session(intact.kernel.target);
    const exception = session.unwinder().unwind(session.current, {
      registers: { ...callerRegisters(), rip: 0n },
      slot: undefined,
      exact: true,
      saved: undefined,
    });
    expect(exception.frames[0]?.origin).toBe('registers');
    expect(exception.frames[1]?.origin).toBe('empty-call');
    expect(intact.kernel.symbols.at(exception.frames[1]?.ip ?? crashed.address)?.symbol.name).toBe('nfs_updatepage');
  });

  /** As _raw_spin_lock was entered: the return address to nfs_updatepage lies at the stack pointer. */
  function callerRegisters(): Record<string, bigint> {
    const stack = intact.unwinder().unwind(crashed, startOfCrash());
    const lock = stack.frames.find((frame) => frame.saved !== undefined && frame.origin === 'orc');
    if (lock === undefined) throw new Error('no exception frame');
    return { rsp: lock.sp };
  }

  function startOfCrash(): Parameters<ReturnType<Session['unwinder']>['unwind']>[1] {
    const registers = intact.kernel.target.image.cpus[crashedCpu]?.registers ?? {};
    return { registers, slot: undefined, exact: true, saved: undefined };
  }
});

describe('notes that do not name their CPU, as in a kdump', () => {
  const notes = intact.kernel.target.image.cpus.map((note) => ({ ...note, qemu: undefined }));
  const sessionWith = (cpus: readonly (typeof notes)[number][]): Session => {
    const target = { ...intact.kernel.target, image: { ...intact.kernel.target.image, cpus } };
    return new Session(target);
  };

  it('are told by their stacks, in whatever order they are', () => {
    expect(run(sessionWith(notes.toReversed()), 'bt -a')).toBe(run(intact, 'bt -a'));
  });

  it('are not taken for those of a CPU that has none', () => {
    const text = run(sessionWith(notes.toSpliced(otherCpu, 1)), 'bt -a');
    expect(text).toContain(`those of CPU ${otherCpu}`);
    for (const frame of crashStack) expect(text).toContain(frame);
  });
});

const commands = [
  'sys',
  'set',
  'log',
  'bt',
  'bt -a',
  'foreach bt',
  'ps',
  'ps -m',
  'mod',
  'sym vfs_write',
  'rd linux_banner 8',
  'rd -SS init_task 512',
  'search -t init_task',
  'vtop linux_banner',
  'kmem -s',
  'kmem init_task',
];

/** What there is in slabs and in vmalloc space, before the damage. */
function addressesOf(name: FixtureName): string[] {
  const { drgn } = new Fixture(name);
  const objects = (drgn?.slab.objects ?? []).filter((_, index) => index % 16 === 0);
  return [...objects.map(({ address }) => address), ...(drgn?.vmapAreas ?? []).slice(0, 16).map(({ start }) => start)];
}

describe.each(['missing', 'zeroed', 'overwritten'] as const)('random pages %s', (damage) => {
  it.each([1, 2])('never end in anything but an answer or an error for the user (seed %i)', (seed) => {
    const random = randomFrom(seed);
    const name: FixtureName = seed % 2 === 0 ? 'sysrq-7.2' : 'nfs';
    const pages = new Set(Array.from({ length: 12_000 }, () => below(random, (512 << 20) / PAGE)));
    const session = damaged(name, pages, damage);
    for (const command of commands) expect(typeof run(session, command)).toBe('string');
    expect(run(session, `kmem ${addressesOf(name).join(' ')}`)).not.toContain('error:');
  });
});

/** What people ask of one crash: the stack with everything, its code, the objects it was about. */
const objectCommands = [
  'struct task_struct init_task',
  'struct task_struct.pid,comm,tasks,mm -p init_task',
  'struct task_struct.pid init_task -c 3',
  'struct -o page',
  'struct rq.cpu,nr_running,curr runqueues:a',
  'union sigval',
  'p init_task.comm',
  'p *init_task.nsproxy',
  'p ((struct task_struct *)init_task.tasks.next)->pid',
  'p jiffies',
  'p runqueues:0',
  'px init_task.thread',
  'whatis vfs_write',
  'whatis -r 64 -m address_space',
  'init_task',
  'list -H modules -o module.list -s module.name,state',
  'list task_struct.tasks -h init_task -s task_struct.pid,comm',
  'list modules',
  'kmem -s',
  'kmem init_task',
  'dis -l vfs_write 4',
  'dis -r nfs_updatepage+0x20',
  'faddr2line vfs_write+0x10',
  'bt',
  'bt -FFF',
  'bt -l',
  'bt -v',
  'mod -t',
  'mod -g',
  'sym -m nfs',
  'search -V -x 2 init_task',
  'rd -SS init_task 64',
];

describe('objects, code and lists on dumps with random damage', () => {
  const aim = hotPages();
  beforeAll(() => loadDisassembler('x86_64'));

  it('have an answer where nothing is damaged', () => {
    const session = damaged('nfs', new Set(), 'missing');
    for (const command of objectCommands) expect(run(session, command), command).not.toMatch(/^(error:.*)?$/);
  });

  it.each(Array.from({ length: 24 }, (_, index) => index + 101))(
    'end in an answer or an error for the user (seed %i)',
    (seed) => {
      const random = randomFrom(seed);
      const damage = (['missing', 'zeroed', 'overwritten'] as const)[seed % 3] ?? 'missing';
      const pages = new Set(Array.from({ length: 3000 }, () => below(random, (512 << 20) / PAGE)));
      for (const page of aim) if (random() < 0.15) pages.add(page);
      const session = damaged('nfs', pages, damage);
      const picked = objectCommands.filter(() => random() < 0.25);
      const answers = picked.map((command) => run(session, command));
      // The dump opens, so something is always there.
      expect(answers.some((answer) => answer !== '' && !answer.startsWith('error:'))).toBe(true);
    },
  );
});

/** Pages that the commands go through: random ones are seldom hit among 131,072. */
function hotPages(): number[] {
  const { kernel } = intact;
  const addresses = [
    ...['init_task', 'modules', 'jiffies', 'runqueues', 'slab_caches', 'prb'].flatMap(
      (name) => kernel.addressOf(name) ?? [],
    ),
    ...intact.tasks().tasks.map(({ address }) => address),
    ...kernel.modules().modules.map(({ address }) => address),
    ...[0, 1].map((cpu) => kernel.perCpu.address('runqueues', cpu) ?? crashed.address),
    addVirt(kernel.memory.pointer(addVirt(crashed.address, offsetOfStack())), 8192),
  ];
  return addresses.flatMap((address) => attempt(() => pageOf(address)) ?? []);
}

function offsetOfStack(): number {
  return findMember(intact.kernel.types.struct('task_struct'), 'stack')?.offset ?? 0;
}
