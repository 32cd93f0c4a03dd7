/**
 * Where values of real crashes are from: told by the source of the module that made them, the console's registers, and
 * objdump; and for every register of every distinct frame: nothing is thrown, each chain ends with a reason, and what
 * the code computes is what the unwinder knows by its own means.
 */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadDisassembler } from '../../src/disasm/disassembler.ts';
import { OriginQuestion } from '../../src/query/origin-question.ts';
import type { OriginReport, OriginRow } from '../../src/query/origin-report.ts';
import { stackOfTask, walkStack } from '../../src/query/stack-walk.ts';
import { attempt } from '../../src/base/errors.ts';
import { FrameContexts } from '../../src/unwind/frame-context.ts';
import { frameRegisters } from '../../src/unwind/frame-registers.ts';
import type { OriginChain } from '../../src/unwind/origin/chain.ts';
import { Runs } from '../../src/unwind/origin/runs.ts';
import { Tracer } from '../../src/unwind/origin/tracer.ts';
import { renderText } from '../../src/render/text/index.ts';
import { toJson } from '../../src/render/json.ts';
import { scalarOf } from '../../src/values/value.ts';
import { Fixture, fixtureNames } from './fixture.ts';
import { objdump } from './objdump.ts';

await loadDisassembler('x86_64');

const registers = ['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', ...[8, 9, 10, 11, 12, 13, 14, 15].map((n) => `r${n}`)]; // prettier-ignore
const argumentRegisters = ['rdi', 'rsi', 'rdx', 'rcx', 'r8', 'r9'];
const MOST_STEPS = 64;

function question(fixture: Fixture, infer = true): OriginQuestion {
  const { session } = fixture;
  return new OriginQuestion(session.kernel, session.unwinder(), stackOfTask(session.kernel, session.current), infer);
}

/** The frame that an exception hit, which the console names. */
function crashFrame(fixture: Fixture, symbol: string): number {
  const line = fixture.run('bt').find((text) => text.includes(`] ${symbol} at `)) ?? '';
  return Number(/^ *#(\d+)/.exec(line)?.[1]);
}

function consoleRegister(fixture: Fixture, name: string): bigint {
  const from = fixture.console.indexOf('RIP: 0010:');
  return BigInt(`0x${new RegExp(`${name}: ([0-9a-f]{16})`).exec(fixture.console.slice(from))?.[1]}`);
}

const rowsOf = ({ origin }: OriginReport): readonly OriginRow[] => origin?.rows ?? [];

describe.each(['nfs', 'nfs-4level', 'nfs-plain'] as const)('the RDI of the crash of %s', (name) => {
  const fixture = new Fixture(name);
  const number = crashFrame(fixture, '_raw_spin_lock');
  const report = question(fixture).register({ number, inlined: 0 }, 'rdi');
  const rows = rowsOf(report);

  it('is the lock of a mapping that is NULL: page->mapping, of the page of the request', () => {
    expect(rows[0]?.value?.value).toBe(consoleRegister(fixture, 'RDI'));
    expect(rows[0]?.cause).toMatchObject({ kind: 'handed', functionName: '_raw_spin_lock', parameter: 'lock' });
    const lock = rows.find(({ expression }) => expression === '&mapping->private_lock');
    expect(lock?.value?.value).toBe(consoleRegister(fixture, 'R15'));
    const mapping = rows.find(({ expression }) => expression === 'page->mapping');
    expect(mapping).toMatchObject({ variable: 'mapping', value: { value: 0n, provenance: { kind: 'known' } } });
    const page = rows.find(({ expression }) => expression === 'req->wb_page');
    expect(page?.value).toMatchObject({ value: consoleRegister(fixture, 'RBX'), provenance: { kind: 'inferred' } });
    expect(report.origin?.last?.value?.value).toBe(consoleRegister(fixture, 'R12'));
    expect(report.origin?.stop).toMatchObject({ kind: 'result', functionName: 'nfs_create_request' });
  });

  it('was read from memory that still holds NULL, which is not proof that nobody wrote it since', () => {
    const { cause, notes } = rows.find(({ expression }) => expression === 'page->mapping') ?? {};
    const offset = scalarOf(fixture.session.evaluate('&((struct page *)0)->mapping'));
    expect(cause).toMatchObject({ kind: 'loaded', address: consoleRegister(fixture, 'RBX') + offset, now: 0n });
    expect(notes?.length).toBeGreaterThan(0);
  });

  it('is told by instructions that objdump reads the same way', () => {
    for (const { instruction } of rows) {
      const { address, text } = instruction;
      const bytes = fixture.session.kernel.memory.bytes(address, 15);
      expect(normal(text)).toBe(normal(objdump(bytes, address.toString(16))[0] ?? ''));
    }
  });

  it('is followed no further with --strict than is proved', () => {
    const strict = question(fixture, false).register({ number, inlined: 0 }, 'rdi');
    expect(strict.origin?.stop.kind).toBe('several');
    for (const row of rowsOf(strict)) {
      expect(row.notes).toEqual([]);
      expect(row.value?.provenance.kind).toBe('known');
    }
  });

  it('answers for variables and expressions of the frame, too', () => {
    const inlined = fixture.run('bt').find((line) => line.includes('nfs_inode_add_request (inlined)')) ?? '';
    const place = /#([\d.]+)/.exec(inlined)?.[1] ?? '';
    const mapping = fixture.run(`origin -f ${place} mapping`).join('\n');
    expect(mapping).toMatch(/ mapping = \(struct address_space \*\) 0x0: r15 - 0xa4\n/);
    expect(mapping).toMatch(/<~ mov +0x18\(%rdi\),%r15 +mapping = page->mapping/);
    const through = fixture.run(`origin -f ${place} req->wb_page->mapping`).join('\n');
    expect(through).toMatch(/ req->wb_page->mapping = \(struct address_space \*\) 0x0: memory at [0-9a-f]{16}/);
    expect(through).toMatch(/<- returned by nfs_create_request/);
  });
});

it('R13 of the crash of nfs shows that the mapping was there when nfs_updatepage began', () => {
  const fixture = new Fixture('nfs');
  const number = crashFrame(fixture, '_raw_spin_lock');
  const lines = fixture.run(`origin -f ${number} r13`).join('\n');
  expect(lines).toMatch(/r13 = 0x[0-9a-f]+ \[nfs_inode_cache\] <~ mov \(%r14\),%r13 +inode = mapping->host/);
  expect(lines).toMatch(/mapping = page->mapping .*\n +memory at [0-9a-f]{16} holds 0x0 now: it has changed since/);
});

describe('the wild pointer of deref, in a module of which no debug file is known', () => {
  const fixture = new Fixture('deref');
  const { session } = fixture;
  const source = readFileSync(new URL('../../tools/fixtures/guest/repro.c', import.meta.url), 'utf8');
  const wild = BigInt(/WILD_ADDRESS (0x[0-9a-f]+)UL/.exec(source)?.[1] ?? '');
  const number = crashFrame(fixture, 'sum_list.constprop.0');

  it('leads to the constant in the source', () => {
    fixture.run('mod -d repro');
    try {
      const { kernel } = session;
      expect(kernel.modules().named('repro')?.debug()).toBeUndefined();
      const rcx = question(fixture).register({ number, inlined: 0 }, 'rcx');
      expect(rowsOf(rcx)[0]).toMatchObject({ value: { value: wild }, cause: { kind: 'loaded', now: wild } });
      const [writer] = rowsOf(rcx)[0]?.writers ?? [];
      expect(writer?.store).toMatchObject({ functionName: 'repro_init' });
      expect(writer?.constant?.text).toMatch(new RegExp(`mov +\\$0x${wild.toString(16)},%r\\d+d`));
      const r14 = question(fixture, false).register({ number, inlined: 0 }, 'r14');
      expect(r14.origin?.stop).toEqual({ kind: 'constant' });
      expect(rowsOf(r14).at(-1)).toMatchObject({ value: { value: wild, provenance: { kind: 'known' } } });
      expect(rowsOf(r14).at(-1)?.instruction).toMatchObject({ functionName: 'repro_init', source: undefined });
    } finally {
      fixture.run('mod -s repro');
    }
  });
});

describe.each(fixtureNames)('every register of every distinct frame of %s', (name) => {
  const { session } = new Fixture(name);
  const { kernel } = session;

  it('has an origin that ends with a reason, and agrees with what is known', () => {
    const seen = new Set<string>();
    const contradictions: string[] = [];
    let asked = 0;
    let agreeing = 0;
    let passed = 0;
    for (const task of session.tasks().tasks) {
      const subject = stackOfTask(kernel, task);
      const { frames, user } = walkStack(session.unwinder(), subject);
      const known = frameRegisters(kernel, frames, false);
      const told = new FrameContexts(kernel, frames, { infer: false, follow: false });
      const runs = new Runs(kernel, { frames, user, cpu: subject.header.cpu }, true);
      for (const [number, { ip, exact }] of frames.entries()) {
        const key = `${ip} ${exact}`;
        if (seen.has(key)) continue;
        seen.add(key);
        // What DWARF says that the call passed.
        for (const register of argumentRegisters) {
          const wanted = { register: kernel.target.architecture.dwarfRegisters.indexOf(register) };
          const value = attempt(() => told.passed(number, wanted, []));
          const { steps, last } = new Tracer(runs, true).entry(number, register);
          const computed = steps[0]?.value ?? last?.value;
          if (value === undefined || computed === undefined || computed.notes.length > 0) continue;
          if (computed.value === value || isExtended(value, computed.value)) passed++;
          else contradictions.push(`${task.comm} #${number} ${register} as it was passed`);
        }
        for (const register of registers) {
          const chain = new Tracer(runs, true).register(number, register);
          asked++;
          expect(stepsIn(chain)).toBeLessThanOrEqual(MOST_STEPS);
          const label = `${task.comm} #${number} ${register}`;
          if (chain.end.kind === 'contradiction') contradictions.push(label);
          // A register of a frame that is not the one asked about was come to by the code alone.
          for (const { subject: about, at, value } of chain.steps) {
            if (about.kind !== 'register' || at.run.left || at.run.frame === number || value === undefined) continue;
            const there = known[at.run.frame]?.get(about.name);
            if (there === undefined || at.index !== at.run.activation.place || value.notes.length > 0) continue;
            if (there.value === value.value) agreeing++;
            else contradictions.push(`${label}: ${about.name} of frame ${at.run.frame}`);
          }
        }
      }
    }
    expect(contradictions).toEqual([]);
    expect(asked).toBeGreaterThan(500);
    expect(agreeing).toBeGreaterThan(20);
    expect(passed).toBeGreaterThan(20);
  });
});

describe.each(['nfs', 'sysrq-6.12', 'sysrq-7.2'] as const)('the stack of the crash of %s', (name) => {
  const fixture = new Fixture(name);
  const { session } = fixture;

  it('is answered in text and JSON, each chain to its end', () => {
    const { frames } = walkStack(session.unwinder(), stackOfTask(session.kernel, session.current));
    const asked = question(fixture);
    for (const number of frames.keys())
      for (const register of registers) {
        const report = asked.register({ number, inlined: 0 }, register);
        expect(JSON.parse(JSON.stringify(toJson(report)))).toMatchObject({ type: 'origin', origin: { stop: {} } });
        expect([...renderText(report)].length).toBeGreaterThan(1);
      }
  });

  it('refuses what is no register and no frame in sentences that lead on', () => {
    expect(() => fixture.run('origin -f 99 rdi')).toThrow(/frame not found: 99 \(bt has 0 to \d+\)/);
    expect(() => fixture.run('origin rip')).toThrow('origin follows the general registers, rax to r15: rip is none');
    expect(() => fixture.run('origin')).toThrow('origin wants a register or an expression');
    expect(() => fixture.run('origin no_such_thing')).toThrow(
      /register or variable of frame \d+ not found: no_such_thing/,
    );
  });
});

/** An int is passed in four bytes, which debug information extends to eight by its sign. */
function isExtended(told: bigint, computed: bigint): boolean {
  return told === BigInt.asUintN(64, BigInt.asIntN(32, computed)) && computed >> 32n === 0n;
}

function stepsIn({ steps }: Pick<OriginChain, 'steps'>): number {
  return steps.reduce((sum, { others }) => sum + 1 + others.reduce((inner, one) => inner + stepsIn(one), 0), 0);
}

/** Where a call leads is written in full by us. */
function normal(text: string): string {
  return text.replaceAll(/ {2,}/g, ' ').replace(/ <.*/, '').trim();
}
