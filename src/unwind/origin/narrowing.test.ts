import { beforeAll, describe, expect, it } from 'vitest';
import { loadDisassembler } from '../../disasm/disassembler.ts';
import { activationOf, buildActivation, momentOf, type BuiltRun } from '../../../test/builders/run.ts';
import { reachingDefinitions } from '../code/reaching.ts';
import { outcomeOf, takenSide } from './conditions.ts';
import { narrow } from './narrowing.ts';

beforeAll(() => loadDisassembler('x86_64'));

/** 0 mov $5,%eax · 1 cmp $5,%eax · 2 jne 5 · 3 mov $1,%edi · 4 jmp 6 · 5 mov $2,%edi · 6 call · 7 ret */
const decided = 'b8 05 00 00 00 83 f8 05 75 07 bf 01 00 00 00 eb 05 bf 02 00 00 00 e8 05 00 00 00 c3';
/** 0 cmp (%rsi),%rdi … as above, with the comparison on memory */
const onMemory = '48 3b 3e 75 07 bf 01 00 00 00 eb 05 bf 02 00 00 00 e8 05 00 00 00 c3';
/** 0 cmp %esi,%edi · 1 jl · 2 ja · 3 js · 4 test %edi,%edi · 5 je · 6 cmp %rsi,%rdi · 7 jbe · 8 nop · 9 ret */
const conditions = '39 f7 7c 0e 77 0c 78 0a 85 ff 74 06 48 39 f7 76 01 90 c3';

function narrowed(built: BuiltRun, infer: boolean): number[] {
  const whole = buildActivation(built);
  const { code } = narrow(whole, (fewer) => activationOf(fewer, built.place, built), infer);
  return reachingDefinitions(code, built.place, 'rdi').map((one) => (one.kind === 'instruction' ? one.index : -1));
}

describe('the ways that were not taken', () => {
  it('are told by branches on what is known', () => {
    expect(narrowed({ bytes: decided, place: 6 }, false)).toEqual([3]);
  });

  it('are inferred where memory tells them', () => {
    const built = { bytes: onMemory, place: 5, entry: { rdi: 7n, rsi: 0x1000n }, memory: { '1000': 7n } };
    expect(new Set(narrowed(built, false))).toEqual(new Set([2, 4]));
    expect(narrowed(built, true)).toEqual([2]);
    expect(narrowed({ ...built, memory: { '1000': 8n } }, true)).toEqual([4]);
  });

  it('are not believed where none would be left', () => {
    // Where it stands is where the condition does not lead.
    expect(narrowed({ bytes: decided, place: 5 }, false)).toHaveLength(1);
  });
});

describe('a branch', () => {
  const outcomes = (rdi: bigint, rsi: bigint): (boolean | undefined)[] => {
    const activation = buildActivation({ bytes: conditions, place: 9, entry: { rdi, rsi } });
    return [1, 2, 3, 5, 7].map((index) => outcomeOf(activation, index)?.taken);
  };

  it('goes by signed and unsigned comparisons, of as many bytes as it says', () => {
    // jl, ja, js of 4 bytes; je of a test; jbe of 8 bytes.
    expect(outcomes(1n, 2n)).toEqual([true, false, true, false, true]);
    expect(outcomes(0xffff_ffffn, 1n)).toEqual([true, true, true, false, false]);
    expect(outcomes(0x1_0000_0000n, 0n)).toEqual([false, false, false, true, false]);
  });

  it('is not known where one side is not', () => {
    const activation = buildActivation({ bytes: conditions, place: 9, entry: { rdi: 1n } });
    expect(outcomeOf(activation, 1)).toBeUndefined();
    expect(outcomeOf(activation, 5)?.taken).toBe(false);
  });
});

describe('a conditional move', () => {
  /** 0 mov $0xdead0000,%r14d · 1 mov $0x11223344,%eax · 2 test %edi,%edi · 3 cmove %r14,%rax · 4 mov %rax,0x20(%rbx) … */
  const move = '41 be 00 00 ad de b8 44 33 22 11 85 ff 49 0f 44 c6 48 89 43 20 48 89 43 28 c3';

  it('is what its condition, or its result, tells', () => {
    const side = (entry: Readonly<Record<string, bigint>>, result: bigint | undefined): unknown => {
      const activation = buildActivation({ bytes: move, place: 4, entry });
      const formula = activation.code.effect(3).registers.get('rax');
      const value = result === undefined ? undefined : { value: result, notes: [], stale: false };
      return formula && takenSide({ ...momentOf(activation, {}), index: 3 }, formula, value, true)?.formula;
    };
    expect(side({ rdi: 0n }, undefined)).toEqual({ kind: 'register', name: 'r14' });
    expect(side({ rdi: 1n }, undefined)).toEqual({ kind: 'register', name: 'rax' });
    expect(side({}, 0xdead0000n)).toEqual({ kind: 'register', name: 'r14' });
    expect(side({}, undefined)).toBeUndefined();
  });
});
