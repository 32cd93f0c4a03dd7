/** `dis` beside crash 9.0.2, line by line; what crash does not have beside objdump, the symbol table and the stack. */

import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { FaultError } from '../../src/base/errors.ts';
import { loadDisassembler } from '../../src/disasm/disassembler.ts';
import { readCode } from '../../src/kernel/code.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { kernelCode } from '../../src/query/code-view.ts';
import { disassemble } from '../../src/query/disassembly.ts';
import { Fixture } from './fixture.ts';

beforeAll(() => loadDisassembler('x86_64'));

/** What crash does not say: names of per-CPU variables, marks, who inlined a line. */
function asCrash(line: string): string {
  const [, text = '', comment = ''] =
    /^(.*?)( {8}# 0x[0-9a-f]+ <[^>]*> \(per-cpu\))?$/.exec(line.replace(/ <==$/, '')) ?? [];
  return comment === '' || !text.includes('(%rip)') ? text : `${text}${comment.replace(/ <.*/, '')}`;
}

function lines(text: string | undefined): string[] {
  return (text ?? '').split('\n').filter((line) => line !== '');
}

describe.each(['nfs', 'sysrq-6.12'] as const)('dis on %s, beside crash', (name) => {
  const fixture = new Fixture(name);
  const asked = fixture.crashCommands().filter((command) => command.startsWith('dis '));

  it('prints the same instructions', () => {
    const instructions = asked.filter((command) => !command.includes(' -s'));
    expect(instructions.length).toBeGreaterThanOrEqual(10);
    for (const command of instructions) {
      const all = lines(fixture.crash(command)).filter((line) => /^ *0x/.test(line));
      // Where the address is inside of an instruction, that one is shown; crash shows the one behind it.
      const inside = fixture.run(command).at(-1)?.includes('is inside of an instruction') === true;
      const theirs = all
        .slice(0, inside && !command.includes(' -f') ? -1 : undefined)
        // crash's name for an address that bears two: the padding before a function, a label at its end.
        .map((line) => line.replace(/<__pfx_\w+(\+\w+)?>:/, '<padding>:'));
      const ours = fixture
        .run(command)
        .filter((line) => /^ *0x/.test(line))
        .slice(inside ? -theirs.length : 0)
        .map((line, index) => {
          const padding = theirs[index]?.includes('<padding>') === true;
          // What lies before the first function of a module's text has no name here.
          return padding ? asCrash(line).replace(/( <[^>]*>)?:/, ' <padding>:') : asCrash(line);
        });
      expect(ours, command).toEqual(theirs);
      expect(ours.length, command).toBeGreaterThanOrEqual(4);
    }
  });

  it('says where the source is', () => {
    const place = /^(FILE|LINE): /;
    const ours = fixture.run('dis -s schedule');
    expect(ours.filter((line) => place.test(line))).toEqual(
      lines(fixture.crash('dis -s schedule')).filter((line) => place.test(line)),
    );
    expect(ours.at(-2)).toContain('--src DIR');
  });
});

/** The chain of addr2line -i for link-time addresses: "function file:line", innermost first. */
function addr2line(file: string, addresses: readonly bigint[]): string[][] {
  const words = addresses.map((address) => `0x${address.toString(16)}`);
  const text = execFileSync('addr2line', ['-aife', file, ...words], { encoding: 'utf8', maxBuffer: 1 << 28 });
  return text
    .split(/^0x[0-9a-f]+$/m)
    .slice(1)
    .map((part) => {
      const rows = part.trim().split('\n');
      return rows.flatMap((name, index) => (index % 2 === 0 ? [`${name} ${pathOf(rows[index + 1] ?? '')}`] : []));
    });
}

/** Without the folder of the build, and what addr2line says of discriminators. */
function pathOf(place: string): string {
  return place
    .replace(/^debian\/build\/[^/]*\//, '')
    .replace(/ \(discriminator \d+\)$/, '')
    .replace(/^.*\/linux-[^/]*\//, '');
}

describe.each(['nfs', 'sysrq-6.12', 'sysrq-7.2'] as const)('dis on %s', (name) => {
  const fixture = new Fixture(name);
  const { session } = fixture;
  const { kernel } = session;
  const view = kernelCode(kernel);

  it('has the lines and inlined functions that addr2line has', () => {
    const addresses = ['schedule', 'vfs_write', 'vfs_read', 'do_exit'].flatMap((symbol) => {
      const range = view.rangeAt(kernel.symbol(symbol));
      if (range === undefined) throw new Error(`there is no ${symbol}`);
      return disassemble(view, request(range.start)).rows.map(({ address }) => address);
    });
    expect(addresses.length).toBeGreaterThan(500);
    const theirs = addr2line(
      `${fixture.folder}/vmlinux`,
      addresses.map((address) => kernel.linked(address)),
    );
    const ours = addresses.map((address) =>
      view.linesAt(address).frames.map(({ functionName, source }) => `${functionName} ${source?.file}:${source?.line}`),
    );
    const differences = ours.flatMap((chain, index) =>
      chain.join(' < ') === theirs[index]?.join(' < ')
        ? []
        : [`${addresses[index]?.toString(16)}: ${chain.join(' < ')} | ${theirs[index]?.join(' < ')}`],
    );
    expect(differences).toEqual([]);
  });

  it('names every per-CPU variable as sym does', () => {
    const { rows } = disassemble(view, request(kernel.symbol('schedule')));
    const used = rows.filter(({ data }) => data?.perCpu === true);
    expect(used.length).toBeGreaterThan(2);
    const names = used.map(({ data }) => data?.symbol?.name);
    expect(names).toContain(name === 'sysrq-6.12' ? 'pcpu_hot' : 'current_task');
    for (const { data } of used) {
      const [symbol] = kernel.symbols.named(data?.symbol?.name ?? '');
      expect(symbol && symbol.address + BigInt(data?.symbol?.offset ?? 0)).toBe(data?.address);
    }
  });

  it('marks where the current task is, in every frame of its stack', () => {
    const frames = fixture.run('bt').flatMap((line) => /^ *#\d+ \[\w+\] \S+ at (\w+)/.exec(line)?.[1] ?? []);
    expect(frames.length).toBeGreaterThanOrEqual(5);
    const unmarked = frames.filter((address) => {
      const instructions = fixture.run(`dis -r ${address}`).filter((line) => line.startsWith('0x'));
      // The instruction itself, or the call before it.
      return !instructions.slice(-2).some((line) => line.endsWith(' <=='));
    });
    expect(unmarked).toEqual([]);
  });

  it('takes the bytes of a page that is not in the dump from vmlinux', () => {
    const address = kernel.symbol('vfs_write');
    const holed: Kernel = Object.create(kernel, {
      memory: {
        value: {
          bytes: () => {
            throw new FaultError('kernel virtual', address, 'excluded');
          },
          u32: () => 3,
        },
      },
    });
    const { pieces, fault } = readCode(holed, address, 64);
    expect(fault).toBeUndefined();
    expect(pieces).toHaveLength(1);
    expect(pieces[0]?.substitute).toMatch(/^bytes from .*vmlinux: .*excluded by the dump filter; alternatives/);
    expect(pieces[0]?.bytes).toEqual(kernel.target.vmlinux.bytesAt(kernel.linked(address), 64));
    expect(() => readCode(holed, kernel.symbol('jiffies'), 8)).toThrow(FaultError);
  });

  it('takes freed init text of a module from its file, with calls that lead where they did', () => {
    const [note, ...code] = fixture.run('dis init_nfs_fs');
    expect(note).toMatch(/^\(bytes from .*nfs\.ko: \.init\.text of nfs is freed/);
    expect(code[0]).toContain('<init_nfs_fs>:');
    const callees = code.flatMap((line) => /\tcall +0x[0-9a-f]+ <([^>]*)>$/.exec(line)?.[1] ?? []);
    const second = /<(init_nfs_fs\+\d+)>:/.exec(code[1] ?? '')?.[1] ?? '';
    expect(fixture.run(`dis -r ${second}`).slice(1)).toEqual(code.slice(0, 2));
    expect(() => fixture.run('dis -r init_nfs_fs+0x1000')).toThrow('behind the end of init_nfs_fs');
    expect(callees).toContain('register_pernet_subsys');
    expect(callees.filter((callee) => callee.includes('+'))).toEqual([]);
  });

  it('takes freed init text from vmlinux, as objdump has it', () => {
    const { address, size } = kernel.symbols.named('start_kernel')[0] ?? {
      address: kernel.symbol('start_kernel'),
      size: 0,
    };
    const linked = kernel.linked(address);
    const range = [
      `--start-address=0x${linked.toString(16)}`,
      `--stop-address=0x${(linked + BigInt(size)).toString(16)}`,
    ];
    const text = execFileSync(
      'objdump',
      ['-d', '--no-show-raw-insn', '-j', '.init.text', ...range, `${fixture.folder}/vmlinux`],
      {
        encoding: 'utf8',
      },
    );
    const theirs = Array.from(text.matchAll(/^[0-9a-f]+:\t(\S+)/gm), ([, mnemonic]) => mnemonic);
    const [note, ...ours] = fixture.run('dis start_kernel');
    expect(note).toMatch(/^\(bytes from .*vmlinux: \.init\.text is freed/);
    expect(ours.map((line) => /\t(\S+)/.exec(line)?.[1])).toEqual(theirs);
    expect(theirs.length).toBeGreaterThan(100);
  });
});

function request(address: Parameters<typeof disassemble>[1]['address']): Parameters<typeof disassemble>[1] {
  return {
    address,
    extent: 'function',
    count: undefined,
    mayBeReturn: true,
    radix: 10,
    lines: false,
    symbols: true,
    bugBytes: 0,
    places: undefined,
  };
}
