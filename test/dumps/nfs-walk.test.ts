/**
 * The walk of docs/walkthrough-nfs.md, from the log of the dump to the NULL pointer: each step takes what it asks about
 * from the answer before it, and is checked against the console, crash, objdump, pahole and addr2line.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadDisassembler } from '../../src/disasm/disassembler.ts';
import { Fixture } from './fixture.ts';
import { objdump } from './objdump.ts';

const fixture = new Fixture('nfs');
/** Every command of the walk, with ADDR for addresses, NAME+OFF for what stands in the log: the tutorial has these. */
const walked: string[] = [];

function run(command: string): string[] {
  walked.push(shapeOf(command));
  return fixture.run(command);
}

function shapeOf(command: string): string {
  return command
    .replaceAll(/\b(0x)?[0-9a-f]{16}\b/g, 'ADDR')
    .replaceAll(/\+0x[0-9a-f]+(\/0x[0-9a-f]+)?/g, '+OFF')
    .replace(/^frame [\d.]+$/, 'frame N')
    .replace(/ -f [\d.]+/, ' -f N');
}

function theirs(command: string): string[] {
  return (fixture.crash(command) ?? '').replace(/\n$/, '').split('\n');
}

const normal = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/\$\d+/, '$N').trimEnd());

function match(lines: readonly string[], pattern: RegExp): RegExpExecArray {
  const found = pattern.exec(lines.join('\n'));
  if (found === null) throw new Error(`${pattern.source} is not in:\n${lines.join('\n')}`);
  return found;
}

beforeAll(() => loadDisassembler('x86_64'));

describe('the walk', () => {
  const log = run('log');
  const oops = log.slice(log.findIndex((line) => line.includes('BUG: kernel NULL pointer dereference')));
  const register = (name: string): string => match(oops, new RegExp(`${name}: ([0-9a-f]{16})`))[1] ?? '';
  const fault = match(oops, /NULL pointer dereference, address: ([0-9a-f]{16})/)[1] ?? '';
  const interrupted = match(oops, /RIP: 0010:(\S+)/)[1] ?? '';
  const caller = match(oops, /(nfs_updatepage\+0x[0-9a-f]+\/0x[0-9a-f]+) \[nfs\]/)[1] ?? '';
  const place = caller.replace(/\/.*/, '');
  const trace = run('bt');

  it('begins at the log, which is the console’s', () => {
    const console = fixture.console.replaceAll('\r', '');
    for (const name of ['RDI', 'R12', 'RBX', 'R13']) expect(console).toContain(`${name}: ${register(name)}`);
    expect(console).toContain(interrupted);
    expect(register('RDI')).toBe(fault);
  });

  it('mod: the module is there, with the file of its build', () => {
    expect(run('help mod').join('\n')).toContain('mod -s module [file]');
    const [, ...rows] = run('mod');
    const nfs = rows.find((row) => /^\S+ +nfs /.test(row)) ?? '';
    expect(nfs.split(/ +/).slice(0, 4)).toEqual(
      theirs('mod')
        .find((row) => /^\S+ +nfs /.test(row))
        ?.split(/ +/)
        .slice(0, 4),
    );
    expect(nfs).toMatch(/\/nfs\.ko$/);
    expect(run('mod -t').join('\n')).toMatch(/repro +OE/);
  });

  it('faddr2line: the line of the call, and of the instruction, as addr2line -i has them', () => {
    const lines = (text: readonly string[]): string[] =>
      text.flatMap((line) => /^(?: \(inlined by\) )?(\w+) at (\S+)$/.exec(line)?.slice(1).join(' ') ?? []);
    const [, moduleBase = ''] = /^\S+ +nfs +([0-9a-f]+)/m.exec(run('mod').join('\n')) ?? [];
    const symbol = match(
      run(`sym ${place}`),
      /^([0-9a-f]{16}) \(\w\) nfs_updatepage\+(\d+) \[nfs\] +(fs\/nfs\/write\.c): (\d+)/,
    );
    const address = BigInt(`0x${symbol[1]}`);
    const offset = address - 1n - BigInt(`0x${moduleBase}`);
    const ofCall = lines(run(`faddr2line ${caller}`));
    expect(ofCall).toEqual(addr2line(`${fixture.folder}/modules/nfs.ko`, '.text', offset));
    expect(ofCall.length).toBeGreaterThan(3);
    expect(ofCall.at(-1)).toMatch(/^nfs_updatepage fs\/nfs\/write\.c:\d+$/);
    // The frame's lines are those of the call, too; the kernel's script would name what follows the call.
    const frame = trace.slice(trace.findIndex((line) => line.includes('] nfs_updatepage at ')));
    expect(frame[1]).toContain(
      `${ofCall[0]?.split(' ')[0]} (inlined) at ${ofCall[0]?.split(' ')[1]?.replace(':', ': ')}`,
    );
    const linked = fixture.session.kernel.linked(fixture.session.address(interrupted.replace(/\/.*/, '')));
    expect(lines(run(`faddr2line ${interrupted}`))).toEqual(addr2line(`${fixture.folder}/vmlinux`, undefined, linked));
  });

  it('dis: the call and where its argument came from, as objdump and crash have them', () => {
    const lines = run(`dis -r ${place}`);
    // crash shortens what follows a tab otherwise; the instructions and what they name are the same.
    // What a per-CPU operand is, crash does not say.
    const text = (line: string): string =>
      line
        .replace(/ <==$/, '')
        .replace(/ +# .*\(per-cpu\)$/, '')
        .replaceAll(/\s+/g, ' ')
        .trim();
    expect(lines.map(text)).toEqual(theirs(`dis -r ${place}`).map(text));
    const call = lines.at(-2) ?? '';
    expect(call).toMatch(/^0x.*call +0x[0-9a-f]+ <_raw_spin_lock> <==$/);
    const from = /0x([0-9a-f]{16})/.exec(lines.at(-4) ?? '')?.[1] ?? '';
    const to = /0x([0-9a-f]{16})/.exec(lines.at(-1) ?? '')?.[1] ?? '';
    const length = Number(BigInt(`0x${to}`) - BigInt(`0x${from}`));
    const bytes = run(`rd -8 ${from} ${length}`).flatMap((line) => (/: {2}((?:[0-9a-f]{2} )+)/.exec(line)?.[1] ?? '').trim().split(' ')); // prettier-ignore
    expect(
      objdump(
        bytes.map((byte) => Number.parseInt(byte, 16)),
        from,
      ),
    ).toEqual(
      lines.slice(-4, -1).map((line) =>
        text(line)
          .replace(/^0x[0-9a-f]+ <[^>]*>: ?/, '')
          .replaceAll(/ <[^>]*>/g, ''),
      ),
    );
    expect(run(`dis -rl ${place}`).join('\n')).toMatch(
      /\(spin_lock\)\n +inlined into nfs_inode_add_request at fs\/nfs\/write\.c: \d+/,
    );
  });

  it('bt -FF and -FFF: the request and the inode on the stack', () => {
    const words = (text: readonly string[]): string[] =>
      text.flatMap((line) => line.match(/\[[0-9a-f]{16}:[\w-]+\]/g) ?? []);
    const ours = words(run('bt -FF'));
    expect(new Set(ours)).toEqual(
      new Set([...words(theirs('bt -FF')), ...ours.filter((word) => !theirs('bt -FF').join().includes(word))]),
    );
    expect(words(theirs('bt -FF')).filter((word) => !ours.includes(word))).toEqual([]);
    const named = run('bt -FFF').join('\n');
    expect(named).toContain(`[${register('R12')}:`);
    expect(named).toMatch(new RegExp(`\\[${register('R12')}:\\w+\\] ~nfs_page `));
    expect(named).toMatch(
      new RegExp(`\\[${register('R13')}:nfs_inode_cache\\] ~nfs_inode\\+0x[0-9a-f]+ \\(\\.vfs_inode\\)`),
    );
  });

  it('kmem: an allocated object of a cache that nfs_page shares with others', () => {
    const text = run(`kmem ${register('R12')}`);
    expect(text.join('\n')).toContain(`  [${register('R12')}]`);
    expect(text.join('\n')).toMatch(/also: .*\bnfs_page\b/);
    expect(text.join('\n')).toMatch(/~nfs_page: of \d+ kinds/);
    const common = theirs(`kmem ${register('R12')}`)
      .map((line) => line.trimEnd())
      .filter((line) => line !== '');
    const mine = text.map((line) => line.trimEnd());
    // crash counts nothing on a cache's partial lists twice either: each of its lines stands here.
    for (const line of common)
      expect(mine.map((entry) => entry.replaceAll(/ +/g, ' '))).toContain(line.replaceAll(/ +/g, ' '));
  });

  it('struct: the request, its page, and the mapping that is NULL', () => {
    const request = register('R12');
    expect(normal(run(`struct nfs_page ${request}`))).toEqual(normal(theirs(`struct nfs_page ${request}`)));
    const page = match(run(`struct nfs_page.wb_page,wb_flags ${request}`), /wb_page = 0x([0-9a-f]{16})/)[1] ?? '';
    expect(page).toBe(register('RBX'));
    expect(normal(run(`struct page.mapping,index,flags ${page}`))).toEqual(
      normal(theirs(`struct page.mapping,index,flags ${page}`)),
    );
    const mapping = run(`p ((struct nfs_page *)0x${request})->wb_page->mapping`);
    expect(mapping[0]).toMatch(/= \(struct address_space \*\) 0x0$/);
    expect(normal(mapping)).toEqual(normal(theirs(`p ((struct nfs_page *)0x${request})->wb_page->mapping`)));
  });

  it('the address that faulted is that of private_lock in a NULL address_space', () => {
    const [line = ''] = run('p &((struct address_space *)0)->private_lock');
    expect(line).toMatch(/= \(spinlock_t \*\) 0x[0-9a-f]+$/);
    expect(BigInt(/0x[0-9a-f]+$/.exec(line)?.[0] ?? '')).toBe(BigInt(`0x${fault}`));
    expect(normal([line])).toEqual(normal(theirs('p &((struct address_space *)0)->private_lock')));
    const pahole = execFileSync('pahole', ['-F', 'btf', '-C', 'address_space', `${fixture.folder}/vmlinux`], {
      encoding: 'utf8',
    });
    expect(Number(/private_lock; +\/\* +(\d+)/.exec(pahole)?.[1])).toBe(Number(`0x${fault}`));
    expect(run('struct -ox address_space').join('\n')).toContain(
      `[0x${BigInt(`0x${fault}`).toString(16)}] spinlock_t private_lock;`,
    );
  });

  it('frame, args, locals: the same by the names of the source', () => {
    const [, number = ''] = match(run('bt'), /^ {4}#(\d+\.\d+) nfs_inode_add_request \(inlined\)/m);
    expect(run(`frame ${number}`)[1]).toContain('nfs_inode_add_request (inlined)');
    expect(match(run('args'), /struct nfs_page \*req = 0x([0-9a-f]{16})/)[1]).toBe(register('R12'));
    expect(match(run('locals'), /struct address_space \*mapping = (\S+)/)[1]).toBe('0x0');
    expect(run('p req->wb_page->mapping')[0]).toMatch(/= \(struct address_space \*\) 0x0$/);
    fixture.session.frame = undefined;
  });

  it('origin: from the lock back to page->mapping, to the request and to who made it', () => {
    const [, number = ''] = match(trace, /^ *#(\d+) \[[0-9a-f]+\] _raw_spin_lock at /m);
    const lines = run(`origin -f ${number} rdi`);
    const [rdi, r15, mapping, page, request] = [
      match(lines, /rdi = 0x([0-9a-f]+) +<- argument lock of _raw_spin_lock/),
      match(lines, /r15 = 0x([0-9a-f]+) +<- add +\$0xa4,%r15 +lock = &mapping->private_lock/),
      match(lines, /r15 = 0x([0-9a-f]+) +<~ mov +0x18\(%rdi\),%r15 +mapping = page->mapping/),
      match(lines, /rdi = ~0x([0-9a-f]+) +<~ mov +0x10\(%rax\),%rdi +page = req->wb_page/),
      match(lines, /rax = 0x([0-9a-f]+) .*<- req: returned by nfs_create_request/),
    ].map((found) => BigInt(`0x${found[1]}`));
    const known = ['RDI', 'R15', 'RBX', 'R12'].map((name) => BigInt(`0x${register(name)}`));
    expect([rdi, r15, page, request]).toEqual(known);
    expect(mapping).toBe(0n);
    expect(run(`origin -f ${number} r13`).join('\n')).toMatch(/ holds 0x0 now: it has changed since it was read/);
  });

  it('search: who else has the request', () => {
    const request = register('R12');
    const hits = (lines: readonly string[]): string[] => lines.map((line) => line.trim()).sort();
    expect(hits(run(`search -t ${request}`))).toEqual(hits(theirs(`search -t ${request}`)));
    expect(run(`rd -SS ${request} 12`).map((line) => line.trimEnd())).toEqual(
      theirs(`rd -SS ${request} 12`).map((line) => line.trimEnd()),
    );
  });

  it.each(['walkthrough-nfs.md', 'walkthrough-nfs.zh-CN.md'])('docs/%s has these commands, and no others', (name) => {
    const text = readFileSync(`docs/${name}`, 'utf8');
    const shown = Array.from(text.matchAll(/^vmscope> (.*)$/gm), ([, line = '']) => line.split('; '))
      .flat()
      .map((command) => shapeOf(command.replace(/ \| .*/, '')));
    expect(shown.length).toBeGreaterThan(15);
    const known = new Set(walked);
    expect(shown.filter((command) => !known.has(command))).toEqual([]);
  });

  it('is the same in both languages', () => {
    const blocks = (name: string): string[] =>
      Array.from(
        readFileSync(`docs/${name}`, 'utf8').matchAll(/^```\w*\n([\s\S]*?)^```$/gm),
        ([, block = '']) => block,
      );
    expect(blocks('walkthrough-nfs.zh-CN.md')).toEqual(blocks('walkthrough-nfs.md'));
  });
});

/** addr2line's chain, innermost first: "function path:line". */
function addr2line(file: string, section: string | undefined, offset: bigint): string[] {
  const where = section === undefined ? [] : ['-j', section];
  const text = execFileSync('addr2line', ['-ife', file, ...where, `0x${offset.toString(16)}`], { encoding: 'utf8' });
  const rows = text.trim().split('\n');
  return rows.flatMap((name, index) =>
    index % 2 === 0
      ? [
          `${name} ${(rows[index + 1] ?? '').replace(/^.*?((?:fs|kernel|arch|include|mm|lib)\/.*?)(?: \(.*)?$/, '$1').replace('/./', '/')}`,
        ]
      : [],
  );
}
