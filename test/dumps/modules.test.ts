/**
 * Modules and their debug files: `mod` and `sym` beside crash, files of other builds, what a choice changes. Choices
 * are made in sessions of their own.
 */

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { OpenError } from '../../src/base/errors.ts';
import { parseLine } from '../../src/commands/line.ts';
import { invocationOf, runCommand } from '../../src/commands/run.ts';
import { Session } from '../../src/commands/session.ts';
import { NodeHost } from '../../src/faces/node/host.ts';
import { renderAll } from '../../src/render/text/index.ts';
import { openTarget } from '../../src/target/target.ts';
import { Fixture, type FixtureName } from './fixture.ts';

function freshSession(fixture: Fixture): Session {
  return new Session(
    openTarget(new NodeHost(), {
      dumps: [`${fixture.folder}/vmcore`],
      vmlinux: undefined,
      debugFolders: [],
      moduleFolders: [],
    }),
  );
}

function run(session: Session, line: string): string[] {
  const parsed = parseLine(line);
  if (parsed.kind !== 'command') return [];
  return [...renderAll(runCommand(session, invocationOf(parsed.words)))];
}

function lines(text: string | undefined): string[] {
  return (text ?? '').split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trimEnd()]));
}

/** crash's path of a source file is that of the build; ours is relative to the kernel tree. */
function treePaths(text: readonly string[]): string[] {
  return text.map((line) => line.replace(/ (?:\S*\/)?build_[^/]*\//, ' '));
}

describe.each(['nfs', 'sysrq-6.12'] as const)('mod of %s, beside crash', (name) => {
  const fixture = new Fixture(name);
  const session = freshSession(fixture);

  it('has the same table, but for the column of files', () => {
    const first = (text: readonly string[]): string[] => text.map((line) => line.slice(0, line.lastIndexOf('  ')));
    const theirs = lines(fixture.crash('mod')).map((line) => line.replace('  [CONFIG_KALLSYMS]', ''));
    expect(first(run(session, 'mod'))).toEqual(first(theirs));
  });

  it('-S has the same table, and the same files', () => {
    const theirs = lines(fixture.crash('mod -S modules'));
    const ours = run(session, `mod -S ${fixture.folder}/modules`);
    expect(ours.map((line) => line.replace(`${fixture.folder}/`, ''))).toEqual(theirs);
  });

  it('-t has the same letters', () => {
    expect(run(session, 'mod -t')).toEqual(lines(fixture.crash('mod -t')));
  });

  it('-s of one module has the same lines', () => {
    const theirs = lines(fixture.crash('mod -s nfs modules/nfs.ko'));
    const ours = run(session, `mod -s nfs ${fixture.folder}/modules/nfs.ko`);
    expect(ours.map((line) => line.replace(`${fixture.folder}/`, ''))).toEqual(theirs);
  });

  it('-d says nothing', () => {
    expect(run(session, 'mod -d nfs')).toEqual(lines(fixture.crash('mod -d nfs')));
    expect(run(session, 'mod').find((line) => line.includes(' nfs '))).toContain('(not loaded)');
    run(session, 'mod -s nfs');
  });
});

describe.each(['nfs', 'sysrq-6.12'] as const)('sym of %s, beside crash', (name) => {
  const fixture = new Fixture(name);

  /** Where crash names the compiler's copies of a function by the source's name, and shows what is no symbol of C. */
  const comparable = (text: readonly string[]): string[] =>
    text.filter((line) => !/\.(?:LC\d|part|isra|constprop|cold)|PERCPU| __(?:pfx_|k?symtab|kcrctab)/.test(line));

  it.each(['sym -m grace', 'sym -m nfsd', 'sym -M'])('%s has the symbols and marks', (command) => {
    const ours = fixture.run(command).map((line) => line.replace(/ \[\w+\]$/, ''));
    const theirs = new Set(lines(fixture.crash(command)).map((line) => line.replace(/ \[\w+\]$/, '')));
    expect(theirs.size).toBeGreaterThan(20);
    const missing = comparable(ours).filter((line) => !theirs.has(line));
    // The letter of a module's per-CPU symbol is the kernel's own: `a`.
    const unexplained = missing.filter((line) => !/^[0-9a-f]{1,8} \(a\)/.test(line));
    // crash merges the names of copies: "put_rpccred.part.0" stands there as a second "put_rpccred".
    expect(unexplained.length, unexplained.slice(0, 10).join('\n')).toBeLessThanOrEqual(ours.length / 100);
    for (const mark of ours.filter((line) => / MODULE /.test(line))) expect(theirs).toContain(mark);
  });

  it('-q finds the same names', () => {
    const command = 'sym -q nfs_upd';
    const theirs = lines(fixture.crash(command));
    expect(fixture.run(command).toSorted()).toEqual(theirs.toSorted());
  });

  it.each(['sym nfs_page_cachep', 'sym nfs_alloc_server', 'sym -p schedule_timeout', 'sym -n schedule_timeout'])(
    '%s is the same line',
    (command) => {
      const theirs = treePaths(lines(fixture.crash(command)));
      const ours = fixture.run(command).filter((line) => !line.startsWith('    '));
      if (theirs.length === 2 || !/ -[pn] /.test(command)) expect(ours).toEqual(theirs);
      else expect(ours).toEqual(expect.arrayContaining(theirs));
    },
  );

  it('marks sections after mod -g', () => {
    const session = freshSession(fixture);
    run(session, 'mod -g -S');
    const sections = (text: readonly string[]): string[] => text.filter((line) => line.includes(': section '));
    const ours = sections(run(session, 'sym -m lockd'));
    const theirs = sections(lines(fixture.crash('sym -m lockd')));
    expect(theirs.length).toBeGreaterThan(10);
    // crash leaves out sections in which no symbol is.
    expect(ours.filter((line) => theirs.includes(line))).toEqual(theirs);
  });
});

describe('sym at an address inside inlined code', () => {
  it("names the function's own line first, then the calls, innermost first", () => {
    const fixture = new Fixture('nfs');
    const [line = '', ...inlined] = fixture.run('sym nfs_updatepage+0x997');
    const frame = fixture.run('bt -l').findIndex((text) => text.includes('] nfs_updatepage at '));
    expect(frame).toBeGreaterThan(0);
    expect(line).toMatch(/^[0-9a-f]{16} \(T\) nfs_updatepage\+2455 \[nfs\] fs\/nfs\/write\.c: \d+$/);
    expect(inlined.at(-1)).toMatch(/^ {4}nfs_writepage_setup \(inlined\) at fs\/nfs\/write\.c: \d+$/);
    expect(fixture.run(`sym ${line.slice(0, 16)}`)).toEqual([line, ...inlined]);
  });
});

/** The same module of the other kernels, of the same name and nearly the same content. */
const others: Readonly<Record<string, FixtureName>> = {
  nfs: 'sysrq-6.12',
  'sysrq-6.12': 'sysrq-7.2',
  'sysrq-7.2': 'nfs',
};

describe.each(['nfs', 'sysrq-6.12', 'sysrq-7.2'] as const)('debug files of modules of %s', (name) => {
  const fixture = new Fixture(name);
  const session = freshSession(fixture);
  const nfs = session.kernel.modules().named('nfs');
  if (nfs === undefined) throw new Error('no nfs');

  it('of another build are refused, with both build-ids', () => {
    const path = `${new Fixture(others[name] ?? 'nfs').folder}/modules/nfs.ko`;
    let message = '';
    try {
      run(session, `mod -s nfs ${path}`);
    } catch (error) {
      if (error instanceof OpenError) ({ message } = error);
    }
    expect(message).toContain(path);
    const ids = message.match(/\b[0-9a-f]{40}\b/g) ?? [];
    expect(ids).toHaveLength(2);
    expect(ids[1]).toBe(nfs.buildId());
    expect(ids[0]).not.toBe(nfs.buildId());
  });

  it('load by themselves when they are needed, not before', () => {
    const fresh = freshSession(fixture);
    const loaded = (): number =>
      fresh.kernel.modules().modules.filter((module) => fresh.kernel.moduleDebug.state(module).kind === 'loaded')
        .length;
    run(fresh, 'mod');
    run(fresh, 'bt 2');
    const before = loaded();
    run(fresh, 'sym nfs_alloc_server');
    expect(loaded()).toBe(before + 1);
  });

  it('are proved by build-id, and describe types, lines and locals of that module', () => {
    const debug = nfs.debug();
    expect(debug?.proof).toBe('build-id');
    expect(session.kernel.userTypes.compound('struct', 'nfs_page')?.size).toBe(96);
    const [symbol] = session.kernel.symbols.named('nfs_alloc_server');
    const [scope] = debug?.dwarf?.scopesAt(Number(BigInt.asIntN(64, symbol?.address ?? 0n))) ?? [];
    expect(scope?.name).toBe('nfs_alloc_server');
    expect(scope?.children().length).toBeGreaterThan(2);
  });

  it('of a module whose build-id is not in the dump are taken by name, and marked', () => {
    const fresh = freshSession(fixture);
    const module = fresh.kernel.modules().named('nfs');
    if (module === undefined) throw new Error('no nfs');
    Object.assign(module, { buildId: () => undefined, srcversion: () => undefined });
    expect(run(fresh, 'mod').find((line) => line.includes(' nfs '))).toMatch(/\(unproved: no build-id to compare\)$/);
    expect(run(fresh, 'sym nfs_alloc_server')[0]).toMatch(/ fs\/nfs\/client\.c: \d+$/);
    const other = `${new Fixture(others[name] ?? 'nfs').folder}/modules/nfs.ko`;
    expect(() => run(fresh, `mod -s nfs ${other}`)).toThrow(/its kernel release: +\d/);
  });

  it('that are forgotten stay so, until they are loaded again', () => {
    const { generation } = session.kernel.moduleDebug;
    expect(run(session, 'sym nfs_alloc_server')[0]).toMatch(/ fs\/nfs\/client\.c: \d+$/);
    run(session, 'mod -d nfs');
    expect(run(session, 'sym nfs_alloc_server')[0]).toMatch(/ \[nfs\]$/);
    expect(nfs.debug()).toBeUndefined();
    run(session, 'mod -s nfs');
    expect(run(session, 'sym nfs_alloc_server')[0]).toMatch(/ fs\/nfs\/client\.c: \d+$/);
    run(session, 'mod -D');
    expect(run(session, 'mod').filter((line) => line.includes('(not loaded)')).length).toBeGreaterThan(8);
    run(session, 'mod -S');
    expect(run(session, 'sym nfs_alloc_server')[0]).toMatch(/ fs\/nfs\/client\.c: \d+$/);
    expect(session.kernel.moduleDebug.generation).toBeGreaterThan(generation);
  });
});

describe('mod -S of a folder', () => {
  const fixture = new Fixture('nfs');
  const folder = mkdtempSync(join(tmpdir(), 'vmscope-mod-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('leaves the modules that it has no file for with the file they had, as crash does, and says so', () => {
    const session = freshSession(fixture);
    cpSync(`${fixture.folder}/modules/nfs.ko`, join(folder, 'nfs.ko'));
    const before = run(session, 'mod -S');
    run(session, 'mod -d lockd');
    const after = run(session, `mod -S ${folder}`);
    const [kept = '', missing, places, ...more] = after.slice(before.length);
    expect(after.find((line) => / nfs /.test(line))).toContain(join(folder, 'nfs.ko'));
    expect(after.find((line) => / nfsd /.test(line))).toEqual(before.find((line) => / nfsd /.test(line)));
    expect(kept.startsWith(`${folder} has no file of this build for these, which keep the file they had: `)).toBe(true);
    expect(kept.split(': ')[1]?.split(' ')).toHaveLength(before.length - 3);
    expect([missing, places, more]).toEqual(['No file of this build was found for: lockd', `Looked in: ${folder}`, []]);
  });
});

describe('options of crash that change nothing here', () => {
  const session = freshSession(new Fixture('nfs'));

  it('-r and -o are taken, with what they stand with', () => {
    const table = run(session, 'mod');
    const nfs = table.filter((line) => / nfs /.test(line));
    expect(run(session, 'mod -s nfs -r').slice(1)).toEqual(nfs);
    expect(run(session, 'mod -r -s nfs').slice(1)).toEqual(nfs);
    expect(run(session, 'mod -S -r')).toEqual(table);
    expect(run(session, 'mod -r')).toEqual(table);
    expect(run(session, 'mod -r nfs')).toEqual(table);
    expect(run(session, 'mod -o nfs')).toEqual([]);
    expect(run(session, 'mod -o')).toEqual([]);
    expect(run(session, 'mod -d nfs -r')).toEqual([]);
    expect(run(session, 'mod').join('\n')).toContain('(not loaded)  by mod -d');
  });

  it('-R has files found by themselves again', () => {
    const table = run(session, 'mod -S');
    run(session, 'mod -D');
    expect(run(session, 'mod -R')).toEqual(table);
  });

  it('bt -o, foreach bt -o and foreach bt -v show the same stacks', () => {
    expect(run(session, 'bt -o')).toEqual([
      ...run(session, 'bt'),
      '(-o changes nothing here: -t lists what is stale, too)',
    ]);
    expect(run(session, 'foreach init bt -o').slice(0, -1)).toEqual(run(session, 'foreach init bt'));
    expect(run(session, 'foreach init bt -v')).toEqual(run(session, 'foreach init bt'));
    expect(run(session, 'bt -O')).toEqual(['(-O changes nothing here: frames are exact; -t lists what is stale, too)']);
  });

  it('list -O without -h, rd -N of 64 bits', () => {
    expect(run(session, 'list -O module.list -H modules')).toEqual(run(session, 'list -H modules'));
    expect(run(session, 'list -O module.list modules')).toEqual(run(session, 'list modules'));
    expect(run(session, 'rd -N init_task 2')).toEqual(run(session, 'rd init_task 2'));
    expect(run(session, 'rd -N -64 init_task 2')).toEqual(run(session, 'rd init_task 2'));
  });
});

describe('wrong arguments of mod and sym', () => {
  const fixture = new Fixture('nfs');
  it.each([
    ['mod nfs', 'mod: what is "nfs"?'],
    ['mod -s', 'mod: -s wants a value'],
    ['mod -s nfx', 'loaded module not found: nfx; did you mean nfs?'],
    ['mod -s nfs /no/such.ko', '/no/such.ko: no such file'],
    ['mod -s nfs /tmp', '/tmp: is a folder, not a file'],
    ['mod -s nfs /etc/passwd', '/etc/passwd: is not an ELF file'],
    ['mod -S /no/such', 'mod -S /no/such: there is no such folder'],
    ['mod -d nfx', 'loaded module not found: nfx'],
    ['mod -s nfs -d nfs', '-s and -d exclude each other'],
    ['mod -S -R', '-S and -R exclude each other'],
    ['mod -x', 'there is no option -x'],
    ['sym -m nfx', 'loaded module not found: nfx'],
    ['sym nfs_updatepage+zz', 'the offset zz is no number'],
  ])('%s', (line, message) => {
    expect(() => run(fixture.session, line)).toThrow(message);
  });
});

it('a module whose file was just loaded has no symbols outside its memory', () => {
  const fixture = new Fixture('deref');
  const listed = fixture.run('sym -m repro');
  expect(listed[0]).toMatch(/ MODULE START: repro$/);
  expect(listed.join('\n')).toMatch(/ repro_init \[repro\]/);
  for (const command of ['sym ____versions', 'rd ____versions'])
    expect(() => fixture.run(command)).toThrow(/was in the file of module repro alone/);
});
