/**
 * Stacks of CPUs that kdump brought to their end: the notes have the registers of the fault, or of what an NMI
 * interrupted, and the stack goes on from there to machine_kexec or to the NMI that stopped the CPU.
 */

import { describe, expect, it } from 'vitest';
import { backtrace, type Backtrace } from '../../src/query/backtrace.ts';
import type { VirtAddr } from '../../src/base/addr.ts';
import { Session } from '../../src/commands/session.ts';
import { damagedTarget, PAGE } from './damaged-dump.ts';
import { crashStacks, type CrashFrame } from './crash-stacks.ts';
import { Fixture, type FixtureName } from './fixture.ts';

const kdumps = ['kdump-6.1', 'kdump-6.12', 'kdump-7.2'] as const satisfies readonly FixtureName[];

/** The stacks of what the CPUs ran, that of the CPU which panicked first. */
function stacksOfCpus(fixture: Fixture): Backtrace[] {
  const { kernel, unwinder, tasks } = fixture.session;
  const running = tasks().tasks.filter((task) => task.view.number('on_cpu') !== 0);
  const traces = running.map((task) => backtrace(kernel, unwinder(), task));
  return traces.sort((one) => (one.frames[0]?.symbol === 'machine_kexec' ? -1 : 1));
}

/** The same dump, with a page lost. */
function without(fixture: Fixture, address: VirtAddr): Session {
  const { kernel } = fixture.session;
  const lost = Math.floor(kernel.memory.translate(address) / PAGE);
  return new Session(damagedTarget(kernel.target, (pfn) => (pfn === lost ? 'missing' : undefined)));
}

function text({ slot, symbol, address }: Backtrace['frames'][number]): string {
  return `[${slot.toString(16)}] ${symbol} at ${address.toString(16)}`;
}

describe.each(kdumps)('the CPUs of %s', (name) => {
  const fixture = new Fixture(name);
  const [panicked, ...stopped] = stacksOfCpus(fixture);

  it('have whole stacks, from the end of the CPU on', () => {
    for (const trace of [panicked, ...stopped])
      expect([trace?.beginning, trace?.incomplete]).toEqual([undefined, undefined]);
  });

  it('are the one that called into the capture kernel, and those that its NMI stopped', () => {
    const names = panicked?.frames.map((frame) => frame.symbol);
    expect(names?.slice(0, 2)).toEqual(['machine_kexec', '__crash_kexec']);
    expect(names).toContain(name === 'kdump-6.1' ? '_raw_spin_lock' : 'sysrq_handle_crash');
    expect(stopped.length).toBeGreaterThan(0);
    for (const { frames } of stopped) expect(frames[0]?.symbol).toBe('crash_nmi_callback');
  });

  it('begin at the saved registers, and say so, where the way from the end is lost', () => {
    const [whole] = stopped;
    const end = whole?.frames[0]?.slot;
    if (whole === undefined || end === undefined) throw new Error('no CPU was stopped');
    const { kernel, unwinder, tasks } = without(fixture, end);
    const task = tasks().tasks.find(({ address }) => address === whole.header.task);
    const trace = task && backtrace(kernel, unwinder(), task);
    expect(trace?.beginning).toMatch(/^what CPU \d+ did after kdump had saved these registers is not known/);
    const frames = trace?.frames.map(text) ?? [];
    expect(frames.length).toBeGreaterThan(0);
    expect(frames).toEqual(whole.frames.map(text).slice(-frames.length));
  });

  const crash = fixture.crash('bt -a');
  it.runIf(crash !== undefined)('have the frames that crash prints, and no others but interrupted functions', () => {
    const theirs = new Map(crashStacks(crash ?? '').map(({ task, frames }) => [task, frames]));
    for (const trace of [panicked, ...stopped]) {
      const frames = (theirs.get(trace?.header.task?.toString(16) ?? '') ?? []).map(crashText);
      // On 6.12 crash begins at words left of earlier calls, in machine_kexec as well.
      const begin = frames.indexOf(trace?.frames[0] === undefined ? '' : text(trace.frames[0]));
      expect(begin).toBeGreaterThanOrEqual(0);
      const interrupted = trace?.frames.filter(({ exception }) => exception !== undefined).map(text);
      const ours = trace?.frames.map(text).filter((frame) => frames.includes(frame) || !interrupted?.includes(frame));
      expect(ours).toEqual(frames.slice(begin));
    }
  });
});

function crashText({ slot, name, address }: CrashFrame): string {
  return `[${slot}] ${name} at ${address}`;
}
