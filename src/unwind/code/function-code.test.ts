import { beforeAll, describe, expect, it } from 'vitest';
import { addVirt } from '../../base/addr.ts';
import { loadDisassembler } from '../../disasm/disassembler.ts';
import { CODE_START } from '../../../test/builders/code.ts';
import { buildFunctions } from '../../../test/builders/functions.ts';
import type { FunctionCode } from './function-code.ts';
import { instructionsBetween, isUnchangedBetween, reachingDefinitions } from './reaching.ts';

beforeAll(() => loadDisassembler('x86_64'));

/**
 * 0 push %rbx · 1 mov %rdi,%rbx · 2 test %rsi,%rsi · 3 je 6 · 4 mov $1,%edi · 5 jmp 7 · 6 xor %edi,%edi · 7 call g ·
 * 8 dec %rbx · 9 jne 8 · 10 mov %rbx,%rax · 11 pop %rbx · 12 ret
 */
const loop = '53 48 89 fb 48 85 f6 74 07 bf 01 00 00 00 eb 02 31 ff e8 0a 00 00 00 48 ff cb 75 fb 48 89 d8 5b c3';

function only(bytes: string, fixups: readonly (readonly [number, number])[] = []): FunctionCode {
  const code = buildFunctions([{ name: 'f', bytes }], fixups).at(CODE_START);
  if (code === undefined) throw new Error('no function');
  return code;
}

describe('the ways through a function', () => {
  it('are its jumps and what follows', () => {
    const code = only(loop);
    expect(code.instructions).toHaveLength(13);
    expect(code.successors(3)).toEqual([4, 6]);
    expect(code.successors(5)).toEqual([7]);
    expect(code.predecessors(7)).toEqual([5, 6]);
    expect(code.successors(12)).toEqual([]);
    expect(code.tailJumps).toEqual([]);
  });

  it('lead from what sets a register to where it is read', () => {
    const code = only(loop);
    expect(reachingDefinitions(code, 7, 'rdi')).toEqual([
      { kind: 'instruction', index: 6 },
      { kind: 'instruction', index: 4 },
    ]);
    expect(reachingDefinitions(code, 3, 'rdi')).toEqual([{ kind: 'entry' }]);
    expect(reachingDefinitions(code, 10, 'rbx')).toEqual([{ kind: 'instruction', index: 8 }]);
    expect(reachingDefinitions(code, 8, 'rsi')).toEqual([{ kind: 'instruction', index: 7 }]);
  });

  it('tell what keeps its value on all of them, loops gone round or not', () => {
    const code = only(loop);
    expect(isUnchangedBetween(code, 2, 7, 'rbx')).toBe(true);
    expect(isUnchangedBetween(code, 2, 10, 'rbx')).toBe(false);
    expect(isUnchangedBetween(code, 7, 10, 'rdi')).toBe(false);
    expect(instructionsBetween(code, 7, 10)).toEqual([8, 9]);
    expect(instructionsBetween(code, 8, 8)).toEqual([8, 9]);
  });

  it('may be those of an exception', () => {
    // The load faults at 1 and goes on at 7.
    const code = only(loop, [[1, 0x12]]);
    expect(code.isFixup(7)).toBe(true);
    expect(reachingDefinitions(code, 8, 'rbx')).toContainEqual({ kind: 'fixup', index: 7 });
    expect(isUnchangedBetween(code, 2, 8, 'rbx')).toBe(false);
  });
});

describe('calls and jumps out of a function', () => {
  const functions = [
    // endbr64 · call to a tracer · test %rdi,%rdi · je first.cold · jmp second · int3
    { name: 'first', bytes: 'f3 0f 1e fa e8 f7 0f 00 00 48 85 ff 74 03 eb 08 cc' },
    // mov $1,%esi · jmp to the jump above
    { name: 'first.cold', bytes: 'be 01 00 00 00 eb f6' },
    { name: 'second', bytes: 'ff e0 cc' },
    { name: 'third', bytes: 'eb 00' },
    { name: '__x86_indirect_thunk_rdx', bytes: 'ff e2' },
    { name: 'fourth', bytes: 'eb 00' },
    { name: '__x86_return_thunk', bytes: 'c3' },
    // movslq (%rdx,%rax,4),%rax · add %rdx,%rax · jmp *%rax
    { name: 'table', bytes: '48 63 04 82 48 01 d0 ff e0' },
    { name: 'table2', bytes: 'ff 24 c5 00 00 00 00' },
  ];
  const named = (name: string): FunctionCode | undefined => {
    const all = buildFunctions(functions);
    const [start = CODE_START] = all.source.named(name);
    return all.at(start);
  };

  it('include its cold part, from either side', () => {
    const code = named('first.cold');
    expect(code?.name).toBe('first');
    expect(code?.instructions.map(({ name }) => name)).toEqual('endbr64 call test je jmp int3 mov jmp'.split(' '));
    expect(code?.predecessors(4)).toEqual([3, 7]);
    expect(code?.tailJumps).toEqual([{ index: 4, target: { kind: 'address', address: addVirt(CODE_START, 24) } }]);
  });

  it("know a tracer's call, which changes nothing", () => {
    const code = named('first');
    expect(code && reachingDefinitions(code, 3, 'rdi')).toEqual([{ kind: 'entry' }]);
  });

  it('know it behind an endbr64 that was made a nop, too', () => {
    // nopw (%rax) · call to a tracer · ret
    const code = only('66 0f 1f 00 e8 f7 0f 00 00 c3');
    expect(reachingDefinitions(code, 2, 'rdi')).toEqual([{ kind: 'entry' }]);
    // A call further on is one of the function's own.
    expect(reachingDefinitions(only('48 89 f7 e8 f7 0f 00 00 c3'), 2, 'rdi')).not.toEqual([{ kind: 'entry' }]);
  });

  it('see through thunks', () => {
    expect(named('third')?.tailJumps).toEqual([
      { index: 0, target: { kind: 'computed', formula: { kind: 'register', name: 'rdx' } } },
    ]);
    expect(named('fourth')?.tailJumps).toEqual([]);
  });

  it('say where labels are computed', () => {
    expect(named('second')?.incomplete).toBeUndefined();
    expect(named('table')?.incomplete).toMatch(/computes/);
    expect(named('table2')?.incomplete).toMatch(/computes/);
  });

  it('are found by the address that they return to', () => {
    const code = only(loop);
    expect(code.callBefore(addVirt(CODE_START, 0x17))).toBe(7);
    expect(code.callBefore(addVirt(CODE_START, 0x1a))).toBeUndefined();
  });
});

it('has no code where the dump has none', () => {
  expect(buildFunctions([{ name: 'f', bytes: 'c3' }]).at(addVirt(CODE_START, 64))).toBeUndefined();
});
