/**
 * Every stack of every dump against drgn's chain of functions (inlined ones too) and crash's physical frames.
 * Where they differ, the difference has a name and a reason here.
 */

import { describe, expect, it } from 'vitest';
import { backtrace, type Backtrace, type BacktraceFrame } from '../../src/query/backtrace.ts';
import { virtAddr } from '../../src/base/addr.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { cpuRunning } from '../../src/unwind/start-state.ts';
import { copiedByFtrace } from '../../src/kernel/ftrace-trampolines.ts';
import { treePath } from '../../src/debuginfo/dwarf/source-path.ts';
import { crashStacks, type CrashFrame } from './crash-stacks.ts';
import { Fixture, fixtureNames, stoppedFixtureNames, type DrgnFrame, type DrgnTask } from './fixture.ts';

/** A frame as both tell it: return address, function in the source (none for assembler), file and line. */
function frameKey(pc: string, name: string | undefined, source: string | undefined): string {
  return `${pc} ${name ?? '(assembler)'} ${source ?? ''}`.trimEnd();
}

function ourChain(trace: Backtrace): string[] {
  return trace.frames.flatMap((frame) => {
    const pc = frame.address.toString(16);
    const inlined = frame.inlined.map(({ name, source }) =>
      frameKey(pc, name, source && `${source.file}:${source.line}`),
    );
    const { source } = frame;
    return [...inlined, frameKey(pc, frame.functionName, source && `${source.file}:${source.line}`)];
  });
}

function drgnChain(frames: readonly DrgnFrame[]): string[] {
  return frames.map((frame) => {
    const source =
      frame.file === null || frame.line === null ? undefined : `${treePath(frame.file, undefined)}:${frame.line}`;
    return frameKey(frame.pc.slice(2), frame.function ?? undefined, source);
  });
}

/** drgn walks on past user mode and the end of the stack: what comes then is not kernel code. */
function upToUserMode(frames: readonly DrgnFrame[]): readonly DrgnFrame[] {
  const end = frames.findIndex((frame) => BigInt(frame.pc) < 0xff00_0000_0000_0000n);
  return end < 0 ? frames : frames.slice(0, end);
}

/**
 * Where drgn gives up and vmscope goes on, for reasons of its own each:
 * - it does not look up what a tracer replaced, nor what a tracer's own trampoline is a copy of: its chain ends there;
 * - it knows no init text of modules: in `deref` the crash is in a module's init function.
 */
function whereDrgnStops(kernel: Kernel, frames: readonly DrgnFrame[]): number {
  const names = ['arch_rethook_trampoline', '__kretprobe_trampoline', 'kretprobe_trampoline', 'return_to_handler'];
  const trampolines = names.map((symbol) => kernel.addressOf(symbol));
  const initText = kernel
    .modules()
    .modules.flatMap((module) => module.regions.filter((region) => region.kind.startsWith('init')));
  return frames.findIndex(({ pc }) => {
    const at = virtAddr(BigInt(pc));
    const isCopy = !kernel.symbols.isText(at) && copiedByFtrace(kernel, at) !== undefined;
    return (
      isCopy || trampolines.includes(at) || initText.some(({ base, size }) => at >= base && at < base + BigInt(size))
    );
  });
}

/**
 * drgn begins a stack at the registers in the dump's notes, which in a kdump were saved before the CPU came to its end:
 * what came after is checked in kdump.test.ts. Where a function saved its own, it is there in both, at another call.
 */
function sinceSaved(ours: readonly string[], theirs: readonly string[]): [string[], string[]] {
  const from = Math.max(
    0,
    theirs.findIndex((frame) => ours.includes(frame)),
  );
  const savers = theirs.slice(0, from);
  expect(savers.filter((frame) => !/ (crash_setup_regs|__crash_kexec) /.test(frame))).toEqual([]);
  return [ours.slice(ours.indexOf(theirs[from] ?? '')), theirs.slice(from)];
}

describe.each([...fixtureNames, ...stoppedFixtureNames])('stacks of %s', (name) => {
  const fixture = new Fixture(name);
  const drgn = fixture.drgn;

  it.runIf(drgn !== undefined)('have the return addresses, functions, files and lines that drgn finds', () => {
    const { kernel, unwinder, tasks } = fixture.session;
    const theirs = new Map<string, DrgnTask>((drgn?.tasks ?? []).map((task) => [task.task, task]));
    expect(
      tasks()
        .tasks.map((task) => `0x${task.address.toString(16)}`)
        .sort(),
    ).toEqual([...theirs.keys()].sort());
    for (const task of tasks().tasks) {
      const trace = backtrace(kernel, unwinder(), task);
      const frames = upToUserMode(theirs.get(`0x${task.address.toString(16)}`)?.frames ?? []);
      const stop = whereDrgnStops(kernel, frames);
      const chains = [ourChain(trace), drgnChain(frames)] as const;
      const isEnd = name.startsWith('kdump') && cpuRunning(kernel, task) !== undefined;
      const [ours, drgns] = isEnd ? sinceSaved(...chains) : chains;
      const what = `${task.pid} ${task.comm}`;
      expect(trace.incomplete, what).toBeUndefined();
      if (stop < 0) expect(ours, what).toEqual(drgns);
      else {
        expect(ours.slice(0, stop), what).toEqual(drgnChain(frames.slice(0, stop)));
        expect(ours.at(-1), what).toMatch(/\(assembler\) arch\/x86\/(entry\/entry|kernel\/head)_64\.S/);
      }
    }
  });

  const crash = fixture.crash('foreach bt');
  it.runIf(crash !== undefined)('contain the frames that crash prints', () => {
    const { kernel, unwinder, tasks } = fixture.session;
    const traces = new Map(
      tasks().tasks.map((task) => [task.address.toString(16), backtrace(kernel, unwinder(), task)]),
    );
    const unexplained: string[] = [];
    let compared = 0;
    for (const { task, frames } of crashStacks(crash ?? '')) {
      const trace = traces.get(task);
      const witness = drgn?.tasks.find((other) => other.task === `0x${task}`);
      for (const frame of frames) {
        if (trace?.frames.some((ours) => sameFrame(ours, frame)) === true) compared++;
        else if (explain(frame, trace, witness) === undefined)
          unexplained.push(`${task}: ${frame.name} at ${frame.address}`);
      }
    }
    expect(unexplained).toEqual([]);
    expect(compared).toBeGreaterThan(400);
  });
});

function sameFrame(ours: BacktraceFrame, theirs: CrashFrame): boolean {
  return (
    ours.address.toString(16) === theirs.address &&
    ours.slot.toString(16) === theirs.slot &&
    // crash leaves off what the compiler adds for a part of a function.
    ours.symbol?.replace(/\.part\.\d+$/, '') === theirs.name.replace(/\.part\.\d+$/, '')
  );
}

/** Why crash has a frame that is not in our stack; undefined where nothing explains it. */
function explain(frame: CrashFrame, trace: Backtrace | undefined, witness: DrgnTask | undefined): string | undefined {
  const first = trace?.frames[0];
  if (frame.number === 0 && first?.symbol === 'stop_this_cpu' && frame.name === 'stop_this_cpu') {
    return 'crash begins a stopped CPU at a word below its stack pointer: a return address left from an earlier call';
  }
  const same = trace?.frames.find((ours) => ours.address.toString(16) === frame.address);
  if (
    same !== undefined &&
    same.symbol === frame.name &&
    frame.name.startsWith('asm_') &&
    BigInt(`0x${frame.slot}`) - same.slot === 8n
  ) {
    return 'where a stack is left for another, crash names the word below the saved registers, not the one it read';
  }
  if (trace?.frames.length === 0 && trace.userRegisters !== undefined)
    return 'the task was in user mode: its kernel stack holds only what is left of earlier calls';
  if (witness !== undefined && !upToUserMode(witness.frames).some((other) => other.pc === `0x${frame.address}`)) {
    return 'stale: drgn, which agrees with the rest of our stack, does not have it either';
  }
  return undefined;
}
