/**
 * What the code tells of registers, beside what the unwinder and the debug information know of the same registers by
 * their own means: on every distinct frame of every task.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { callerSavedRegisters } from '../../src/arch/x86-64/registers.ts';
import { attempt } from '../../src/base/errors.ts';
import { once } from '../../src/base/search.ts';
import { loadDisassembler } from '../../src/disasm/disassembler.ts';
import { stackOfTask, walkStack } from '../../src/query/stack-walk.ts';
import { knownValue, type Followed } from '../../src/unwind/code/activation.ts';
import { valueAsPassed } from '../../src/unwind/as-passed.ts';
import { FollowedValues } from '../../src/unwind/followed-values.ts';
import { FrameContexts } from '../../src/unwind/frame-context.ts';
import { frameRegisters, type FrameRegisters } from '../../src/unwind/frame-registers.ts';
import { NodeHost } from '../../src/faces/node/host.ts';
import { Session } from '../../src/commands/session.ts';
import { openTarget } from '../../src/target/target.ts';
import type { Frame } from '../../src/unwind/frame.ts';
import { StackVariables } from '../../src/unwind/variables.ts';
import { scalarOf } from '../../src/values/value.ts';
import { DW_TAG_formal_parameter, DW_TAG_inlined_subroutine } from '../../src/debuginfo/dwarf/constants.ts';
import { Fixture, fixtureNames } from './fixture.ts';

beforeAll(() => loadDisassembler('x86_64'));

/** What no code sets: they are saved with the others, or are the frame's place itself. */
const special = new Set(['rip', 'cs', 'ss', 'rflags', 'orig_rax']);
const argumentRegisters = ['rdi', 'rsi', 'rdx', 'rcx', 'r8', 'r9'];

/** What is asked of a stack. */
interface AskedStack {
  readonly frames: readonly Frame[];
  /** What debug information and saved registers prove. */
  readonly told: FrameContexts;
  readonly inferring: FrameContexts;
  readonly variables: StackVariables;
  readonly followed: FollowedValues;
}

interface Place {
  readonly label: string;
  readonly number: number;
  readonly stack: AskedStack;
}

describe.each(fixtureNames)('the code of the frames of %s', (name) => {
  const fixture = new Fixture(name);
  const { session } = fixture;
  const { kernel } = session;

  /** Each frame once, with its stack. */
  const places = once((): Place[] => {
    const found = new Map<string, Place>();
    for (const task of session.tasks().tasks) {
      const { frames } = walkStack(session.unwinder(), stackOfTask(kernel, task));
      const told = new FrameContexts(kernel, frames, { infer: false, follow: false });
      const stack: AskedStack = {
        frames,
        told,
        inferring: new FrameContexts(kernel, frames, { infer: true, follow: true }),
        variables: new StackVariables(kernel, frames, { infer: false, follow: false }),
        followed: new FollowedValues(kernel, frames, (frame) => told.registers(frame)),
      };
      for (const [number, frame] of frames.entries()) {
        const label = `${kernel.symbols.label(frame.ip)} ${frame.exact}`;
        if (!found.has(label)) found.set(label, { label, number, stack });
      }
    }
    return [...found.values()];
  });

  /** Counts what agrees, and lists what does not. */
  class Comparison {
    agreeing = 0;
    readonly differing: string[] = [];

    add(label: string, register: string, known: bigint, followed: Followed | undefined): void {
      // What memory that anybody may have written holds now proves nothing.
      if (followed === undefined || followed.stale) return;
      // An int is passed in four bytes, which debug information extends to eight by its sign.
      const isExtended =
        known === BigInt.asUintN(64, BigInt.asIntN(32, followed.value)) && followed.value >> 32n === 0n;
      if (followed.value === known || isExtended) this.agreeing++;
      else
        this.differing.push(
          `${label} ${register}: known ${known.toString(16)}, followed ${followed.value.toString(16)} (${followed.notes.join('; ')})`,
        );
    }
  }

  it('computes what the registers are known to be', () => {
    const all = new Comparison();
    for (const { label, number, stack } of places()) {
      const { told, followed } = stack;
      for (const [register, { value }] of told.registers(number) ?? [])
        if (!special.has(register)) all.add(label, register, value, followed.activation(number)?.computed(register));
    }
    expect(all.differing).toEqual([]);
    expect(all.agreeing).toBeGreaterThan(200);
  });

  it('knows no register of a caller that a call may have changed', () => {
    for (const { number, stack } of places()) {
      const frame = stack.frames[number];
      if (number === 0 || frame?.saved !== undefined) continue;
      const names = [...(stack.inferring.registers(number)?.keys() ?? [])];
      expect(names.filter((register) => callerSavedRegisters.includes(register))).toEqual([]);
    }
  });

  it('tells what functions kept of registers as call frame information does, where that is missing', () => {
    const target = openTarget(new NodeHost(), {
      dumps: [`${fixture.folder}/vmcore`],
      vmlinux: undefined,
      debugFolders: [],
      moduleFolders: [],
    });
    Object.assign(target.vmlinux, { dwarf: () => undefined });
    Object.assign(target.moduleFiles, { find: () => undefined });
    const bare = new Session(target).kernel;
    const all = new Comparison();
    let missing = 0;
    const byCode = new Map<AskedStack, readonly FrameRegisters[]>();
    for (const { label, number, stack } of places()) {
      const bareRegisters = byCode.get(stack) ?? frameRegisters(bare, stack.frames, true);
      byCode.set(stack, bareRegisters);
      for (const [register, known] of stack.told.registers(number) ?? []) {
        const told = bareRegisters[number]?.get(register);
        if (told === undefined) missing++;
        else if (told.inferred !== undefined) all.add(label, register, known.value, knownValue(told.value));
      }
    }
    expect(all.differing).toEqual([]);
    expect(all.agreeing).toBeGreaterThan(200);
    expect(missing).toBeLessThan(all.agreeing / 10);
  });

  it('has arguments as they were passed, most of which functions do not assign to', () => {
    const all = new Comparison();
    for (const { number, stack } of places()) {
      const contexts = stack.inferring;
      const code = contexts.code(number);
      const followed = contexts.inferred;
      if (code === undefined || followed === undefined) continue;
      const known = stack.variables.scopes(number).toReversed();
      const scopes = code.scopes.filter((die, index) => index === 0 || die.tag === DW_TAG_inlined_subroutine);
      for (const [index, scope] of scopes.entries())
        for (const die of scope.children()) {
          const variable = known[index]?.variables.find(({ name: own, argument }) => argument && own === die.name);
          const value = variable?.value;
          const now = value && attempt(() => scalarOf(value));
          if (die.tag !== DW_TAG_formal_parameter || variable === undefined || now === undefined) continue;
          const context = contexts.of(number, code, die.unit.header.offset, [], () => undefined);
          const passed = valueAsPassed(kernel, followed, {
            frame: number,
            code,
            scope,
            die,
            type: variable.type,
            context,
          });
          const then = passed && attempt(() => scalarOf(passed));
          all.add(scope.name ?? '', variable.name, now, then === undefined ? undefined : knownValue(then));
        }
    }
    expect(all.agreeing).toBeGreaterThan(100);
    // fs/select.c: both limit n to the descriptors that there are.
    const assigned = /^(?:core_sys_select|do_select) n:/;
    expect(all.differing.filter((text) => !assigned.test(text)).length).toBeLessThan(all.agreeing / 50);
  });

  it('passes what call sites are described to pass, and keeps it', () => {
    const passed = new Comparison();
    const kept = new Comparison();
    const { dwarfRegisters } = kernel.target.architecture;
    for (const { label, number, stack } of places()) {
      const { followed } = stack;
      for (const register of argumentRegisters) {
        const told = attempt(() => stack.told.passed(number, { register: dwarfRegisters.indexOf(register) }, []));
        if (told === undefined) continue;
        passed.add(label, register, told, followed.passed(number, register));
        kept.add(label, register, told, followed.kept(number, register));
      }
    }
    expect(passed.differing).toEqual([]);
    expect(kept.differing).toEqual([]);
    expect(passed.agreeing).toBeGreaterThan(30);
    expect(kept.agreeing).toBeGreaterThan(10);
  });
});
