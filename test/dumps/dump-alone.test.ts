/**
 * The dump alone beside the dump with its debug information: the same symbols, layouts, frames, tasks, log. What needs
 * DWARF says so.
 */

import { describe, expect, it } from 'vitest';
import type { VirtAddr } from '../../src/base/addr.ts';
import { Session } from '../../src/commands/session.ts';
import { loadDisassembler } from '../../src/disasm/disassembler.ts';
import type { CompoundType } from '../../src/debuginfo/types/type.ts';
import { declare } from '../../src/debuginfo/types/declaration.ts';
import { messageOf } from '../../src/base/errors.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { backtrace } from '../../src/query/backtrace.ts';
import {
  Fixture,
  fixtureNames,
  newHost,
  openAlone,
  specialFixtureNames,
  stoppedFixtureNames,
  countBytes,
} from './fixture.ts';

await loadDisassembler('x86_64');

interface PlainFrame {
  readonly slot: VirtAddr;
  readonly address: VirtAddr;
  readonly name: string | undefined;
  readonly offset: number;
  readonly module: string | undefined;
  readonly origin: string;
  readonly stack: string;
}

function framesOf(session: Session): Map<VirtAddr, readonly PlainFrame[]> {
  const { kernel } = session;
  return new Map(
    session.tasks().tasks.map((task) => {
      const { frames } = backtrace(kernel, session.unwinder(), task);
      const plain = frames.map(({ slot, address, symbol, offset, module, origin, stack }) => {
        // What only DWARF describes is stepped through by its instructions.
        const by = origin === 'code' ? 'cfi' : origin;
        return { slot, address, name: symbol, offset, module, origin: by, stack };
      });
      return [task.address, plain];
    }),
  );
}

/** Everything that a layout says, but for the names of types: a member's own type by its size is part of the offsets. */
function layoutOf({ name, size, members }: CompoundType): string {
  return [
    `${name ?? ''} ${size}`,
    ...members.map(({ name: member, type, offset, bitField }) => {
      const bits = bitField === undefined ? '' : ` ${bitField.bitOffset}:${bitField.bitSize}`;
      return `${offset}${bits} ${declare(type, member ?? '')}`;
    }),
  ].join('\n');
}

function layoutsOf({ types }: Kernel): Map<string, string> {
  return new Map(Array.from(types.compounds(), (type) => [`${type.kind} ${type.name ?? ''}`, layoutOf(type)]));
}

describe.each([...fixtureNames, ...stoppedFixtureNames, ...specialFixtureNames])('%s alone', (name) => {
  const fixture = new Fixture(name);
  const { session, alone } = fixture;

  it('needs no file but the dump', () => {
    const opened: string[] = [];
    const host = newHost();
    const open = host.open.bind(host);
    host.open = (path) => {
      opened.push(path);
      return open(path);
    };
    const dump = `${fixture.folder}/vmcore`;
    const target = openAlone(dump, host);
    expect(opened).toEqual([dump]);
    expect(target.load.proof).toMatch(/linux_banner/);
    expect(target.warnings).toEqual(session.kernel.target.warnings);
    expect(target.vmlinux.buildId()).toBe(session.kernel.target.vmlinux.buildId());
  });

  // Its own 100,000 to 200,000 and those of its modules.
  it('has the same symbols', () => {
    const { symbols } = session.kernel;
    let count = 0;
    for (const { name: symbol, address } of alone.kernel.symbols.all()) {
      count++;
      if (!symbols.named(symbol).some((known) => known.address === address))
        expect(`${symbol} at ${address.toString(16)}`).toBe('a symbol of vmlinux or a module');
    }
    expect(count).toBeGreaterThan(50_000);
  });

  it('has the same structures, those of modules, too', () => {
    const known = layoutsOf(session.kernel);
    const found = layoutsOf(alone.kernel);
    expect(found.size).toBe(known.size);
    expect(found.size).toBeGreaterThan(5_000);
    for (const [type, layout] of found) if (known.get(type) !== layout) expect(layout).toBe(known.get(type));
    const ofModules = (kernel: Kernel): (string | undefined)[] =>
      kernel.modules().modules.map((module) => {
        const types = module.btf();
        return types && Array.from(types.compounds(), layoutOf).join('\n');
      });
    expect(ofModules(alone.kernel)).toEqual(ofModules(session.kernel));
  });

  it('has the same frames in every task', () => {
    const known = framesOf(session);
    const found = framesOf(alone);
    expect([...found.keys()]).toEqual([...known.keys()]);
    for (const [task, frames] of found) expect(frames).toEqual(known.get(task));
  });
});

/** What a user would see, an error too; without what only debug information tells. */
function answer(fixture: Fixture, line: string, session: Session): string[] {
  session.values.length = 0;
  try {
    return fixture.run(line, session).filter((text) => !/\(inlined\)|^\(no lines, inlined calls and/.test(text));
  } catch (error) {
    return [messageOf(error)];
  }
}

describe.each(['nfs', 'nfs-plain', 'sysrq-6.12', 'sysrq-7.2'] as const)('commands on %s alone', (name) => {
  const fixture = new Fixture(name);

  it.each([
    'ps',
    'ps -m',
    'set',
    'log',
    'log -m',
    'kmem -s',
    'vtop init_task',
    'list -H modules -o module.list -s module.name,state',
    'list task_struct.tasks -h init_task -s task_struct.pid,comm',
    'struct task_struct',
    'struct -o page',
    'struct rq runqueues:0',
    'union -o bpf_attr',
    'struct list_head modules',
    'struct task_struct.pid,comm,tasks init_task',
    'p jiffies',
    'p init_uts_ns',
    'p init_task.comm',
    'p *init_task.signal',
    'p &init_task.tasks',
    'p sizeof(struct page)',
    'p __per_cpu_offset',
    'p runqueues:0',
    'p current_task:a',
    'p modules',
    'whatis init_task',
    'whatis modules',
    'whatis vfs_read',
    'whatis linux_banner',
    'whatis MODULE_STATE_LIVE',
    'rd -8 linux_banner 64',
    'rd init_task 64',
    'rd -a linux_banner',
    'bt -f',
    'bt -t',
    'bt -e',
    'foreach bt -R vfs_write',
    'dis vfs_write',
    'dis -x schedule',
  ])('answers %s as it is with debug information', (line) => {
    expect(answer(fixture, line, fixture.alone)).toEqual(answer(fixture, line, fixture.session));
  });

  it('say what they cannot tell without debug information, once', () => {
    const { alone } = fixture;
    const why = /--no-debuginfo keeps vmscope from looking for the vmlinux/;
    expect(fixture.run('bt', alone).filter((line) => why.test(line))).toHaveLength(1);
    expect(fixture.run('dis -l schedule 3', alone).filter((line) => why.test(line))).toHaveLength(1);
    expect(fixture.run('dis -s schedule', alone).filter((line) => why.test(line))).toHaveLength(1);
    expect(() => fixture.run('locals', alone)).toThrow(why);
    expect(() => fixture.run('args', alone)).toThrow(why);
    expect(() => fixture.run('whatis vmcoreinfo_data_safecopy', alone)).toThrow(why);
    const modules = fixture.run('mod', alone);
    expect(modules.filter((line) => line.includes('not looked for (--no-debuginfo)'))).toHaveLength(modules.length - 1);
  });
});

describe.each(['nfs', 'sysrq-6.12', 'sysrq-7.2'] as const)('%s alone, of a kernel without BTF', (name) => {
  const fixture = new Fixture(name);
  const target = openAlone(`${fixture.folder}/vmcore`);
  Object.assign(target.vmlinux, { btf: () => undefined });
  const untyped = new Session(target);

  it.each(['log', 'rd linux_banner 8', 'sym vfs_write', 'dis -r vfs_write+32', 'p jiffies', 'p nr_cpu_ids'])(
    'answers %s, which needs no types',
    (line) => {
      expect(answer(fixture, line, untyped)).toEqual(answer(fixture, line, fixture.alone));
    },
  );

  it('shows the stack of the CPU that crashed as far as the kernel itself goes, and says what is missing', () => {
    const ofKernel = (session: Session): string[] =>
      answer(fixture, 'bt', session).filter((line) => /^ *#\d+ .* at [0-9a-f]{16}$/.test(line));
    const found = ofKernel(untyped);
    const known = ofKernel(fixture.alone);
    expect(found.length).toBeGreaterThan(6);
    expect(known.slice(0, 7)).toEqual(found.slice(0, 7));
    expect(answer(fixture, 'bt', untyped).join('\n')).toContain('the kernel carries no types (BTF)');
    expect(() => fixture.run('ps', untyped)).toThrow(/struct not found: task_struct \(the kernel carries no types/);
    expect(fixture.run('mod', untyped).join('\n')).toContain('the kernel carries no types');
    expect(fixture.run('sys', untyped).join('\n')).toMatch(/RELEASE: \d/);
  });
});

describe('the work that bt of nfs alone takes', () => {
  it('reads what it needs', () => {
    const host = newHost();
    const bytes = countBytes(host);
    const fixture = new Fixture('nfs');
    const session = new Session(openAlone(`${fixture.folder}/vmcore`, host));
    fixture.run('bt', session);
    expect(bytes()).toBeLessThan(16 << 20);
  });
});
