import { describe, expect, it } from 'vitest';
import { loadDisassembler } from '../../disasm/disassembler.ts';
import { buildActivation, momentOf } from '../../../test/builders/run.ts';
import { momentBefore, momentOfEntry } from './moment.ts';
import { storesTo } from './slots.ts';
import { stackDepth } from './stack-depth.ts';
import { isTelling, writersOf } from './writers.ts';

await loadDisassembler('x86_64');

/** 0 push %r12 · 1 call · 2 mov %rax,%r12 · 3 mov 0x10(%rax),%rdi · 4 call · 5 pop %r12 · 6 ret */
const copies = '41 54 e8 5f 00 00 00 49 89 c4 48 8b 78 10 e8 55 00 00 00 41 5c c3';
/** 0 mov 0x100,%rax · 1 sub $0x28,%rax · 2 mov 0x20(%rax),%rcx · 3 mov (%rcx),%ecx · 4 mov 0x28(%rax),%rax · 5 jmp 1 */
const loop = '48 8b 04 25 00 01 00 00 48 83 e8 28 48 8b 48 20 8b 09 48 8b 40 28 eb f0';

describe('a register at an earlier place', () => {
  it('is known by the copy that was made of it and is kept', () => {
    const activation = buildActivation({ bytes: copies, place: 4, now: { r12: 0x5000n } });
    expect(activation.before(2, 'rax')?.value).toBe(0x5000n);
    expect(activation.before(3, 'rax')).toMatchObject({ value: 0x5000n, notes: [] });
    expect(activation.before(1, 'rax')).toBeUndefined();
  });

  it('is not where nothing is known of the copy', () => {
    expect(buildActivation({ bytes: copies, place: 4 }).before(3, 'rax')).toBeUndefined();
  });
});

describe('a moment in a loop', () => {
  const activation = buildActivation({ bytes: loop, place: 3, now: { rax: 0x2000n, rcx: 1n } });
  const here = momentOf(activation, { rax: 0x2000n, rcx: 1n });
  const sets = (name: string) => (index: number) => activation.code.effect(index).registers.has(name);

  it('knows what nothing has changed since, the last time round', () => {
    const before = momentBefore(here, 2, sets('rcx'));
    expect(before.known.get('rax')?.value).toBe(0x2000n);
    expect(before.known.has('rcx')).toBe(false);
    // Of every time round less is known.
    expect(activation.before(2, 'rax')).toBeUndefined();
  });

  it('knows nothing of what is set on the way', () => {
    expect(momentBefore(here, 1, sets('rax')).known.has('rax')).toBe(false);
    expect([...momentOfEntry(here, sets('rdx')).known.keys()]).toEqual([]);
  });
});

describe('the stack pointer', () => {
  /** push %rbx · sub $0x10,%rsp · test · je · push %rax · pop %rax · call · add $0x10,%rsp · pop %rbx · ret */
  const even = '53 48 83 ec 10 85 ff 74 02 50 58 e8 2d 00 00 00 48 83 c4 10 5b c3';
  /** test %edi,%edi · je · push %rax · call · ret */
  const uneven = '85 ff 74 01 50 e8 2d 00 00 00 c3';

  it('is as far from the entry on every way, or not known', () => {
    const { code } = buildActivation({ bytes: even, place: 6 });
    expect([0, 1, 2, 5, 6, 8, 9].map((index) => stackDepth(code, index))).toEqual([0n, -8n, -24n, -32n, -24n, -8n, 0n]);
    expect(stackDepth(buildActivation({ bytes: uneven, place: 3 }).code, 3)).toBeUndefined();
    const activation = buildActivation({ bytes: even, place: 6, now: { rsp: 0x8000n } });
    expect(activation.before(0, 'rsp')?.value).toBe(0x8018n);
    expect(activation.before(5, 'rsp')?.value).toBe(0x7ff8n);
  });
});

describe('a word of the stack', () => {
  /** sub $0x18,%rsp · mov %rdi,8(%rsp) · test · je 5 · mov %rdx,8(%rsp) · mov 8(%rsp),%rdi · call · add · ret */
  const slots = '48 83 ec 18 48 89 7c 24 08 85 f6 74 05 48 89 54 24 08 48 8b 7c 24 08 e8 2d 00 00 00 48 83 c4 18 c3';
  /** sub $0x18,%rsp · mov %rdi,0x10(%rsp) · lea 8(%rsp),%rdi · call · mov 0x10(%rsp),%rdi · call · add · ret */
  const handed =
    '48 83 ec 18 48 89 7c 24 10 48 8d 7c 24 08 e8 2d 00 00 00 48 8b 7c 24 10 e8 23 00 00 00 48 83 c4 18 c3';

  it('was stored by one of the instructions that are passed', () => {
    const activation = buildActivation({ bytes: slots, place: 6, now: { rsp: 0x8000n } });
    const found = storesTo(activation, 5, 0x8008n, 8);
    expect(found).toMatchObject({ fromEntry: false, handedOut: false, overlapping: undefined });
    expect(new Set(found.stores)).toEqual(new Set([1, 4]));
    expect(storesTo(activation, 5, 0x800cn, 4).overlapping).toBeDefined();
    expect(storesTo(activation, 5, 0x8010n, 8)).toMatchObject({ stores: [], fromEntry: true });
  });

  it('may have been written by whoever was handed the address of what lies before it', () => {
    const activation = buildActivation({ bytes: handed, place: 5, now: { rsp: 0x8000n } });
    expect(storesTo(activation, 4, 0x8010n, 8)).toMatchObject({ stores: [1], handedOut: true });
    expect(storesTo(activation, 4, 0x8000n, 8).handedOut).toBe(false);
  });
});

describe('a constant in memory', () => {
  /** mov $0xdead0000,%r14d · mov $0x11223344,%eax · test · cmove %r14,%rax · mov %rax,0x20(%rbx) · mov %rax,0x28(%rbx) */
  const writer = '41 be 00 00 ad de b8 44 33 22 11 85 ff 49 0f 44 c6 48 89 43 20 48 89 43 28 c3';
  const read = (offset: bigint, size = 8) =>
    ({
      kind: 'memory',
      address: {
        kind: 'binary',
        operation: 'add',
        left: { kind: 'register', name: 'rdi' },
        right: { kind: 'constant', value: offset },
      },
      size,
      segment: undefined,
    }) as const;

  it('was stored by code that stores it so far from its pointer', () => {
    const { code } = buildActivation({ bytes: writer, place: 5 });
    expect(writersOf([code, code], read(0x20n), 0xdead0000n)).toEqual([{ code, index: 4, constant: 0 }]);
    expect(writersOf([code], read(0x28n), 0x11223344n)).toEqual([{ code, index: 5, constant: 1 }]);
    expect(writersOf([code], read(0x30n), 0xdead0000n)).toEqual([]);
    expect(writersOf([code], read(0x20n, 4), 0xdead0000n)).toEqual([]);
    expect(writersOf([code], read(0x20n), 0xdead0001n)).toEqual([]);
  });

  it('tells nothing where it is small, an error, or a mask', () => {
    for (const value of [0n, 1n, 0x1000n, 0xffff_ffff_ffff_fff4n, 0xffff_ffffn, 0x8000_0000n, 0xffff_ffff_ffff_ffffn])
      expect(isTelling(value)).toBe(false);
    expect(isTelling(0xdead0000n)).toBe(true);
    expect(isTelling(0xdead_0000_0000_0100n)).toBe(true);
  });
});
