/** From an offset to a member: nested, in arrays, in unions without a name, between members. */

import { describe, expect, it } from 'vitest';
import { embedsAt, memberAt } from './member-at.ts';
import type { CompoundType, Member, Type } from './type.ts';

const int: Type = { kind: 'int', name: 'int', size: 4, signed: true, encoding: 'integer' };
const member = (name: string | undefined, type: Type, offset: number): Member => ({
  name,
  type,
  offset,
  bitField: undefined,
});
const compound = (
  kind: 'struct' | 'union',
  name: string | undefined,
  size: number,
  members: Member[],
): CompoundType => ({
  kind,
  name,
  size,
  complete: true,
  members,
});
const pair = compound('struct', 'pair', 8, [member('a', int, 0), member('b', int, 4)]);
const either = compound('union', undefined, 8, [member('number', int, 0), member('both', pair, 0)]);
const whole = compound('struct', 'whole', 64, [
  member('first', pair, 0),
  member(undefined, either, 8),
  member('list', { kind: 'array', count: 3, element: pair }, 16),
  member('last', int, 60),
]);

describe('memberAt', () => {
  const at = (offset: number): unknown => {
    const { path, rest } = memberAt(whole, offset);
    return [path, rest];
  };

  it('is the outermost member that begins there', () => {
    expect(at(0)).toEqual([undefined, 0]);
    expect(at(4)).toEqual(['first.b', 0]);
    expect(at(8)).toEqual(['number', 0]);
    expect(at(16)).toEqual(['list', 0]);
    expect(at(24)).toEqual(['list[1]', 0]);
    expect(at(28)).toEqual(['list[1].b', 0]);
  });

  it('is the innermost that covers an offset no member begins at', () => {
    expect(at(6)).toEqual(['first.b', 2]);
    expect(at(62)).toEqual(['last', 2]);
    expect(at(50)).toEqual([undefined, 50]);
  });

  it('is of a type that is wanted, where several begin', () => {
    expect(memberAt(whole, 16, pair)).toMatchObject({ path: 'list[0]', rest: 0, type: pair });
    expect(memberAt(whole, 0, pair)).toMatchObject({ path: 'first', rest: 0 });
  });
});

describe('embedsAt', () => {
  it('knows what stands where', () => {
    expect([0, 16, 24, 32].map((offset) => embedsAt(whole, offset, pair))).toEqual([true, true, true, true]);
    expect([4, 20, 60, 70].map((offset) => embedsAt(whole, offset, pair))).toEqual([false, false, false, false]);
    expect(embedsAt(whole, 0, whole)).toBe(true);
  });
});
