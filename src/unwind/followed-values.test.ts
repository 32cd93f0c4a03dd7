/** What the code of a stack's functions tells: by the caller's instructions, by copies, through tail calls and pointers. */

import { beforeAll, describe, expect, it } from 'vitest';
import { KernelBuilder, TEXT } from '../../test/builders/kernel.ts';
import { virtAddr } from '../base/addr.ts';
import { loadDisassembler } from '../disasm/disassembler.ts';
import { FollowedValues } from './followed-values.ts';
import type { KnownRegister } from './frame-registers.ts';
import type { Frame } from './frame.ts';

beforeAll(() => loadDisassembler('x86_64'));

const BASE = TEXT + 0x1000n;
/** Offset, size, bytes of each function. */
const functions = {
  // push %rbx · lea 0x10(%rbx),%rdi · mov $7,%esi · mov (%r13),%rdx · mov 0x8(%rsp),%rcx · call target · nop · ret
  caller: [0, 0x1a, '53 48 8d 7b 10 be 07 00 00 00 49 8b 55 00 48 8b 4c 24 08 e8 a8 00 00 00 90 c3'],
  // mov $5,%edi · call *%r12 · nop · ret
  indirect: [0x40, 0x0a, 'bf 05 00 00 00 41 ff d4 90 c3'],
  // mov $9,%edx · jmp target
  first: [0x80, 0x07, 'ba 09 00 00 00 eb 39'],
  // push %rbp · mov %rsi,%rbp · call caller · pop %rbp · ret
  target: [0xc0, 0x0b, '55 48 89 f5 e8 37 ff ff ff 5d c3'],
  // mov $1,%edi · mov $2,%esi · call first · nop
  tail: [0x100, 0x10, 'bf 01 00 00 00 be 02 00 00 00 e8 71 ff ff ff 90'],
} as const;

/** Where each one's call returns to. */
const returns = { caller: 0x18n, indirect: 0x48n, target: 0xc9n, tail: 0x10fn } as const;

interface Scene {
  readonly values: FollowedValues;
  readonly stack: bigint;
  readonly object: bigint;
}

/** `target` stands at its call, called from another function whose registers are given. */
function scene(
  caller: 'caller' | 'indirect' | 'tail',
  known: Readonly<Record<string, bigint>>,
  ownRbp?: bigint,
): Scene {
  const builder = new KernelBuilder();
  for (const [name, [offset, size, bytes]] of Object.entries(functions)) {
    builder.symbol(name, BASE + BigInt(offset), size);
    builder.write(
      BASE + BigInt(offset),
      Uint8Array.from(bytes.split(' '), (byte) => parseInt(byte, 16)),
    );
  }
  const stack = builder.allocate(256);
  const object = builder.allocate(8);
  builder.u64(stack + 0x48n, 0x1234n).u64(object, 0x55n);
  const kernel = builder.build();
  const frame = (ip: bigint, sp: bigint): Frame => ({
    ip: virtAddr(ip),
    sp: virtAddr(sp),
    slot: virtAddr(sp - 8n),
    exact: false,
    origin: 'orc',
    registers: { rip: ip, rsp: sp },
    stack: { kind: 'task', name: '', cpu: undefined, base: stack, size: 256 },
    saved: undefined,
    recovered: undefined,
  });
  const frames = [frame(BASE + returns.target, stack + 0x30n), frame(BASE + returns[caller], stack + 0x40n)];
  const registersOf = (sp: bigint, values: Readonly<Record<string, bigint>>): Map<string, KnownRegister> =>
    new Map(
      Object.entries({ rsp: sp, ...values }).map(([name, value]) => [
        name,
        { value, source: { kind: 'walk' }, inferred: undefined },
      ]),
    );
  const all = [
    registersOf(stack + 0x30n, ownRbp === undefined ? {} : { rbp: ownRbp }),
    registersOf(stack + 0x40n, known),
  ];
  return { values: new FollowedValues(kernel, frames, (index) => all[index]), stack, object };
}

describe('what a caller passed', () => {
  it('is what its instructions set', () => {
    const { values } = scene('caller', { rbx: 0x1000n });
    expect(values.called(0)).toEqual({ kind: 'direct' });
    expect(values.passed(0, 'rsi')).toMatchObject({ value: 7n, notes: ['set by mov $0x7,%esi in caller'] });
    expect(values.passed(0, 'rdi')?.value).toBe(0x1010n);
    expect(values.passed(0, 'rcx')?.value).toBe(0x1234n);
    expect(values.passed(0, 'r8')).toBeUndefined();
  });

  it('is not told by memory that may have changed', () => {
    const { object } = scene('caller', {});
    const { values } = scene('caller', { r13: object });
    expect(values.passed(0, 'rdx')).toMatchObject({ value: 0x55n, stale: true });
    expect(values.atEntry(0, 'rdx')).toBeUndefined();
  });

  it('is what a function between handed on', () => {
    const { values } = scene('tail', {});
    expect(values.called(0)).toMatchObject({ kind: 'tail' });
    expect(values.passed(0, 'rdi')).toMatchObject({
      value: 1n,
      notes: ['set by mov $0x1,%edi in tail', 'handed on by first, which ended in a jump'],
    });
    expect(values.passed(0, 'rdx')?.value).toBe(9n);
  });

  it('is proved by a pointer that leads to the function, and marked where it leads elsewhere or is not known', () => {
    const target = BASE + 0xc0n;
    expect(scene('indirect', { r12: target }).values.called(0)).toEqual({ kind: 'direct' });
    expect(scene('indirect', { r12: BASE + 0x80n }).values.called(0)).toMatchObject({ kind: 'tail' });
    for (const known of [{}, { r12: BASE }])
      expect(scene('indirect', known).values.passed(0, 'rdi')).toMatchObject({
        value: 5n,
        notes: ['set by mov $0x5,%edi in indirect', 'passed by an indirect call'],
      });
  });

  it('is what the function has kept of it', () => {
    const { values } = scene('indirect', {}, 0x77n);
    expect(values.atEntry(0, 'rsi')).toMatchObject({ value: 0x77n, notes: ['target has kept it in rbp'] });
    // Which tells what the register was in the caller, too, where this very function was called.
    expect(scene('indirect', { r12: BASE + 0xc0n }, 0x77n).values.registerAt(1, 'rsi')?.value).toBe(0x77n);
    expect(values.registerAt(1, 'rsi')).toBeUndefined();
  });
});
